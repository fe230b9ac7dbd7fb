// The mixing pad: a corner for each genre, and a point whose place says how much of each is heard.

import { genreColour, themed } from "./colours.js";
import { $, fitCanvas } from "./dom.js";
import { recipe } from "./recipes.js";

const STEP = 0.06; // that an arrow key goes, where the pad's radius is 1
const RIM = 34; // CSS pixels around the corners, for their names

/**
 * The corners of the pad, on a circle of radius 1; two of them are the ends of a line.
 * @param {number} count
 */
export const cornersOf = (count) => Array.from({ length: count }, (_, i) => {
  const angle = count === 2 ? Math.PI * (1 - i) : -Math.PI / 2 + (2 * Math.PI * i) / count;
  return [Math.cos(angle), Math.sin(angle)];
});

/**
 * How much of each corner a place is: weights that add up to 1, and 1 at a corner itself.
 *
 * Mean value coordinates (Floater, Mean Value Coordinates, 2003), which are smooth and positive in a convex polygon.
 * @param {number[]} place
 * @param {number[][]} corners
 */
export function weights([x, y], corners) {
  if (corners.length === 1) return [1];
  if (corners.length === 2) return [(1 - x) / 2, (1 + x) / 2].map((weight) => Math.min(1, Math.max(0, weight)));
  const away = corners.map(([a, b]) => [a - x, b - y]);
  const lengths = away.map(([a, b]) => Math.hypot(a, b));
  const at = lengths.findIndex((length) => length < 1e-6);
  if (at >= 0) return corners.map((_, i) => Number(i === at));
  const half = away.map(([a, b], i) => {
    const [c, d] = away[(i + 1) % away.length];
    return Math.tan(Math.min(Math.atan2(a * d - b * c, a * c + b * d), Math.PI - 1e-6) / 2);
  });
  const raw = half.map((tangent, i) => (half[(i + half.length - 1) % half.length] + tangent) / lengths[i]);
  const total = raw.reduce((sum, each) => sum + each, 0);
  return raw.map((each) => Math.max(0, each / total));
}

/**
 * The nearest place in the polygon, or on the line.
 * @param {number[]} place
 * @param {number[][]} corners
 */
export function inside([x, y], corners) {
  if (corners.length < 3) return [Math.min(1, Math.max(-1, x)), 0];
  for (let round = 0; round < 2; round++) { // a place beyond two sides is brought to both
    corners.forEach(([a, b], i) => {
      const [c, d] = corners[(i + 1) % corners.length];
      const [u, v] = [c - a, d - b];
      const beyond = u * (y - b) - v * (x - a); // on the outer side where negative
      if (beyond >= 0) return;
      const along = Math.min(1, Math.max(0, ((x - a) * u + (y - b) * v) / (u * u + v * v)));
      [x, y] = [a + along * u, b + along * v];
    });
  }
  return [x, y];
}

export class Mixer {
  /**
   * @param {import("./session.js").Session} session
   * @param {import("./controls.js").Controls} controls
   */
  constructor(session, controls) {
    this.session = session;
    this.controls = controls;
    this.canvas = $("mix-pad");
    this.genres = session.info.genres;
    this.corners = cornersOf(this.genres.length);
    this.place = [0, 0];
    this.seed = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
    $("mix").hidden = this.genres.length < 2;
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.listen();
    session.addEventListener("sound", (/** @type {any} */ { detail: { sound, by } }) => {
      if (by !== "mixer" && sound.recipe.source?.mix !== undefined) this.follow(sound.recipe.source);
    });
  }

