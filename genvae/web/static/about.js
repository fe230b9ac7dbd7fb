// What is served: the run, what it was made with, and its model card.

import { getAbout } from "./api.js";
import { $, el } from "./dom.js";

const NS = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [220, 70];

/**
 * How a part of the loss went, as training and validation measured it.
 * @param {string} name
 * @param {Record<string, number[][]>} series  (step, value) by who measured
 */
function curve(name, series) {
  const points = Object.values(series).flat();
  const [steps, values] = [0, 1].map((axis) => points.map((point) => point[axis]));
  const [first, last, low, high] = [Math.min(...steps), Math.max(...steps), Math.min(...values), Math.max(...values)];
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("role", "img");
  const ends = Object.entries(series).map(([kind, own]) => `${kind} ends at ${own[own.length - 1][1].toPrecision(3)}`).join(", ");
  svg.setAttribute("aria-label", `${name} over the steps: ${ends}`);
  for (const [kind, own] of Object.entries(series)) {
    const path = document.createElementNS(NS, "path");
    path.setAttribute("class", kind);
    const place = ([step, value]) => `${(2 + ((step - first) / (last - first || 1)) * (WIDTH - 4)).toFixed(1)} ${(2 + (1 - (value - low) / (high - low || 1)) * (HEIGHT - 4)).toFixed(1)}`;
    path.setAttribute("d", `M${own.map(place).join("L")}`);
    svg.append(path);
  }
  return el("figure", {}, svg, el("figcaption", {}, `${name.replaceAll("_", " ")}: ${ends}`));
}

/**
 * The rows of an evaluation: a column for each number of each member.
 * @param {any[]} rows
 */
function evaluationTable(rows) {
  const columns = Object.entries(rows[0].members).flatMap(([member, numbers]) => Object.keys(numbers).map((name) => [member, name]));
  const head = (/** @type {string} */ text) => el("th", { scope: "col" }, text);
  return [
    el("thead", {}, el("tr", {}, head("clips"), ...columns.map(([member, name]) => head(`${name}, ${member}`)), head("rank"))),
    el("tbody", {}, ...rows.map(({ name, rank, members }) => el("tr", {}, el("th", { scope: "row" }, name),
      ...columns.map(([member, number]) => el("td", {}, members[member]?.[number]?.toPrecision(3) ?? "")), el("td", {}, rank.toFixed(1))))),
  ];
}

/**
 * The options of the run's parts: what each was set to, what that means, and what it might have been.
 * @param {{ name: string, value: string, meaning: string, takes: string }[]} options
 */
function optionTable(options) {
  const head = (/** @type {string} */ text) => el("th", { scope: "col" }, text);
  return [
    el("thead", {}, el("tr", {}, head("option"), head("value"), head("what it is"), head("takes"))),
    el("tbody", {}, ...options.map(({ name, value, meaning, takes }) =>
      el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value), el("td", {}, meaning), el("td", {}, takes)))),
  ];
}

/**
 * Show it on demand.
 * @param {any} info
 * @param {(text: string) => void} fault
 */
export function offerAbout(info, fault) {
  const fact = (/** @type {string} */ name, /** @type {string} */ value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
  let loaded = false;
  $("about-open").addEventListener("click", async () => {
    $("about").showModal();
    if (loaded) return;
    try {
      const { name, parts, options, training, data, card, curves, evaluation } = await getAbout(info.run);
      const told = (/** @type {Record<string, any>} */ values) =>
        Object.entries(values).filter(([, value]) => value !== null && typeof value !== "object").map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`).join(", ");
      $("about-facts").replaceChildren(
        fact("Run", `${name}, ${info.run}`),
        fact("Genres", info.genres.join(", ")),
        fact("Sound", `clips of ${info.clip_samples} samples at ${info.sample_rate} Hz, ${info.latent_dim} numbers each`),
        fact("Parts", told(parts)), fact("Training", told(training)), fact("Data", told(data)), fact("Versions", told(info.versions)),
      );
      $("about-curves").hidden = Object.keys(curves).length === 0;
      $("curves").replaceChildren(...Object.entries(curves).map(([part, series]) => curve(part, series)));
      $("about-table").hidden = evaluation.length === 0;
      if (evaluation.length > 0) $("evaluation").replaceChildren(...evaluationTable(evaluation));
      $("options").replaceChildren(...optionTable(options));
      $("about-card").hidden = card === "";
      $("card").textContent = card;
      loaded = true;
    } catch (error) {
      $("about").close();
      fault(/** @type {Error} */ (error).message);
    }
  });
}
