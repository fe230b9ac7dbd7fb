// Small helpers for making and finding elements; text only ever goes in as text.

/**
 * The element of an id, which must be there; `any`, as each id stands for another kind of element.
 * @type {(id: string) => any}
 */
export const $ = (id) => document.getElementById(id);

/**
 * An element with properties (`class`, `aria-*` and `data-*` as attributes, functions as listeners) and children.
 * @param {string} tag
 * @param {Record<string, any>} properties
 * @param {...(Node | string | null)} children
 * @returns {any}
 */
export function el(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (name in made && !name.includes("-")) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

const NS = "http://www.w3.org/2000/svg";

/**
 * One of our icons, for the eye alone: a path in a box of 16 by 16.
 * @param {keyof typeof ICONS} shape
 */
export function icon(shape) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", ICONS[shape]);
  svg.append(path);
  return svg;
}

const ICONS = {
  play: "M4 2.5v11l9.5-5.5z",
  stop: "M3.5 3.5h9v9h-9z",
  loop: "M11 1.5l3 2.7-3 2.7V5.1H5.5a2.4 2.4 0 0 0-2.4 2.4v.6H1.3v-.6a4.2 4.2 0 0 1 4.2-4.2H11zM5 14.5l-3-2.7 3-2.7v1.8h5.5a2.4 2.4 0 0 0 2.4-2.4v-.6h1.8v.6a4.2 4.2 0 0 1-4.2 4.2H5z",
  volume: "M2 6v4h2.6L8 13V3L4.6 6zM10 5.2a3.6 3.6 0 0 1 0 5.6l.9 1.1a5 5 0 0 0 0-7.8z",
  pin: "M8 1.6l1.9 4.1 4.5.5-3.4 3 1 4.4L8 11.4l-4 2.2 1-4.4-3.4-3 4.5-.5z",
  pad: "M2 2h5v5H2zM9 2h5v5H9zM2 9h5v5H2zM9 9h5v5H9z",
  remove: "M3.8 2.7L8 6.9l4.2-4.2 1.1 1.1L9.1 8l4.2 4.2-1.1 1.1L8 9.1l-4.2 4.2-1.1-1.1L6.9 8 2.7 3.8z",
};

/**
 * Give a canvas the bitmap that it has room for on the screen; the scale from CSS pixels to its own.
 * @param {HTMLCanvasElement} canvas
 */
export function fitCanvas(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 2);
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  return ratio;
}

/**
 * Whether a key press is meant for what has the focus, such as a field that one types in.
 * @param {EventTarget | null} target
 */
export function typing(target) {
  return target instanceof Element && target.matches("input:not([type=range], [type=checkbox], [type=radio]), select, textarea");
}

/**
 * Let the browser show and handle what waits, so that long work does not block the page.
 * @returns {Promise<void>}
 */
export const breathe = () => new Promise((done) => { setTimeout(done, 0); });

/**
 * Offer a file for download.
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
export const dark = window.matchMedia("(prefers-color-scheme: dark)");