  listen() {
    const { canvas } = this;
    canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      canvas.setPointerCapture(event.pointerId);
      this.move(this.fromScreen(event));
    });
    canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.move(this.fromScreen(event));
    });
    canvas.addEventListener("pointerup", () => this.session.keepLatest());
    canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const [x, y] = this.place;
      /** @type {Record<string, number[]>} */
      const arrows = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
      if (event.key in arrows) this.move([x + arrows[event.key][0], y + arrows[event.key][1]]);
      else if (event.key === "Enter") this.again();
      else return;
      event.preventDefault();
    });
    canvas.addEventListener("keyup", (/** @type {KeyboardEvent} */ event) => { if (event.key.startsWith("Arrow")) this.session.keepLatest(); });
  }

  /** The same mix of what another seed draws. */
  again() {
    this.seed = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
    this.session.make(this.recipe(), { by: "mixer" });
  }

  /** @param {number[]} place */
  move(place) {
    this.place = inside(place, this.corners);
    this.draw();
    this.session.audition(this.recipe(), "mixer");
  }

  /** The weight of each genre, in hundredths. */
  get mix() {
    const parts = weights(this.place, this.corners).map((weight) => Math.round(100 * weight) / 100);
    return Object.fromEntries(this.genres.map((/** @type {string} */ genre, /** @type {number} */ i) => [genre, parts[i]]).filter((/** @type {any} */ [, weight]) => weight > 0));
  }

  recipe() {
    const seed = $("lock").checked ? this.controls.noiseSeed : this.seed;
    return recipe({ mix: this.mix, seed, index: 0, temperature: this.controls.temperature }, this.controls.how);
  }

  /**
   * Stand where a mix of the history does.
   * @param {any} source
   */
  follow({ mix, seed }) {
    const total = Object.values(mix).reduce((sum, each) => sum + each, 0) || 1;
    const parts = this.genres.map((/** @type {string} */ genre) => (mix[genre] ?? 0) / total);
    this.seed = seed;
    this.place = [0, 1].map((axis) => this.corners.reduce((sum, corner, i) => sum + parts[i] * corner[axis], 0));
    this.draw();
  }

  get radius() {
    const { clientWidth, clientHeight } = this.canvas;
    return Math.max(10, Math.min(clientWidth, clientHeight) / 2 - RIM);
  }

  /** @param {PointerEvent} event */
  fromScreen({ offsetX, offsetY }) {
    const { clientWidth, clientHeight } = this.canvas;
    return [(offsetX - clientWidth / 2) / this.radius, (offsetY - clientHeight / 2) / this.radius];
  }

  draw() {
    const ratio = fitCanvas(this.canvas);
    const context = this.canvas.getContext("2d");
    const { clientWidth, clientHeight } = this.canvas;
    const { radius } = this;
    const screen = (/** @type {number[]} */ [x, y]) => [clientWidth / 2 + x * radius, clientHeight / 2 + y * radius];
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, clientWidth, clientHeight);
    context.beginPath();
    for (const corner of this.corners) context.lineTo(...screen(corner));
    context.closePath();
    context.fillStyle = themed("wash");
    context.fill();
    context.strokeStyle = themed("line");
    context.lineWidth = 1.5;
    context.stroke();
    const parts = weights(this.place, this.corners);
    const [x, y] = screen(this.place);
    this.corners.forEach((corner, i) => {
      const [left, top] = screen(corner);
      context.strokeStyle = genreColour(i);
      context.lineWidth = 1 + 7 * parts[i];
      context.beginPath();
      context.moveTo(x, y);
      context.lineTo(left, top);
      context.stroke();
      context.fillStyle = genreColour(i);
      context.beginPath();
      context.arc(left, top, 7, 0, 2 * Math.PI);
      context.fill();
      context.fillStyle = themed("ink");
      context.font = "600 13px system-ui, sans-serif";
      context.textAlign = corner[0] < -0.3 ? "left" : corner[0] > 0.3 ? "right" : "center";
      context.textBaseline = corner[1] > 0.3 ? "top" : "bottom";
      const edge = corner[0] < -0.3 ? Math.max(4, left - 40) : corner[0] > 0.3 ? Math.min(clientWidth - 4, left + 40) : left;
      context.fillText(this.genres[i], edge, top + (corner[1] > 0.3 ? 11 : -11), clientWidth / 2);
    });
    context.fillStyle = themed("card");
    context.strokeStyle = themed("ink");
    context.lineWidth = 3;
    context.beginPath();
    context.arc(x, y, 11, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
    const told = Object.entries(this.mix).map(([genre, weight]) => `${Math.round(100 * weight)} % ${genre}`).join(", ");
    if ($("mix-now").textContent !== told) $("mix-now").textContent = told;
  }
}
