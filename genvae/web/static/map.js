// The latent map: every training clip as a dot, and on top what is being heard. It draws; mapinput.js listens.

import { genreColour, LEVEL_COLOURS, rgb, themed } from "./colours.js";
import { contour, density, densityAt } from "./density.js";
import { breathe, calm, fitCanvas } from "./dom.js";

const ZOOM = [0.5, 200]; // how far out and in, relative to the whole map
const OPACITY = 0.62; // of a dot
const LEVELS = [0.03, 0.12, 0.3, 0.6]; // of the greatest density, where lines are drawn

export class LatentMap {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Float32Array} */
    this.points = new Float32Array(0);
    /** @type {Uint16Array} */
    this.genres = new Uint16Array(0);
    this.order = new Uint32Array(0); // in which clips are drawn
    this.placed = new Float32Array(0); // the points in that order, so that drawing runs through memory
    this.hidden = new Set(); // indices of genres
    this.colouring = "genre"; // or "density", or what clips sound like
    /** @type {Uint8Array | null} */
    this.heard = null; // of each clip, where they are coloured by that: 0 for none at all, else 1 to 255
    this.contours = true;
    this.labels = ["", ""]; // of the axes
    /** @type {any} */
    this.surface = null; // how dense the clips lie
    /** @type {Path2D[]} */
    this.outlines = []; // lines of equal density, by level, in the map's units
    this.layer = document.createElement("canvas"); // all that stays when a sound moves: dots, lines, axes
    this.shade = new Uint8Array(0); // of each clip, by density
    this.view = { x: 0, y: 0, zoom: 1 };
    /** @type {any} */
    this.marks = { current: null, trail: [], neighbours: [], a: null, b: null, drag: null, cross: null };
    this.asked = false;
    this.whole = { x: 0, y: 0, width: 1, height: 1 };
    this.moved = () => {};
    new ResizeObserver(() => this.redraw()).observe(canvas);
  }

  /**
   * Show the clips of a map.
   * @param {{ points: Float32Array, genres: Uint16Array }} clips  points [x0, y0, x1, …] and the genre index of each
   * @param {string[]} labels  of the axes
   */
  load({ points, genres }, labels) {
    this.points = points;
    this.genres = genres;
    this.labels = labels;
    this.drawn = "";
    // A stride that shares no factor with the count visits every dot in a mixed order, so that no genre covers another.
    const count = genres.length;
    this.order = new Uint32Array(count);
    this.placed = new Float32Array(2 * count);
    let stride = Math.max(1, Math.floor(count * 0.618)) | 1;
    while (gcd(stride, count) > 1) stride += 2;
    for (let i = 0, at = 0; i < count; i++, at = (at + stride) % count) {
      this.order[i] = at;
      this.placed[2 * i] = points[2 * at];
      this.placed[2 * i + 1] = points[2 * at + 1];
    }
    const [left, right] = extent(points, 0);
    const [bottom, top] = extent(points, 1);
    this.surface = null;
    this.outlines = [];
    this.whole = { x: (left + right) / 2, y: (bottom + top) / 2, width: right - left || 1, height: top - bottom || 1 };
    this.reset();
  }

  get empty() {
    return this.genres.length === 0;
  }

  /** CSS pixels for one unit of the map. */
  get scale() {
    const { clientWidth, clientHeight } = this.canvas;
    return this.view.zoom * 0.92 * Math.min(clientWidth / this.whole.width, clientHeight / this.whole.height);
  }

  /**
   * @param {number[]} point  of the map
   * @returns {number[]} in CSS pixels
   */
  toScreen([x, y]) {
    const { clientWidth, clientHeight } = this.canvas;
    return [(x - this.view.x) * this.scale + clientWidth / 2, (this.view.y - y) * this.scale + clientHeight / 2];
  }

  /**
   * @param {number[]} place  in CSS pixels
   * @returns {number[]} a point of the map
   */
  toMap([left, top]) {
    const { clientWidth, clientHeight } = this.canvas;
    return [(left - clientWidth / 2) / this.scale + this.view.x, this.view.y - (top - clientHeight / 2) / this.scale];
  }

  /** Show all of it. */
  reset() {
    this.view = { x: this.whole.x, y: this.whole.y, zoom: 1 };
    this.redraw();
  }

  /**
   * Move the view by CSS pixels.
   * @param {number} left
   * @param {number} top
   */
  pan(left, top) {
    this.view.x -= left / this.scale;
    this.view.y += top / this.scale;
    this.redraw();
  }

  /**
   * Zoom by a factor, with a place in CSS pixels (by default the middle) staying where it is.
   * @param {number} factor
   * @param {number[]} at
   */
  zoom(factor, at = [this.canvas.clientWidth / 2, this.canvas.clientHeight / 2]) {
    const before = this.toMap(at);
    this.view.zoom = Math.min(ZOOM[1], Math.max(ZOOM[0], this.view.zoom * factor));
    const after = this.toMap(at);
    this.view.x += before[0] - after[0];
    this.view.y += before[1] - after[1];
    this.redraw();
  }

  /**
   * Bring a point into view if it is not.
   * @param {number[]} point
   */
  reveal(point) {
    const [left, top] = this.toScreen(point);
    const { clientWidth, clientHeight } = this.canvas;
    if (left > 10 && top > 10 && left < clientWidth - 10 && top < clientHeight - 10) return;
    [this.view.x, this.view.y] = point;
    this.redraw();
  }

  mark(marks) {
    Object.assign(this.marks, marks);
    this.redraw();
  }

  /** Draw soon, once, however often it is asked for. */
  redraw() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => {
      this.asked = false;
      this.draw();
      this.moved();
    });
  }

  draw() {
    const began = performance.now();
    const ratio = fitCanvas(this.canvas);
    const context = this.canvas.getContext("2d");
    const { x, y, zoom } = this.view;
    const state = [x, y, zoom, this.canvas.width, this.canvas.height, themed("plate"), this.colouring, this.outlines.length, ...this.hidden].join();
    if (state !== this.drawn) this.still(ratio);
    this.drawn = state;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(this.layer, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.overlay(context);
    performance.measure("genvae:map", { start: began });
  }

  /** Draw what stays as long as the view does. */
  still(ratio) {
    const { width, height } = this.canvas;
    if (this.layer.width !== width || this.layer.height !== height) Object.assign(this.layer, { width, height });
    const context = this.layer.getContext("2d");
    this.dots(context, ratio);
    context.putImageData(this.image, 0, 0);
    if (this.contours && !this.empty) this.lines(context, ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.axes(context);
  }

  /** All dots as an image, written pixel by pixel: that is steady at a hundred thousand of them, where canvas calls are not. */
  dots(context, ratio) {
    const { width, height } = this.canvas;
    if (this.image === undefined || this.image.width !== width || this.image.height !== height) {
      this.image = context.createImageData(width, height);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    const [red, green, blue] = rgb(themed("plate"));
    pixels.fill(((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0);
    const spread = Math.min(2.2, Math.max(0.95, 60 / Math.sqrt(this.genres.length || 1)));
    const radius = spread * ratio * Math.min(2, this.view.zoom ** 0.3);
    const stamp = disc(radius);
    const scale = this.scale * ratio;
    const offsetX = width / 2 - this.view.x * scale - stamp.reach + 0.5;
    const offsetY = height / 2 + this.view.y * scale - stamp.reach + 0.5;
    const inks = [];
    const shades = this.colouring === "genre" ? null : this.shades();
    const shade = this.heard ?? this.shade;
    const { placed, order, genres, hidden } = this;
    const { cover, size } = stamp;
    const count = cover.length;
    const steps = Int32Array.from(stamp.cells, (cell) => Math.floor(cell / size) * width + (cell % size));
    for (let i = 0; i < order.length; i++) {
      const genre = genres[order[i]];
      if (hidden.size > 0 && hidden.has(genre)) continue;
      const left = Math.floor(placed[2 * i] * scale + offsetX);
      const top = Math.floor(offsetY - placed[2 * i + 1] * scale);
      if (left < 0 || top < 0 || left + size > width || top + size > height) continue;
      const which = shades === null ? genre : shade[order[i]];
      const ink = (inks[which] ??= stained(cover, shades === null ? rgb(genreColour(genre)) : shades[which]));
      const corner = top * width + left;
      for (let cell = 0; cell < count; cell++) {
        const target = corner + steps[cell];
        const pixel = pixels[target];
        const rest = 256 - cover[cell];
        // Red and blue in one product, as neither reaches the other's bits.
        const redBlue = (Math.imul(pixel & 0xff00ff, rest) + ink[2 * cell]) >>> 8;
        const green = (Math.imul(pixel & 0xff00, rest) + ink[2 * cell + 1]) >>> 8;
        pixels[target] = 0xff000000 | (redBlue & 0xff00ff) | (green & 0xff00);
      }
    }
  }

  /** The surface of the density, measured when it is first needed. */
  get ground() {
    if (this.surface === null) {
      const surface = density(this.points, this.whole);
      this.surface = surface;
      this.shade = Uint8Array.from(this.genres, (_, i) => Math.round(255 * Math.sqrt(densityAt(surface, this.points[2 * i], this.points[2 * i + 1]))));
    }
    return this.surface;
  }

  /**
   * Colour the clips by what they sound like, a shade each, or again by what stands in `colouring`.
   * @param {string} colouring
   * @param {Uint8Array | null} heard
   */
  colour(colouring, heard = null) {
    this.colouring = colouring;
    this.heard = heard;
    this.redraw();
  }

  /** Colours by density or by what is heard, from the dim to the bright end of the scale that levels have, so that both themes show them. */
  shades() {
    if (this.heard === null && this.ground.most === 0) return null;
    const scale = Array.from({ length: 256 }, (_, i) => {
      const at = 3 * Math.round(60 + (150 * i) / 255);
      return [...LEVEL_COLOURS.slice(at, at + 3)];
    });
    if (this.heard !== null) scale[0] = rgb(themed("line"));
    return scale;
  }

  /** Lines of equal density; before they are known, they are looked for when the dots are seen. */
  lines(context, ratio) {
    if (this.outlines.length === 0) {
      const { points } = this;
      breathe().then(() => {
        if (points !== this.points || this.outlines.length > 0 || this.ground.most === 0) return;
        this.outlines = LEVELS.map((level) => outline(contour(this.ground, level * this.ground.most)));
        this.redraw();
      });
      return;
    }
    const { clientWidth, clientHeight } = this.canvas;
    const { x, y } = this.view;
    const scale = ratio * this.scale;
    context.setTransform(scale, 0, 0, -scale, (ratio * clientWidth) / 2 - x * scale, (ratio * clientHeight) / 2 + y * scale);
    context.strokeStyle = themed("ink");
    context.lineWidth = 1 / this.scale;
    this.outlines.forEach((path, index) => {
      context.globalAlpha = 0.22 + 0.1 * index;
      context.stroke(path);
    });
    context.globalAlpha = 1;
  }

  /**
   * The training clip under a place, or −1.
   * @param {number[]} place  in CSS pixels
   * @param {number} reach
   */
  clipAt(place, reach = 6) {
    const [x, y] = this.toMap(place);
    let nearest = -1;
    let least = (reach / this.scale) ** 2;
    for (let i = 0; i < this.genres.length; i++) {
      const away = (this.points[2 * i] - x) ** 2 + (this.points[2 * i + 1] - y) ** 2;
      if (away < least && !this.hidden.has(this.genres[i])) [nearest, least] = [i, away];
    }
    return nearest;
  }

  axes(context) {
    const { clientWidth, clientHeight } = this.canvas;
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = themed("soft");
    context.textAlign = "right";
    context.textBaseline = "bottom";
    context.fillText(this.labels[0], clientWidth - 10, clientHeight - 8);
    context.save();
    context.rotate(-Math.PI / 2);
    context.textBaseline = "top";
    context.fillText(this.labels[1], -10, 9);
    context.restore();
  }

  overlay(context) {
    const { current, trail, neighbours, a, b, drag, cross } = this.marks;
    const ink = themed("ink");
    const plate = themed("plate");
    if (current !== null) {
      const [x, y] = this.toScreen(current.point);
      context.strokeStyle = ink;
      context.lineWidth = 1;
      for (const neighbour of neighbours) {
        const [left, top] = this.toScreen(neighbour.point);
        context.globalAlpha = 0.55;
        line(context, [[x, y], [left, top]]);
        context.globalAlpha = 1;
      }
    }
    if (trail.length > 1) {
      const places = trail.map((point) => this.toScreen(point));
      context.lineJoin = "round";
      for (const [style, width] of [[plate, 6], [ink, 2]]) {
        context.strokeStyle = style;
        context.lineWidth = width;
        line(context, places);
      }
      context.fillStyle = ink;
      for (const [left, top] of places) {
        circle(context, left, top, 3);
        context.fill();
      }
    }
    if (drag !== null) {
      context.strokeStyle = ink;
      context.lineWidth = 2;
      context.setLineDash([6, 5]);
      line(context, drag.map((point) => this.toScreen(point)));
      context.setLineDash([]);
    }
    if (current !== null) this.dot(context, current);
    if (current !== null) this.rings(context, neighbours, ink, plate);
    for (const [letter, point] of [["A", a], ["B", b]]) if (point !== null) this.pin(context, letter, point);
    if (cross !== null) {
      const [x, y] = this.toScreen(cross);
      context.strokeStyle = ink;
      context.lineWidth = 1.5;
      line(context, [[x - 14, y], [x - 4, y]]);
      line(context, [[x + 4, y], [x + 14, y]]);
      line(context, [[x, y - 14], [x, y - 4]]);
      line(context, [[x, y + 4], [x, y + 14]]);
    }
  }

  /** The nearest training sounds, ringed on top of all, as many lie close to the sound that is heard. */
  rings(context, neighbours, ink, plate) {
    for (const { point } of neighbours) {
      const [left, top] = this.toScreen(point);
      for (const [style, width] of [[plate, 3.5], [ink, 1.5]]) {
        context.strokeStyle = style;
        context.lineWidth = width;
        circle(context, left, top, 4.5);
        context.stroke();
      }
    }
  }

  /** The sound that is heard: ringed, and while it plays with a ring that grows. */
  dot(context, { point, genre, playing }) {
    const [x, y] = this.toScreen(point);
    const phase = playing && !calm.matches ? (performance.now() % 900) / 900 : 0;
    if (phase) {
      context.strokeStyle = genreColour(genre);
      context.globalAlpha = 1 - phase;
      context.lineWidth = 3;
      circle(context, x, y, 9 + 16 * phase);
      context.stroke();
      context.globalAlpha = 1;
      this.redraw();
    }
    context.fillStyle = genreColour(genre);
    context.strokeStyle = themed("ink");
    context.lineWidth = 2.5;
    circle(context, x, y, 8);
    context.fill();
    context.stroke();
  }

  pin(context, letter, point) {
    const [x, y] = this.toScreen(point);
    context.fillStyle = themed("ink");
    context.beginPath();
    context.moveTo(x, y - 3);
    context.lineTo(x - 5, y - 12);
    context.lineTo(x + 5, y - 12);
    context.fill();
    circle(context, x, y - 20, 10);
    context.fill();
    context.fillStyle = themed("plate");
    context.font = "bold 12px system-ui, sans-serif";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(letter, x, y - 19.5);
  }
}

function line(context, places) {
  context.beginPath();
  for (const [left, top] of places) context.lineTo(left, top);
  context.stroke();
}

function circle(context, x, y, radius) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
}

/** Pieces [x, y, x, y] as one path. */
function outline(pieces) {
  const path = new Path2D();
  for (const [a, b, c, d] of pieces) {
    path.moveTo(a, b);
    path.lineTo(c, d);
  }
  return path;
}

/** The pixels of a square that a dot in its middle covers, by their number in it, and how much of each, in 256ths. */
function disc(radius) {
  const reach = Math.ceil(radius);
  const size = 2 * reach + 1;
  const cells = [];
  const cover = [];
  for (let cell = 0; cell < size * size; cell++) {
    const inside = Math.min(1, radius + 0.5 - Math.hypot((cell % size) - reach, Math.floor(cell / size) - reach));
    const covered = Math.round(256 * OPACITY * inside);
    if (covered <= 0) continue;
    cells.push(cell);
    cover.push(covered);
  }
  return { reach, size, cells, cover: Uint16Array.from(cover) };
}

/** What a dot of a colour adds to each pixel that it covers: red and blue, then green, each times what is covered. */
function stained(cover, colour) {
  const [red, green, blue] = colour;
  const ink = new Uint32Array(2 * cover.length);
  cover.forEach((part, i) => {
    ink[2 * i] = ((blue << 16) | red) * part;
    ink[2 * i + 1] = (green << 8) * part;
  });
  return ink;
}

/** The range of one coordinate, but for the few clips that lie furthest out. */
function extent(points, coordinate) {
  const values = new Float32Array(points.length / 2);
  for (let i = 0; i < values.length; i++) values[i] = points[2 * i + coordinate];
  values.sort();
  const rest = Math.floor(values.length / 500);
  return [values[rest] ?? 0, values[values.length - 1 - rest] ?? 1];
}

const gcd = (a, b) => (b === 0 ? a : gcd(b, a % b));
