// Colours: one for each genre, told apart by colour-blind people too, and a scale for levels.

import { dark } from "./dom.js";

/**
 * The colour of a genre by its index, for the theme that is shown: the style sheet's, and beyond those that it lists
 * hues a golden angle apart.
 * @param {number} index
 */
export function genreColour(index) {
  const listed = themed(`genre-${index}`);
  if (listed) return listed;
  const hue = (index * 137.508) % 360;
  const lightness = (dark.matches ? 0.68 : 0.36) + 0.06 * (index % 3);
  const level = (/** @type {number} */ n) => {
    const at = (n + hue / 30) % 12;
    const value = lightness - 0.6 * Math.min(lightness, 1 - lightness) * Math.max(-1, Math.min(at - 3, 9 - at, 1));
    return Math.round(255 * value).toString(16).padStart(2, "0");
  };
  return `#${level(0)}${level(8)}${level(4)}`;
}

/**
 * A colour as red, green and blue from 0 to 255.
 * @param {string} hex
 */
export function rgb(hex) {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/**
 * A colour of the style sheet.
 * @param {string} name
 */
export const themed = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// From black through violet and orange to pale yellow, even in lightness (after matplotlib's magma).
const LEVELS = [
  [0, 0, 4], [20, 14, 54], [59, 15, 112], [100, 26, 128], [140, 41, 129], [183, 55, 121], [222, 73, 104],
  [247, 112, 92], [254, 159, 109], [254, 207, 146], [252, 253, 191],
];

/** 256 colours for levels from the floor to the loudest, three bytes each. */
export const LEVEL_COLOURS = (() => {
  const table = new Uint8Array(256 * 3);
  for (let i = 0; i < 256; i++) {
    const at = (i / 255) * (LEVELS.length - 1);
    const low = Math.min(Math.floor(at), LEVELS.length - 2);
    for (let c = 0; c < 3; c++) table[3 * i + c] = LEVELS[low][c] + (at - low) * (LEVELS[low + 1][c] - LEVELS[low][c]);
  }
  return table;
})();

/** The same as pixels of an image, for platforms where the least significant byte comes first: all that browsers run on. */
export const LEVEL_PIXELS = Uint32Array.from({ length: 256 }, (_, i) =>
  ((255 << 24) | (LEVEL_COLOURS[3 * i + 2] << 16) | (LEVEL_COLOURS[3 * i + 1] << 8) | LEVEL_COLOURS[3 * i]) >>> 0);
