// How densely the training sounds lie on the map: a smooth surface over it, and lines of equal density.

const SIZE = 128; // cells along the longer side
const BLUR = 1.6; // cells

/**
 * @typedef {{ values: Float32Array, columns: number, rows: number, left: number, bottom: number, cell: number, most: number }} Surface
 */

/**
 * The density of points over a part of the map: counts in cells, smoothed by a Gaussian.
 * @param {Float32Array} points  [x0, y0, x1, …]
 * @param {{ x: number, y: number, width: number, height: number }} part  its middle and its size
 * @returns {Surface}
 */
export function density(points, { x, y, width, height }) {
  const cell = (1.1 * Math.max(width, height)) / SIZE;
  const columns = Math.ceil((1.1 * width) / cell) + 8;
  const rows = Math.ceil((1.1 * height) / cell) + 8;
  const left = x - (columns * cell) / 2;
  const bottom = y - (rows * cell) / 2;
  let values = new Float32Array(columns * rows);
  for (let i = 0; i < points.length; i += 2) {
    const column = Math.floor((points[i] - left) / cell);
    const row = Math.floor((points[i + 1] - bottom) / cell);
    if (column >= 0 && row >= 0 && column < columns && row < rows) values[row * columns + column]++;
  }
  values = blurred(blurred(values, columns, rows, 1, columns), columns, rows, columns, 1);
  let most = 0;
  for (const value of values) if (value > most) most = value;
  return { values, columns, rows, left, bottom, cell, most };
}

/**
 * Smooth along one direction: `along` is from a cell to its neighbour there.
 * @param {Float32Array} values
 * @param {number} columns
 * @param {number} rows
 * @param {number} along
 * @param {number} across
 */
function blurred(values, columns, rows, along, across) {
  const reach = Math.ceil(3 * BLUR);
  const kernel = Float32Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-0.5 * ((i - reach) / BLUR) ** 2));
  const total = kernel.reduce((sum, each) => sum + each, 0);
  const made = new Float32Array(values.length);
  const length = along === 1 ? columns : rows;
  const lines = along === 1 ? rows : columns;
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < length; i++) {
      let sum = 0;
      for (let k = Math.max(-reach, -i); k <= Math.min(reach, length - 1 - i); k++) sum += kernel[k + reach] * values[line * across + (i + k) * along];
      made[line * across + i * along] = sum / total;
    }
  }
  return made;
}

/**
 * The line on which a surface has a level, as pieces [x, y, x, y] in the map's units.
 *
 * Marching squares (Lorensen and Cline, Marching Cubes, 1987, in the plane): in each square between four cells' middles
 * the line crosses the sides whose ends lie on both sides of the level.
 * @param {Surface} surface
 * @param {number} level
 * @returns {number[][]}
 */
export function contour({ values, columns, rows, left, bottom, cell }, level) {
  const pieces = [];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const at = row * columns + column;
      const above = values[at] > level;
      if (values[at + 1] > level === above && values[at + columns] > level === above && values[at + columns + 1] > level === above) continue;
      const corners = [values[at], values[at + 1], values[at + 1 + columns], values[at + columns]];
      /** @type {number[][]} */
      const crossings = [];
      SIDES.forEach(([a, b]) => {
        if (corners[a] > level === corners[b] > level) return;
        const part = (level - corners[a]) / (corners[b] - corners[a]);
        const [x, y] = [0, 1].map((axis) => CORNERS[a][axis] + part * (CORNERS[b][axis] - CORNERS[a][axis]));
        crossings.push([left + (column + 0.5 + x) * cell, bottom + (row + 0.5 + y) * cell]);
      });
      for (let i = 0; i + 1 < crossings.length; i += 2) pieces.push([...crossings[i], ...crossings[i + 1]]);
    }
  }
  return pieces;
}

const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];
const SIDES = [[0, 1], [1, 2], [2, 3], [3, 0]];

/**
 * The density at a point, from 0 to 1 of the most.
 * @param {Surface} surface
 * @param {number} x
 * @param {number} y
 */
export function densityAt({ values, columns, rows, left, bottom, cell, most }, x, y) {
  const column = Math.floor((x - left) / cell);
  const row = Math.floor((y - bottom) / cell);
  return column < 0 || row < 0 || column >= columns || row >= rows || most === 0 ? 0 : values[row * columns + column] / most;
}
