// The map of designs as a pad: what is decoded where as its background, a point that is dragged, and zoom.

import { fitCanvas } from "./dom.js";

const MARGIN = 0.08; // of the map's extent around it
const PATIENCE = 180; // ms without a change of the view before its background is made anew
const STEP = 1.3; // of zoom
const CLOSEST = 200; // times

/**
 * A part of the map: [left, bottom, right, top].
 * @typedef {number[]} Part
 */

export class Plane {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ picture: (part: Part, cells: number) => Promise<ImageBitmap>, chosen: (point: number[]) => void }} page
   *   picture: what is decoded over a part. chosen: told of the point that is pressed.
   */
  constructor(canvas, { picture, chosen }) {
    this.canvas = canvas;
    this.picture = picture;
    this.chosen = chosen;
    this.whole = [-1, -1, 1, 1];
    this.view = this.whole;
    this.point = [0, 0];
    /** @type {{ part: Part, bitmap: ImageBitmap }[]} */
    this.shown = []; // the whole map, and over it what was made of the part that is looked at
    this.asked = 0;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#drag(event));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(STEP ** -Math.sign(event.deltaY), this.#place(event));
    }, { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /**
   * Show a map from one corner to the other.
   * @param {number[]} low
   * @param {number[]} high
   */
  show(low, high) {
    const [across, up] = [0, 1].map((axis) => MARGIN * (high[axis] - low[axis] || 1));
    this.whole = [low[0] - across, low[1] - up, high[0] + across, high[1] + up];
    this.view = this.whole;
    this.shown = [];
    this.#refresh(0);
  }

  /** @param {number[]} point */
  mark(point) {
    this.point = point;
    this.draw();
  }

  /**
   * Come closer by a factor, about a point of the map that stays where it is.
   * @param {number} factor
   * @param {number[]} about
   */
  zoom(factor, about = this.point) {
    const [left, bottom, right, top] = this.view;
    const full = this.whole[2] - this.whole[0];
    const scale = Math.min(Math.max(factor, (right - left) / full), (CLOSEST * (right - left)) / full);
    const near = (/** @type {number} */ edge, /** @type {number} */ axis) => about[axis] + (edge - about[axis]) / scale;
    this.view = this.#within([near(left, 0), near(bottom, 1), near(right, 0), near(top, 1)]);
    this.draw();
    this.#refresh(PATIENCE);
  }

  all() {
    this.view = this.whole;
    this.draw();
    this.#refresh(PATIENCE);
  }

  draw() {
    const ratio = fitCanvas(this.canvas);
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    const { width, height } = this.canvas;
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    for (const { part, bitmap } of this.shown) {
      const [x, y] = this.#pixel([part[0], part[3]]);
      const [right, bottom] = this.#pixel([part[2], part[1]]);
      context.drawImage(bitmap, x, y, right - x, bottom - y);
    }
    const [x, y] = this.#pixel(this.point);
    for (const [line, colour] of /** @type {[number, string][]} */ ([[5, "#fff"], [2.5, "#c4005a"]])) {
      context.lineWidth = line * ratio;
      context.strokeStyle = colour;
      context.beginPath();
      context.arc(x, y, 9 * ratio, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  /** @param {number} delay */
  #refresh(delay) {
    const asked = ++this.asked;
    setTimeout(async () => {
      if (asked !== this.asked) return;
      const part = this.view;
      const cells = Math.max(4, Math.min(12, Math.round(this.canvas.clientWidth / 70)));
      try {
        const bitmap = await this.picture(part, cells);
        if (asked !== this.asked) return;
        this.shown = part === this.whole ? [{ part, bitmap }] : [...this.shown.filter((each) => each.part === this.whole), { part, bitmap }];
        this.canvas.dataset.part = part.map((edge) => edge.toPrecision(4)).join(" ");
        this.draw();
        performance.mark("genvae:plane");
      } catch {
        // The map stays as it is; the design itself says what is wrong.
      }
    }, delay);
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.#choose(this.#place(event));
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (this.canvas.hasPointerCapture(event.pointerId)) this.#choose(this.#place(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const arrows = /** @type {Record<string, number[]>} */ ({ ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] });
    if (event.key in arrows) {
      const [left, bottom, right, top] = this.view;
      const size = [right - left, top - bottom];
      this.#choose(this.point.map((at, axis) => at + 0.02 * size[axis] * arrows[event.key][axis]));
    } else if (event.key === "+" || event.key === "-") {
      this.zoom(event.key === "+" ? STEP : 1 / STEP);
    } else return;
    event.preventDefault();
  }

  /** @param {number[]} point */
  #choose(point) {
    const [left, bottom, right, top] = this.whole;
    this.mark([Math.min(Math.max(point[0], left), right), Math.min(Math.max(point[1], bottom), top)]);
    this.chosen(this.point);
  }

  /**
   * The point of the map under a pointer.
   * @param {MouseEvent} event
   */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    const [left, bottom, right, top] = this.view;
    return [
      left + ((event.clientX - box.left) / box.width) * (right - left),
      top - ((event.clientY - box.top) / box.height) * (top - bottom),
    ];
  }

  /** @param {number[]} point */
  #pixel([x, y]) {
    const [left, bottom, right, top] = this.view;
    return [((x - left) / (right - left)) * this.canvas.width, ((top - y) / (top - bottom)) * this.canvas.height];
  }

  /**
   * A part of the size of another, moved into the map.
   * @param {Part} part
   * @returns {Part}
   */
  #within(part) {
    const moved = [...part];
    for (const axis of [0, 1]) {
      const by = Math.max(this.whole[axis] - part[axis], 0) + Math.min(this.whole[axis + 2] - part[axis + 2], 0);
      moved[axis] += by;
      moved[axis + 2] += by;
    }
    const full = moved[2] - moved[0] > 0.999 * (this.whole[2] - this.whole[0]);
    return full ? this.whole : moved;
  }
}
