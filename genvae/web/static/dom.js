// Small helpers for making and finding elements; text only ever goes in as text.

export const $ = (id) => document.getElementById(id);

/** An element with properties (`class`, `aria-*` and `data-*` as attributes, functions as listeners) and children. */
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

/** One of our icons, for the eye alone: a path in a box of 16 by 16. */
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
  pin: "M8 1.6l1.9 4.1 4.5.5-3.4 3 1 4.4L8 11.4l-4 2.2 1-4.4-3.4-3 4.5-.5z",
};

/** Give an element's bitmap the size that it has on the screen; the scale from CSS pixels to its own. */
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

/** Whether a key press is meant for what has the focus, such as a field that one types in. */
export function typing(target) {
  return target instanceof Element && target.matches("input:not([type=range], [type=checkbox], [type=radio]), select, textarea");
}

export const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
export const dark = window.matchMedia("(prefers-color-scheme: dark)");
