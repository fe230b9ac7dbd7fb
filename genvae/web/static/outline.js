// The outlines of a grey picture as closed paths, by marching squares (Lorensen and Cline, Marching Cubes, 1987, on a plane).

/**
 * The edges that a cell's line joins, by which of its corners are dark: 0 above, 1 right, 2 below, 3 left. A cell whose
 * opposite corners are dark is taken for two corners.
 */
const LINES = [
  [], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 0], [1, 2]], [[0, 2]], [[3, 2]],
  [[2, 3]], [[2, 0]], [[0, 1], [2, 3]], [[2, 1]], [[1, 3]], [[1, 0]], [[0, 3]], [],
];

/**
 * Closed lines between what is darker than a level and what is not, in pixels from the upper left corner.
 * @param {ArrayLike<number>} grey a row after the other, 0 to 255
 * @param {number} width
 * @param {number} height
 * @param {number} level
 * @returns {number[][][]} for each line its points [x, y]
 */
export function outlines(grey, width, height, level) {
  // One white pixel around, so that every line is closed.
  const at = (/** @type {number} */ x, /** @type {number} */ y) =>
    x < 0 || y < 0 || x >= width || y >= height ? 255 : grey[y * width + x];
  /** @type {Map<string, { point: number[], next: string }>} */
  const steps = new Map();
  for (let y = -1; y < height; y++) {
    for (let x = -1; x < width; x++) {
      const corners = [at(x, y), at(x + 1, y), at(x + 1, y + 1), at(x, y + 1)];
      const dark = corners.reduce((sum, value, bit) => sum | (value < level ? 1 << bit : 0), 0);
      for (const [from, to] of LINES[dark]) {
        const [start, end] = [crossing(x, y, from, corners, level), crossing(x, y, to, corners, level)];
        steps.set(start.key, { point: start.point, next: end.key });
      }
    }
  }
  const found = [];
  while (steps.size) {
    const line = [];
    for (let key = /** @type {string} */ (steps.keys().next().value); steps.has(key);) {
      const step = /** @type {{ point: number[], next: string }} */ (steps.get(key));
      steps.delete(key);
      line.push(step.point);
      key = step.next;
    }
    if (line.length > 2) found.push(line);
  }
  return found;
}

/**
 * Where the level crosses an edge of the cell whose upper left pixel is x, y: its name and its place.
 * @param {number} x
 * @param {number} y
 * @param {number} edge
 * @param {number[]} corners
 * @param {number} level
 */
function crossing(x, y, edge, corners, level) {
  const [a, b] = [corners[edge], corners[(edge + 1) % 4]];
  const share = (level - a) / (b - a);
  const middle = [x + 0.5, y + 0.5];
  const [px, py] = [[share, 0], [1, share], [1 - share, 1], [0, 1 - share]][edge];
  const key = edge % 2 === 0 ? `h${x},${y + (edge === 2 ? 1 : 0)}` : `v${x + (edge === 1 ? 1 : 0)},${y}`;
  return { key, point: [middle[0] + px, middle[1] + py] };
}

/**
 * An SVG file of the outlines of a grey picture.
 * @param {ArrayLike<number>} grey
 * @param {number} width
 * @param {number} height
 * @param {number} level
 */
export function svgOf(grey, width, height, level = 230) {
  const paths = outlines(grey, width, height, level).map(
    (line) => `M${line.map(([x, y]) => `${x.toFixed(2)} ${y.toFixed(2)}`).join("L")}Z`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">` +
    `<path d="${paths.join("")}" fill="none" stroke="#000" stroke-width="0.7" stroke-linejoin="round"/></svg>\n`;
}
