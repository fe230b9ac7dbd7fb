// The blind listening test: draws a trial, plays its sounds, takes the answer, and sums up what all votes say.

import { post, told, wavAt } from "./api.js";
import { $, el, typing } from "./dom.js";
import { Player } from "./player.js";
import { readWav } from "./wav.js";

const player = new Player({ moved: () => {}, changed: () => {} });
/** @type {any} */
let info = null;
/** @type {any} */
let trial = null;
/** @type {Map<number, any>} */
let heard = new Map();

/** @param {string} text @param {boolean} [wrong] */
function say(text, wrong = false) {
  $("told").textContent = text;
  $("told").classList.toggle("note", wrong);
}

/**
 * Do what may fail, and say so then.
 * @param {() => Promise<void>} work
 */
async function attempt(work) {
  say("");
  try {
    await work();
  } catch (error) {
    say(/** @type {Error} */ (error).message, true);
  }
}

const chosen = () => [...document.querySelectorAll("#sources input:checked")].map((each) => /** @type {HTMLInputElement} */ (each).value);

async function begin() {
  const question = $("question").value;
  trial = await post("api/listen/trial", { question, sources: chosen() });
  heard = new Map();
  const real = question === "real" && chosen().includes(info.real ?? "");
  $("asked").textContent = question === "genre" ? "Which genre is it?" : `${trial.genre}: which one ${real ? "is real" : "sounds most real"}?`;
  $("sounds").replaceChildren(...Array.from({ length: trial.sounds }, (_, i) =>
    el("button", { type: "button", "aria-pressed": "false", click: () => attempt(() => play(i)) }, `Play ${i + 1}`)));
  const answers = question === "genre" ? info.genres.map((/** @type {string} */ genre) => [genre, genre])
    : Array.from({ length: trial.sounds }, (_, i) => [String(i), `Number ${i + 1}`]);
  $("answers").replaceChildren(...answers.map((/** @type {string[]} */ [value, name]) =>
    el("button", { type: "button", disabled: true, click: () => attempt(() => answer(value)) }, name)));
  $("solved").textContent = "";
  $("next").hidden = true;
  $("trial").hidden = false;
  $("asked").focus();
}

/** @param {number} slot */
async function play(slot) {
  const mine = trial;
  player.wakeIfAllowed();
  for (const [i, button] of [...$("sounds").children].entries()) button.setAttribute("aria-pressed", String(i === slot));
  if (!heard.has(slot)) {
    say("Fetching the sound …");
    const sound = readWav(await wavAt(`api/listen/sound/${trial.trial}/${slot}`, {}));
    if (mine !== trial) return;
    heard.set(slot, sound);
    say("");
  }
  player.play(heard.get(slot));
  if (heard.size < trial.sounds || $("next").hidden === false) return;
  for (const each of $("answers").children) each.disabled = false; // who has heard them all may answer
}

/** @param {string} value */
async function answer(value) {
  const { sources, numbers, genre, right } = await post("api/listen/vote", { trial: trial.trial, answer: value });
  for (const each of $("answers").children) each.disabled = true;
  const which = sources.map((/** @type {string} */ source, /** @type {number} */ i) =>
    `${i + 1}: ${source === info.real ? `a real recording (clip ${numbers[i]})` : `${source} (seed ${numbers[i]})`}`).join("; ");
  const verdict = right === null ? "Thank you." : right ? "Right." : "Wrong.";
  $("solved").textContent = `${verdict} ${trial.question === "genre" ? `It is ${genre}. ` : ""}${which}.`;
  $("next").hidden = false;
  $("next").focus();
  if ($("results").open) await verdicts();
}

/** @param {number} share */
const percent = (share) => `${Math.round(100 * share)} %`;

async function verdicts() {
  const { votes, scores, agreements } = await told("api/listen/verdict");
  const table = (/** @type {string} */ caption, /** @type {string[]} */ heads, /** @type {string[][]} */ rows) =>
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, el("table", {}, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, ...rows.map(([first, ...rest]) => el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((cell) => el("td", {}, cell)))))));
  const of = (/** @type {string} */ question) => scores.filter((/** @type {any} */ each) => each.question === question)
    .map((/** @type {any} */ { source, hits, votes: own, share, interval, chance }) =>
      [source, `${hits} of ${own}`, percent(share), `${percent(interval[0])} to ${percent(interval[1])}`, percent(chance)]);
  const heads = (/** @type {string} */ what) => ["source", "votes", what, "95 % interval", "by chance"];
  const parts = [el("p", { class: "told" }, votes === 0 ? "Nobody has voted yet." : `${votes} ${votes === 1 ? "vote" : "votes"}${info.kept ? "" : `; ${votes === 1 ? "it is" : "they are"} gone when the server ends`}.`)];
  if (of("real").length) parts.push(table("How often each was taken for real", heads("taken for real"), of("real")));
  if (of("genre").length) parts.push(table("How often the genre of each was named", heads("named"), of("genre")));
  const compared = agreements.filter((/** @type {any} */ { pairs }) => pairs > 0);
  if (compared.length) {
    parts.push(table("How often a metric of genvae evaluate orders two sources as the ears do", ["metric", "pairs"],
      compared.map((/** @type {any} */ { metric, agreeing, pairs }) => [metric, `${agreeing} of ${pairs}`])));
  } else if (votes > 0) {
    parts.push(el("p", { class: "hint" }, "To see how metrics agree, keep an evaluation in the run: genvae evaluate RUN --store STORE --json > RUN/evaluation.json"));
  }
  $("tables").replaceChildren(...parts);
}

async function start() {
  info = await told("api/listen");
  $("about-real").textContent = info.real
    ? "Real clips come from recordings that were kept apart from training."
    : "This server has no store, so none of the sounds is a recording: the question is which sounds most real. genvae serve --store STORE adds real ones.";
  const preset = info.sources.slice(0, 2);
  $("sources").replaceChildren(...info.sources.map((/** @type {string} */ name) => el("label", { class: "check" },
    el("input", { type: "checkbox", value: name, checked: preset.includes(name) }), name === info.real ? "real recordings" : name)));
  $("begin").addEventListener("click", () => attempt(begin));
  $("next").addEventListener("click", () => attempt(begin));
  $("results").addEventListener("toggle", () => { if ($("results").open) attempt(verdicts); });
  document.addEventListener("keydown", (event) => {
    const slot = Number(event.key) - 1;
    if (trial === null || typing(event.target) || event.ctrlKey || event.altKey || event.metaKey) return;
    if (Number.isInteger(slot) && slot >= 0 && slot < trial.sounds) attempt(() => play(slot));
  });
}

attempt(start);
