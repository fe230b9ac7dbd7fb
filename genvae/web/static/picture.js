// A sound on a canvas: its spectrogram (time in s, frequency in Hz on a logarithmic axis, level in colour), and its wave.

import { LEVEL_COLOURS, LEVEL_PIXELS, themed } from "./colours.js";
import { fitCanvas } from "./dom.js";
import { spectrogram } from "./spectrum.js";

const LOWEST = 40; // Hz
const RANGE = 80; // dB from black to the palest
const MARGIN = { left: 46, right: 44, top: 8, bottom: 24 }; // CSS pixels
const WAVE = 0.16; // of the height
const FRAMES = 480; // about as many as there are pixels

export class Picture {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {HTMLElement} [cursor]  is moved along as the playhead
   */
  constructor(canvas, cursor) {
    this.canvas = canvas;
    this.cursor = cursor;
    /** @type {any} */
    this.sound = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /**
   * Show the sound { samples, rate }, or nothing.
   * @param {any} sound
   */
  show(sound) {
    if (sound !== this.sound && sound !== null) {
      const hop = Math.max(64, Math.ceil(sound.samples.length / FRAMES));
      this.spectrum = sound.spectrum ??= spectrogram(sound.samples, { size: 2048, hop });
    }
    this.sound = sound;
    this.draw();
  }

  get seconds() {
    return this.sound === null ? 1 : this.sound.samples.length / this.sound.rate;
  }

  /** The time in seconds at a horizontal place in CSS pixels from the canvas's left edge. */
  timeAt(x) {
    const width = this.canvas.clientWidth - MARGIN.left - MARGIN.right;
    return Math.min(1, Math.max(0, (x - MARGIN.left) / width)) * this.seconds;
  }

  /** Put the playhead at a time in seconds. */
  point(seconds) {
    if (!this.cursor) return;
    const width = this.canvas.clientWidth - MARGIN.left - MARGIN.right;
    this.cursor.style.transform = `translateX(${MARGIN.left + (seconds / this.seconds) * width}px)`;
    this.cursor.hidden = this.sound === null;
  }

  draw() {
    const ratio = fitCanvas(this.canvas);
    const context = this.canvas.getContext("2d");
    const room = this.canvas.height / ratio - MARGIN.top - MARGIN.bottom;
    const wave = Math.round(room * WAVE);
    const box = {
      x: MARGIN.left, y: MARGIN.top + wave + 4,
      width: this.canvas.width / ratio - MARGIN.left - MARGIN.right,
      height: room - wave - 4,
    };
    if (box.width < 20 || box.height < 20) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.fillStyle = "#000004";
    context.fillRect(box.x, box.y, box.width, box.height);
    const highest = this.sound === null ? 11025 : this.sound.rate / 2;
    if (this.sound !== null) {
      this.fill(context, box, highest, ratio);
      this.wave(context, { ...box, y: MARGIN.top, height: wave }, ratio);
    }
    this.axes(context, box, highest);
    this.legend(context, box);
  }

  fill(context, box, highest, ratio) {
    const width = Math.round(box.width * ratio);
    const height = Math.round(box.height * ratio);
    const { levels, frames, bins, size, hop } = this.spectrum;
    const image = context.createImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const { rate, samples } = this.sound;
    const starts = new Uint32Array(width); // of each column's frame
    for (let x = 0; x < width; x++) {
      starts[x] = bins * Math.min(frames - 1, Math.round((((x + 0.5) / width) * samples.length) / hop));
    }
    for (let y = 0; y < height; y++) {
      const hertz = LOWEST * (highest / LOWEST) ** (1 - (y + 0.5) / height);
      const at = Math.min((hertz * size) / rate, bins - 1.001);
      const low = Math.floor(at);
      const part = at - low;
      for (let x = 0; x < width; x++) {
        const first = starts[x] + low;
        const level = levels[first] + part * (levels[first + 1] - levels[first]);
        pixels[y * width + x] = LEVEL_PIXELS[Math.max(0, Math.min(255, Math.round((1 + level / RANGE) * 255)))];
      }
    }
    context.putImageData(image, Math.round(box.x * ratio), Math.round(box.y * ratio));
  }

  /** The wave above it: for each column the least and the greatest sample, against the loudest of all. */
  wave(context, box, ratio) {
    const { samples } = this.sound;
    let loudest = 1e-6;
    for (const sample of samples) if (Math.abs(sample) > loudest) loudest = Math.abs(sample);
    const columns = Math.round(box.width * ratio);
    const middle = box.y + box.height / 2;
    context.fillStyle = themed("soft");
    for (let column = 0; column < columns; column++) {
      const from = Math.floor((column * samples.length) / columns);
      const to = Math.max(from + 1, Math.floor(((column + 1) * samples.length) / columns));
      let least = 0;
      let greatest = 0;
      for (let i = from; i < to; i++) {
        if (samples[i] < least) least = samples[i];
        if (samples[i] > greatest) greatest = samples[i];
      }
      const top = middle - (greatest / loudest) * (box.height / 2);
      const height = ((greatest - least) / loudest) * (box.height / 2);
      context.fillRect(box.x + column / ratio, top, 1 / ratio, Math.max(1 / ratio, height));
    }
  }

  axes(context, box, highest) {
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = themed("soft");
    context.textBaseline = "middle";
    context.textAlign = "right";
    for (const hertz of [50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000]) {
      if (hertz > highest) continue;
      const y = box.y + box.height * (1 - Math.log(hertz / LOWEST) / Math.log(highest / LOWEST));
      context.fillText(hertz >= 1000 ? `${hertz / 1000} kHz` : `${hertz} Hz`, box.x - 6, y);
      context.fillRect(box.x - 4, y - 0.5, 4, 1);
    }
    context.textBaseline = "top";
    context.textAlign = "center";
    const step = tick(this.seconds / Math.max(2, Math.floor(box.width / 80)));
    for (let i = 0; i * step <= this.seconds + 1e-6; i++) {
      const x = box.x + (i * step * box.width) / this.seconds;
      const label = String(+(i * step).toFixed(2));
      context.fillText((i + 1) * step > this.seconds + 1e-6 ? `${label} s` : label, x, box.y + box.height + 8);
      context.fillRect(x - 0.5, box.y + box.height, 1, 4);
    }
  }

  /** The colour bar at the right. */
  legend(context, box) {
    const x = box.x + box.width + 10;
    for (let i = 0; i < 64; i++) {
      const colour = 3 * Math.round((1 - i / 63) * 255);
      context.fillStyle = `rgb(${LEVEL_COLOURS.slice(colour, colour + 3).join(",")})`;
      context.fillRect(x, box.y + (i * box.height) / 64, 6, box.height / 64 + 0.5);
    }
    context.fillStyle = themed("soft");
    context.textAlign = "left";
    context.textBaseline = "top";
    context.fillText("0 dB", x + 10, box.y);
    context.textBaseline = "bottom";
    context.fillText(`−${RANGE}`, x + 10, box.y + box.height);
  }
}

/** The least round number of at least `wanted`. */
function tick(wanted) {
  const power = 10 ** Math.floor(Math.log10(wanted));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= wanted * 0.999);
}
