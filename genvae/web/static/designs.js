// The page of runs that make designs: sliders and a map say where in the latent space one is, and that is drawn at once.

import { getDirections, getInfo, getPlace, Refusal } from "./api.js";
import { $, download, el, typing } from "./dom.js";
import { svgOf } from "./outline.js";
import { Plane } from "./plane.js";
import { Shelf } from "./shelf.js";
import { sliderNames } from "./slidernames.js";

const STILL = 700; // ms after which a design counts as one, and joins the history
const POLL = 1000; // ms between questions whether the directions are measured

/**
 * Where a design lies: a point of the map, and steps along the directions that the map does not show.
 * @typedef {{ map: string, point: number[], genre: string, shifts: number[] }} Source
 */

const info = await getInfo(new URLSearchParams(location.search).get("run"));
const map = info.maps.find((/** @type {any} */ each) => each.method === "pca") ?? info.maps[0];
if (!map) {
  $("status").textContent = "This run has no map. `genvae map` makes one.";
  throw new Error("no map");
}

/** @type {Source} */
let source = { map: map.method, point: middle(), genre: info.genres[0], shifts: [] };
/** @type {Blob | null} */
let file = null;
/** @type {Record<string, Uint8ClampedArray>} */
const kept = {};

/** The middle of the map. */
function middle() {
  return [0, 1].map((axis) => (map.low[axis] + map.high[axis]) / 2);
}

/** @param {object} wanted */
async function made(wanted) {
  const answer = await fetch("api/designs", {
    method: "POST", body: JSON.stringify({ source: wanted, run: info.run }), headers: { "Content-Type": "application/json" },
  });
  if (!answer.ok) throw new Refusal((await answer.json()).detail);
  return answer.blob();
}

/** @param {object} wanted */
const picture = async (wanted) => createImageBitmap(await made(wanted));

const shelf = new Shelf($("history"), { key: `genvae-designs-${info.run}`, picture, open: go });
const plane = new Plane($("plane"), {
  picture: async ([left, bottom, right, top], cells) => {
    const part = { left, bottom, right, top, cells, run: info.run };
    const answer = await fetch(`api/designs/${map.method}?${new URLSearchParams(/** @type {any} */ (part))}`);
    if (!answer.ok) throw new Refusal((await answer.json()).detail);
    return createImageBitmap(await answer.blob());
  },
  chosen: (point) => go({ ...source, point }),
});

/** @type {{ what: HTMLElement, input: HTMLInputElement, value: HTMLElement, read: () => number }[]} */
const sliders = [];

/**
 * A slider of the latents; the first stands for the first direction, and so on.
 * @param {string} name
 * @param {number} low
 * @param {number} high
 * @param {() => number} read
 * @param {(value: number) => void} write
 */
function slider(name, low, high, read, write) {
  const value = el("span", { class: "value", "aria-hidden": "true" });
  const what = el("span", { class: "what" }, name);
  const input = el("input", {
    type: "range", min: String(low), max: String(high), step: "any", input: () => write(Number(input.value)),
  });
  $("sliders").append(el("label", {}, what, value, input));
  sliders.push({ what, input, value, read });
}

/** @param {number | undefined} part */
const percent = (part) => (part === undefined ? "" : ` (${Math.round(100 * part)} %)`);

/** Let the page show where one is, and draw it; while a design is made the latest wish waits. */
let drawing = false;
let again = false;
let still = 0;

/** @param {Source} wanted */
function go(wanted) {
  source = wanted;
  plane.mark(source.point);
  for (const { input, value, read } of sliders) {
    input.value = String(read());
    value.textContent = read().toFixed(2);
  }
  $("genre").value = source.genre;
  if (drawing) again = true;
  else draw();
}

