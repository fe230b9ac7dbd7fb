// What is said beside the sound: what happened, or what went wrong.

import { $, el } from "./dom.js";

/**
 * Tell what happened; `unseen` is for those who can't see what the rest of the page shows anyhow.
 * @param {string} text
 * @param {string} unseen
 */
export function say(text, unseen = "") {
  $("status").classList.remove("error");
  $("status").replaceChildren(el("span", { class: "quiet" }, unseen), text);
}

/**
 * Invite to play a sound that waits for it.
 * @param {string} unseen
 */
export function invite(unseen) {
  say("", unseen);
  $("status").append(el("span", { class: "invite" }, "Ready: press Play."));
}

/** The invitation was followed. */
export function invited() {
  $("status").querySelector(".invite")?.remove();
}

/**
 * Tell where the sound lies, which is found out later, after what was told in the meantime and in place of the last such
 * remark. What went wrong is left alone.
 * @param {string} text
 */
export function remark(text) {
  if ($("status").classList.contains("error")) return;
  $("status").querySelector(".remark")?.remove();
  $("status").append(el("span", { class: "remark" }, ` ${text}`));
}

/**
 * Tell what went wrong; it stays until something new is done.
 * @param {string} text
 */
export function fault(text) {
  $("status").classList.add("error");
  $("status").textContent = text;
}
