// Redraws the paths of the pictures that the server drew (genvae/web/figures.py), in the same box.

export const WIDTH = 600;
const EDGE = 4;

/** @param {number} value @param {number} low @param {number} high @param {number} height */
function down(value, low, high, height) {
  const part = Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
  return (EDGE + (1 - part) * (height - 2 * EDGE)).toFixed(1);
}

export class Figure {
  /** @param {string} name */
  constructor(name) {
    this.svg = /** @type {SVGSVGElement} */ (document.querySelector(`[data-figure="${name}"]`));
    this.height = this.svg.viewBox.baseVal.height;
  }

  /**
   * @param {string} kind  class of the path
   * @param {string} data
   */
  path(kind, data) {
    let path = this.svg.querySelector(`.${kind}`);
    if (path === null) {
      path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("class", kind);
      this.svg.append(path);
    }
    path.setAttribute("d", data);
  }

  /**
   * Values at equal distances as a line.
   * @param {string} kind
   * @param {ArrayLike<number>} values
   * @param {number} low
   * @param {number} high
   */
  line(kind, values, low, high) {
    const step = WIDTH / (values.length - 1);
    this.path(kind, `M${Array.from(values, (value, i) => `${(i * step).toFixed(1)} ${down(value, low, high, this.height)}`).join("L")}`);
  }

  /**
   * Points as dots.
   * @param {string} kind
   * @param {number[][]} points
   * @param {number[]} across
   * @param {number[]} up
   */
  dots(kind, points, across, up) {
    const left = (/** @type {number} */ x) => (((x - across[0]) / (across[1] - across[0])) * WIDTH).toFixed(1);
    this.path(kind, points.map(([x, y]) => `M${left(x)} ${down(y, up[0], up[1], this.height)}h0`).join(""));
  }

  /**
   * A bar from zero for each value, or for those at some places alone.
   * @param {string} kind
   * @param {number[]} values
   * @param {number} low
   * @param {number} high
   * @param {(place: number) => boolean} wanted
   */
  bars(kind, values, low, high, wanted = () => true) {
    const step = WIDTH / values.length;
    const zero = down(0, low, high, this.height);
    this.path(kind, values.map((value, i) => (wanted(i) ? `M${((i + 0.5) * step).toFixed(1)} ${zero}V${down(value, low, high, this.height)}` : "")).join(""));
  }

  /**
   * Say in words what is seen now.
   * @param {string} label
   */
  say(label) {
    this.svg.setAttribute("aria-label", label);
  }
}