async function draw() {
  drawing = true;
  const wanted = source;
  const began = performance.now();
  try {
    file = await made(wanted);
    const bitmap = await createImageBitmap(file);
    paint($("design"), bitmap);
    $("design").setAttribute("aria-label", `Design at ${wanted.point.map((at) => at.toFixed(2)).join(", ")}`);
    $("status").textContent = "";
    performance.measure("genvae:design", { start: began, end: performance.now() });
    window.history.replaceState(null, "", `#${encodeURIComponent(JSON.stringify(wanted))}`);
    clearTimeout(still);
    still = window.setTimeout(() => shelf.add(wanted, bitmap), STILL);
  } catch (error) {
    $("status").textContent = error instanceof Refusal ? error.message : "The server does not answer. Is genvae serve still running?";
  }
  drawing = false;
  if (again) {
    again = false;
    draw();
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {ImageBitmap} bitmap
 */
function paint(canvas, bitmap) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  context(canvas).drawImage(bitmap, 0, 0);
}

/**
 * What draws on a canvas whose pixels are also read.
 * @param {HTMLCanvasElement} canvas
 */
function context(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
}

/** The pixels of the design that is shown. */
function pixels() {
  const { width, height } = $("design");
  return { width, height, data: context($("design")).getImageData(0, 0, width, height).data };
}

/** @param {Uint8ClampedArray} data */
const grey = (data) => Array.from({ length: data.length / 4 }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3);

const name = () => `design-${source.point.map((at) => at.toFixed(3)).join("-")}`;

/** @param {string} letter */
function keep(letter) {
  const { width, height, data } = pixels();
  kept[letter] = data;
  const canvas = $(letter);
  canvas.width = width;
  canvas.height = height;
  context(canvas).putImageData(new ImageData(data, width, height), 0, 0);
  canvas.setAttribute("aria-label", `${letter.toUpperCase()}: ${$("design").getAttribute("aria-label")}`);
  if (!(kept.a && kept.b) || kept.a.length !== kept.b.length) return;
  const apart = new Uint8ClampedArray(data.length);
  let sum = 0;
  for (let i = 0; i < data.length; i += 4) {
    for (let part = 0; part < 3; part++) {
      const by = kept.a[i + part] - kept.b[i + part];
      apart[i + part] = 255 - Math.abs(by);
      sum += by * by;
    }
    apart[i + 3] = 255;
  }
  $("difference").width = width;
  $("difference").height = height;
  context($("difference")).putImageData(new ImageData(apart, width, height), 0, 0);
  const far = Math.sqrt(sum / (0.75 * data.length)) / 255;
  $("apart").textContent = `Difference: ${(100 * far).toFixed(1)} % (root mean square)`;
  $("difference").setAttribute("aria-label", $("apart").textContent);
}

/** A design that is drawn from what the run has learnt. */
async function draught() {
  const seed = Math.floor(2 ** 31 * Math.random());
  const placed = await getPlace({ kind: "seed", source: { genre: source.genre, seed }, run: info.run });
  go({ ...source, point: placed.clips[0].maps[map.method].point, shifts: [] });
}

/** What a link tells, if it tells of this run. */
function linked() {
  try {
    const told = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    const point = told.point.map(Number);
    const known = told.map === map.method && info.genres.includes(told.genre) && point.length === 2;
    return known && point.every(Number.isFinite) ? { ...source, genre: told.genre, point, shifts: told.shifts.map(Number) } : source;
  } catch {
    return source;
  }
}

for (const axis of [0, 1]) {
  const margin = 0.08 * (map.high[axis] - map.low[axis]);
  slider(`axis ${axis + 1} of the map`, map.low[axis] - margin, map.high[axis] + margin,
    () => source.point[axis], (value) => go({ ...source, point: source.point.map((at, each) => (each === axis ? value : at)) }));
}
const directions = map.explained ? await getDirections(info.run) : [];
directions.forEach((/** @type {any} */ _, /** @type {number} */ index) => {
  if (index < 2) return; // the map's own axes
  slider("…", -3, 3, () => source.shifts[index] ?? 0, (value) => {
    const shifts = Array.from({ length: directions.length }, (_, each) => source.shifts[each] ?? 0);
    shifts[index] = value;
    go({ ...source, shifts });
  });
});

nameSliders(directions);

/**
 * Name the sliders for what they do, as soon as the server has found that out.
 * @param {any[]} found
 */
function nameSliders(found) {
  sliderNames(found, "looking").forEach((name, index) => { sliders[index].what.textContent = name + percent(found[index].explained); });
  if (found[0]?.measured < 1) setTimeout(async () => nameSliders(await getDirections(info.run).catch(() => [])), POLL);
}

$("genre").append(...info.genres.map((/** @type {string} */ genre) => el("option", {}, genre)));
$("genres").hidden = info.genres.length < 2;
$("genre").addEventListener("change", () => go({ ...source, genre: $("genre").value }));
$("run").append(...info.runs.map((/** @type {any} */ run) => el("option", { value: run.digest }, run.name)));
$("run").value = info.run;
$("runs").hidden = info.runs.length < 2;
$("run").addEventListener("change", () => { location.search = `?${new URLSearchParams({ run: $("run").value })}`; });
$("new").addEventListener("click", draught);
$("png").addEventListener("click", () => { if (file) download(file, `${name()}.png`); });
$("svg").addEventListener("click", () => {
  const { width, height, data } = pixels();
  download(new Blob([svgOf(grey(data), width, height)], { type: "image/svg+xml" }), `${name()}.svg`);
});
for (const letter of ["a", "b"]) $(`set-${letter}`).addEventListener("click", () => keep(letter));
$("closer").addEventListener("click", () => plane.zoom(2));
$("farther").addEventListener("click", () => plane.zoom(0.5));
$("whole").addEventListener("click", () => plane.all());
$("clear").addEventListener("click", () => shelf.clear());
document.addEventListener("keydown", (event) => {
  if (event.key === "g" && !event.ctrlKey && !event.metaKey && !typing(event.target)) draught();
});

plane.show(map.low, map.high);
go(linked());
await shelf.fill();
