// The spectrogram of a sound on a canvas: time in s, frequency in Hz on a logarithmic axis, level in colour.

import { LEVEL_COLOURS, themed } from "./colours.js";
import { fitCanvas } from "./dom.js";
import { spectrogram } from "./spectrum.js";

const LOWEST = 40; // Hz
const RANGE = 80; // dB from black to the palest
const MARGIN = { left: 46, right: 46, top: 8, bottom: 26 }; // CSS pixels
const FRAMES = 480; // about as many as there are pixels

export class Picture {
  /** Draws into `canvas`; `cursor` is an element that is moved along as the playhead. */
  constructor(canvas, cursor) {
    this.canvas = canvas;
    this.cursor = cursor;
    this.sound = null;
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** Show the sound { samples, rate }, or nothing. */
  show(sound) {
    if (sound !== this.sound && sound !== null) {
      const hop = Math.max(64, Math.ceil(sound.samples.length / FRAMES));
      this.spectrum = spectrogram(sound.samples, { hop });
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
    const width = this.canvas.clientWidth - MARGIN.left - MARGIN.right;
    this.cursor.style.transform = `translateX(${MARGIN.left + (seconds / this.seconds) * width}px)`;
    this.cursor.hidden = this.sound === null;
  }

  draw() {
    const ratio = fitCanvas(this.canvas);
    const context = this.canvas.getContext("2d");
    const box = {
      x: MARGIN.left, y: MARGIN.top,
      width: this.canvas.width / ratio - MARGIN.left - MARGIN.right,
      height: this.canvas.height / ratio - MARGIN.top - MARGIN.bottom,
    };
    if (box.width < 20 || box.height < 20) return;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.fillStyle = "#000004";
    context.fillRect(box.x, box.y, box.width, box.height);
    const highest = this.sound === null ? 11025 : this.sound.rate / 2;
    if (this.sound !== null) this.fill(context, box, highest, ratio);
    this.axes(context, box, highest);
    this.legend(context, box);
  }

  fill(context, box, highest, ratio) {
    const width = Math.round(box.width * ratio);
    const height = Math.round(box.height * ratio);
    const { levels, frames, bins, size, hop } = this.spectrum;
    const image = context.createImageData(width, height);
    const { rate, samples } = this.sound;
    for (let y = 0; y < height; y++) {
      const hertz = LOWEST * (highest / LOWEST) ** (1 - (y + 0.5) / height);
      const at = Math.min((hertz * size) / rate, bins - 1.001);
      const low = Math.floor(at);
      const part = at - low;
      for (let x = 0; x < width; x++) {
        const frame = Math.min(frames - 1, Math.round((((x + 0.5) / width) * samples.length) / hop));
        const first = frame * bins + low;
        const level = levels[first] + part * (levels[first + 1] - levels[first]);
        const colour = 3 * Math.max(0, Math.min(255, Math.round((1 + level / RANGE) * 255)));
        const target = 4 * (y * width + x);
        image.data[target] = LEVEL_COLOURS[colour];
        image.data[target + 1] = LEVEL_COLOURS[colour + 1];
        image.data[target + 2] = LEVEL_COLOURS[colour + 2];
        image.data[target + 3] = 255;
      }
    }
    context.putImageData(image, Math.round(box.x * ratio), Math.round(box.y * ratio));
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
