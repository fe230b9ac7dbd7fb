// The latent map: every training clip as a dot, and on top what is being heard. It draws; mapinput.js listens.

import { genreColour, LEVEL_COLOURS, rgb, themed } from "./colours.js";
import { contour, density, densityAt } from "./density.js";
import { calm, fitCanvas } from "./dom.js";

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
    this.hidden = new Set(); // indices of genres
    this.colouring = "genre"; // or "density", or what clips sound like
    /** @type {Uint8Array | null} */
    this.heard = null; // of each clip, where they are coloured by that: 0 for none at all, else 1 to 255
    this.contours = true;
    this.labels = ["", ""]; // of the axes
    /** @type {any} */
    this.surface = null; // how dense the clips lie
    /** @type {number[][][]} */
    this.pieces = []; // of the lines of equal density, by level
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
    let stride = Math.max(1, Math.floor(count * 0.618)) | 1;
    while (gcd(stride, count) > 1) stride += 2;
    for (let i = 0, at = 0; i < count; i++, at = (at + stride) % count) this.order[i] = at;
    const [left, right] = extent(points, 0);
    const [bottom, top] = extent(points, 1);
    this.surface = null;
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
    const state = [x, y, zoom, this.canvas.width, this.canvas.height, themed("plate"), this.colouring, ...this.hidden].join();
    if (state !== this.drawn || this.image === undefined) this.dots(context, ratio);
    this.drawn = state;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.putImageData(this.image, 0, 0);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (this.contours && !this.empty) this.lines(context);
    this.axes(context);
    this.overlay(context);
    performance.measure("genvae:map", { start: began });
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
    const offsetX = width / 2 - this.view.x * scale - stamp.reach;
    const offsetY = height / 2 + this.view.y * scale - stamp.reach;
    const bytes = this.image.data;
    const colours = [];
    const shades = this.colouring === "genre" ? null : this.shades();
    const shade = this.heard ?? this.shade;
    for (let i = 0; i < this.genres.length; i++) {
      const at = this.order[i];
      const genre = this.genres[at];
      if (this.hidden.has(genre)) continue;
      const left = Math.round(this.points[2 * at] * scale + offsetX);
      const top = Math.round(offsetY - this.points[2 * at + 1] * scale);
      if (left < 0 || top < 0 || left + stamp.size > width || top + stamp.size > height) continue;
      const colour = shades === null ? (colours[genre] ??= rgb(genreColour(genre))) : shades[shade[at]];
      for (let y = 0, from = 0; y < stamp.size; y++) {
        let target = 4 * ((top + y) * width + left);
        for (let x = 0; x < stamp.size; x++, from++, target += 4) {
          const cover = stamp.cover[from];
          if (cover === 0) continue;
          bytes[target] += (cover * (colour[0] - bytes[target])) >> 8;
          bytes[target + 1] += (cover * (colour[1] - bytes[target + 1])) >> 8;
          bytes[target + 2] += (cover * (colour[2] - bytes[target + 2])) >> 8;
        }
      }
    }
  }

  /** The surface of the density, measured when it is first needed. */
  get ground() {
    if (this.surface === null) {
      const surface = density(this.points, this.whole);
      this.surface = surface;
      this.pieces = LEVELS.map((level) => contour(surface, level * surface.most));
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

  /** Lines of equal density. */
  lines(context) {
    if (this.ground.most === 0) return;
    context.strokeStyle = themed("ink");
    context.lineWidth = 1;
    this.pieces.forEach((pieces, index) => {
      context.globalAlpha = 0.22 + 0.1 * index;
      context.beginPath();
      for (const [a, b, c, d] of pieces) {
        context.moveTo(...this.toScreen([a, b]));
        context.lineTo(...this.toScreen([c, d]));
      }
      context.stroke();
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

/** How much of each pixel a dot covers, in 256ths. */
function disc(radius) {
  const reach = Math.ceil(radius);
  const size = 2 * reach + 1;
  const cover = new Uint16Array(size * size);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const inside = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(x - reach, y - reach)));
      cover[y * size + x] = Math.round(256 * OPACITY * inside);
    }
  }
  return { reach, size, cover };
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
