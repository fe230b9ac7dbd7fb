// The sounds that were made, the newest first, with those that were pinned before them.

import { $, el, icon } from "./dom.js";

const KEPT = 30; // that are not pinned

export class History {
  /** `actions`: play(sound), keep(sound, "A" | "B"). */
  constructor(actions) {
    this.actions = actions;
    this.list = $("history");
    this.sounds = [];
    this.current = null;
  }

  /** Put a sound first. */
  add(sound) {
    this.sounds.unshift(sound);
    const unpinned = this.sounds.filter((each) => !each.pinned);
    for (const old of unpinned.slice(KEPT)) this.sounds.splice(this.sounds.indexOf(old), 1);
    this.draw();
  }

  /** Mark the sound that is heard. */
  select(sound) {
    this.current = sound;
    for (const row of this.list.children) {
      if (row.dataset.id === String(sound?.id)) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  pin(sound) {
    sound.pinned = !sound.pinned;
    this.draw();
  }

  draw() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    const ordered = [...this.sounds].sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.id - a.id);
    this.list.replaceChildren(...ordered.map((sound) => this.row(sound)));
    this.select(this.current);
    if (focused !== null) [...this.list.querySelectorAll("button")].find((each) => each.getAttribute("aria-label") === focused)?.focus();
  }

  row(sound) {
    const { play, keep } = this.actions;
    const button = (label, content, click, more = {}) =>
      el("button", { type: "button", "aria-label": `${label}: ${sound.name}`, title: label, click, ...more }, content);
    return el("li", { "data-id": String(sound.id) },
      button("Play", icon("play"), () => play(sound)),
      el("span", { class: "swatch", "data-genre": String(sound.genreIndex) }),
      el("span", { class: "grow" }, el("span", { class: "name" }, sound.name), el("span", { class: "detail" }, sound.detail)),
      button("Pin", icon("pin"), () => this.pin(sound), { "aria-pressed": String(sound.pinned), class: "pin" }),
      button("Keep as A", "A", () => keep(sound, "A")),
      button("Keep as B", "B", () => keep(sound, "B")));
  }
}
