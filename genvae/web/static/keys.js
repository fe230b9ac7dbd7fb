// Single keys, unless they are switched off or meant for something that has the focus.

import { $, typing } from "./dom.js";

/** @param {{ session: any, controls: any, history: any, transport: any, pads: any }} page */
export function listenToKeys({ session, controls, history, transport, pads }) {
  let pointed = false; // the focus came with a click, so that Space is not meant for the button that was clicked
  window.addEventListener("pointerdown", () => { pointed = true; }, true);
  window.addEventListener("keydown", (event) => { if (event.key === "Tab") pointed = false; }, true);
  /** @type {Record<string, () => void>} */
  const keys = {
    g: () => controls.again(), l: () => $("lock").click(), x: () => $("switch").click(),
    a: () => $("play-a").click(), b: () => $("play-b").click(), d: () => $("download").click(),
    p: () => { if (session.current !== null && history.sounds.includes(session.current)) history.pin(session.current); },
  };
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.key === "Escape" && session.pending !== null) $("cancel").click();
    if (!$("keys-on").checked || document.querySelector("dialog[open]") || typing(event.target)) return;
    const { genres } = session.info;
    if (pads.key(event.key.toLowerCase())) return;
    if (event.key === " ") {
      if (!pointed && event.target instanceof Element && event.target.matches("button, a, summary, input, [tabindex]:not(#points)")) return;
      event.preventDefault();
      transport.toggle();
    } else if (/^[1-9]$/.test(event.key) && Number(event.key) <= genres.length) {
      controls.press(genres[Number(event.key) - 1]);
    } else if (Object.hasOwn(keys, event.key.toLowerCase())) {
      keys[event.key.toLowerCase()]();
    }
  });
  window.addEventListener("keyup", (event) => { if (event.key === " " && pointed) event.preventDefault(); }, true);
}
