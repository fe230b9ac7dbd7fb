// Says what is being waited for, next to the sound, and offers to stop it.

import { $ } from "./dom.js";

const SOON = 200; // ms that nothing is said

/**
 * Show each wait of a session.
 * @param {import("./session.js").Session} session
 * @param {{ say: (text: string) => void }} told
 */
export function showWaits(session, { say }) {
  let timer = 0;
  let began = 0;
  let why = "";

  const show = () => {
    const seconds = Math.floor((performance.now() - began) / 1000);
    $("wait").hidden = false;
    $("wait-text").textContent = `${why}…`;
    $("wait-seconds").textContent = seconds >= 2 ? ` ${seconds} s` : "";
    timer = window.setTimeout(show, 500);
  };

  session.addEventListener("busy", (/** @type {any} */ { detail }) => {
    clearTimeout(timer);
    if (detail === null) {
      if ($("wait").contains(document.activeElement)) $("play").focus();
      $("wait").hidden = true;
      return;
    }
    say(""); // what was said belongs to what was done before
    if ($("wait").hidden) began = performance.now();
    why = detail.why;
    timer = window.setTimeout(show, Math.max(0, SOON - (performance.now() - began)));
  });
  session.addEventListener("waiting", (/** @type {any} */ { detail }) => {
    why = detail;
    clearTimeout(timer);
    show();
  });
  $("cancel").addEventListener("click", () => {
    session.cancel();
    say("Stopped.");
  });
}
