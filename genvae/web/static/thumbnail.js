// A sound as a small spectrogram.

import { LEVEL_COLOURS } from "./colours.js";
import { spectrogram } from "./spectrum.js";

const RANGE = 70; // dB
const LOWEST = 60; // Hz

/**
 * Draw a sound's spectrogram into a small canvas, as wide and as high as its bitmap.
 * @param {HTMLCanvasElement} canvas
 * @param {{ samples: Float32Array, rate: number }} sound
 */
export function drawThumbnail(canvas, { samples, rate }) {
  const context = canvas.getContext("2d");
  if (context === null) return;
  const { width, height } = canvas;
  const { levels, frames, bins, size } = spectrogram(samples, { size: 512, hop: Math.max(64, Math.ceil(samples.length / width)) });
  const image = context.createImageData(width, height);
  for (let y = 0; y < height; y++) {
    const hertz = LOWEST * (rate / 2 / LOWEST) ** (1 - (y + 0.5) / height);
    const bin = Math.min(bins - 1, Math.round((hertz * size) / rate));
    for (let x = 0; x < width; x++) {
      const frame = Math.min(frames - 1, Math.round(((x + 0.5) / width) * frames));
      const colour = 3 * Math.max(0, Math.min(255, Math.round((1 + levels[frame * bins + bin] / RANGE) * 255)));
      image.data.set([LEVEL_COLOURS[colour], LEVEL_COLOURS[colour + 1], LEVEL_COLOURS[colour + 2], 255], 4 * (y * width + x));
    }
  }
  context.putImageData(image, 0, 0);
}
