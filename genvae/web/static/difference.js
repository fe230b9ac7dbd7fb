// Where two sounds differ: their spectrograms on one scale, and the difference of their levels.

import { LEVEL_PIXELS } from "./colours.js";
import { fitCanvas } from "./dom.js";
import { spectrogram } from "./spectrum.js";

const RANGE = 70; // dB below the louder of the two
const MOST = 30; // dB of difference that has the full colour
const COLUMNS = 200; // frames of the longer one
const LOWEST = 60; // Hz

/** @typedef {{ samples: Float32Array, rate: number }} Heard */

/**
 * The levels of two sounds in dB below the loudest of both, with frames of the same length.
 * @param {Heard} a
 * @param {Heard} b
 */
export function levelsOf(a, b) {
  const seconds = Math.max(a.samples.length / a.rate, b.samples.length / b.rate);
  const both = [a, b].map(({ samples, rate }) => {
    const { levels, frames, bins, size, loudest } = spectrogram(samples, { size: 1024, hop: Math.max(32, Math.ceil((seconds * rate) / COLUMNS)) });
    return { levels, frames, bins, size, rate, top: 10 * Math.log10(loudest) };
  });
  const top = Math.max(both[0].top, both[1].top);
  /** The level at a frequency in Hz in a frame; beyond the end there is silence. */
  const level = (/** @type {number} */ which, /** @type {number} */ hertz, /** @type {number} */ frame) => {
    const { levels, frames, bins, size, rate, top: own } = both[which];
    if (frame >= frames) return -RANGE;
    const bin = Math.min(bins - 1, Math.round((hertz * size) / rate));
    return Math.max(-RANGE, levels[frame * bins + bin] + own - top);
  };
  return { level, frames: Math.max(both[0].frames, both[1].frames), highest: Math.min(a.rate, b.rate) / 2 };
}

/**
 * Draw both sounds, and where one is louder than the other: orange for the first, blue for the second. The mean
 * difference of their levels in dB.
 * @param {Heard} a
 * @param {Heard} b
 * @param {HTMLCanvasElement[]} canvases  of the first, the second, and the difference
 */
export function drawDifference(a, b, canvases) {
  const { level, frames, highest } = levelsOf(a, b);
  const images = canvases.map((canvas) => {
    fitCanvas(canvas);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const image = context.createImageData(canvas.width, canvas.height);
    return { context, image, pixels: new Uint32Array(image.data.buffer) };
  });
  const { width, height } = images[0].image;
  let total = 0;
  for (let y = 0; y < height; y++) {
    const hertz = LOWEST * (highest / LOWEST) ** (1 - (y + 0.5) / height);
    for (let x = 0; x < width; x++) {
      const frame = Math.min(frames - 1, Math.floor(((x + 0.5) / width) * frames));
      const [first, second] = [level(0, hertz, frame), level(1, hertz, frame)];
      const at = y * width + x;
      for (const [index, value] of [first, second].entries()) {
        images[index].pixels[at] = LEVEL_PIXELS[Math.max(0, Math.min(255, Math.round((1 + value / RANGE) * 255)))];
      }
      if (at < images[2].pixels.length) images[2].pixels[at] = shade(first - second);
      total += Math.abs(first - second);
    }
  }
  for (const { context, image } of images) context.putImageData(image, 0, 0);
  return total / (width * height);
}

/** @param {number} difference  in dB */
function shade(difference) {
  const part = Math.min(1, Math.abs(difference) / MOST);
  const [red, green, blue] = difference > 0 ? [255, 158, 74] : [86, 180, 233];
  return ((255 << 24) | (Math.round(blue * part) << 16) | (Math.round(green * part) << 8) | Math.round(red * part)) >>> 0;
}
