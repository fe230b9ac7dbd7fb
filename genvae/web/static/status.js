// What is said beside the sound: what happened, or what went wrong.

import { $, el } from "./dom.js";

/**
 * Tell what happened; `unseen` is for those who can't see what the rest of the page shows anyhow.
 * @param {string} text
 * @param {string} unseen
 */
export function say(text, unseen = "") {
  $("status").classList.remove("error");
  $("status").dataset.said = text;
  $("status").replaceChildren(el("span", { class: "quiet" }, unseen), text);
}

/**
 * Tell what went wrong; it stays until something new is done.
 * @param {string} text
 */
export function fault(text) {
  $("status").classList.add("error");
  $("status").textContent = text;
}
