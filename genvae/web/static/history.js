// The sounds that were made, the newest first, with those that were pinned before them; kept in the browser.

import { genreColour } from "./colours.js";
import { $, breathe, el, icon } from "./dom.js";
import { dropSound, keepSound, keptSounds } from "./library.js";
import { drawThumbnail } from "./thumbnail.js";
import { readWav } from "./wav.js";

/** @typedef {import("./session.js").Sound} Sound */

const KEPT = 30; // that are not pinned

export class History {
  /**
   * @param {string} run  digest; sounds of other runs are kept, and not shown
   * @param {{ play: (sound: Sound) => void, keep: (sound: Sound, letter: string) => void, pad: (sound: Sound) => void }} actions
   */
  constructor(run, actions) {
    this.run = run;
    this.actions = actions;
    this.list = $("history");
    /** @type {Sound[]} */
    this.sounds = [];
    /** @type {Sound | null} */
    this.current = null;
    /** @type {Map<string, any>} */
    this.rows = new Map();
  }

  /** Bring back what was kept. */
  async restore() {
    for (const each of await keptSounds()) {
      if (each.recipe?.run !== this.run || this.find(each.id)) continue;
      try {
        this.sounds.push(each.wav ? { ...each, ...readWav(each.wav) } : each);
      } catch {
        dropSound(each.id); // nothing that could be heard
      }
    }
    this.sounds.sort((a, b) => b.made - a.made);
    this.draw();
  }

  /** @param {string} id */
  find(id) {
    return this.sounds.find((each) => each.id === id);
  }

  /**
   * Put a sound first.
   * @param {Sound} sound
   */
  add(sound) {
    this.sounds.unshift(sound);
    keepSound(sound);
    for (const old of this.sounds.filter((each) => !each.pinned).slice(KEPT)) this.forget(old);
    this.draw();
  }

  /** @param {Sound} sound */
  forget(sound) {
    this.sounds.splice(this.sounds.indexOf(sound), 1);
    this.rows.delete(sound.id);
    dropSound(sound.id);
  }

  /**
   * Mark the sound that is heard.
   * @param {Sound | null} sound
   */
  select(sound) {
    this.current = sound;
    for (const [id, row] of this.rows) {
      if (id === sound?.id) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
  }

  /** @param {Sound} sound */
  pin(sound) {
    sound.pinned = !sound.pinned;
    this.changed(sound);
  }

  /**
   * Show what has changed of a sound, and keep it.
   * @param {Sound} sound
   */
  changed(sound) {
    if (!this.sounds.includes(sound)) return;
    keepSound(sound);
    this.rows.delete(sound.id);
    this.draw();
  }

  draw() {
    const focused = this.list.contains(document.activeElement) ? document.activeElement?.getAttribute("aria-label") : null;
    const ordered = [...this.sounds].sort((a, b) => Number(b.pinned) - Number(a.pinned) || b.made - a.made);
    for (const sound of ordered) if (!this.rows.has(sound.id)) this.rows.set(sound.id, this.row(sound));
    this.list.replaceChildren(...ordered.map(({ id }) => this.rows.get(id)));
    if (ordered.length === 0) this.list.append(el("li", { class: "hint" }, "Sounds that you make are kept here."));
    $("export").disabled = !this.sounds.some(({ pinned }) => pinned);
    this.select(this.current);
    if (focused) [...this.list.querySelectorAll("button, input")].find((each) => each.getAttribute("aria-label") === focused)?.focus();
  }

  /** @param {Sound} sound */
  row(sound) {
    const { play, keep, pad } = this.actions;
    const button = (/** @type {string} */ label, /** @type {any} */ content, /** @type {() => void} */ click, more = {}) =>
      el("button", { type: "button", "aria-label": `${label}: ${sound.name}`, title: label, click, ...more }, content);
    const thumbnail = el("canvas", { class: "thumbnail", width: 120, height: 48, "aria-hidden": "true" });
    breathe().then(() => drawThumbnail(thumbnail, sound));
    const swatch = el("span", { class: "swatch", "data-genre": String(sound.genreIndex) });
    swatch.style.setProperty("--g", genreColour(Math.max(0, sound.genreIndex)));
    return el("li", { "data-id": sound.id, draggable: sound.wav !== null, dragstart: (/** @type {DragEvent} */ event) => carry(event, sound) },
      el("button", { type: "button", class: "replay", "aria-label": `Play: ${sound.name}`, title: "Play", click: () => play(sound) },
        thumbnail, el("span", { class: "caption" }, swatch, el("span", { class: "name" }, sound.name))),
      el("span", { class: "tools" },
        button("Pin", icon("pin"), () => this.pin(sound), { "aria-pressed": String(sound.pinned), class: "pin" }),
        button("Keep as A", "A", () => keep(sound, "A")),
        button("Keep as B", "B", () => keep(sound, "B")),
        button("Put on a pad", icon("pad"), () => pad(sound)),
        button("Remove", icon("remove"), () => { this.forget(sound); this.draw(); })));
  }
}

/**
 * Let a sound be dragged out of the browser, as a file, where the browser knows how.
 * @param {DragEvent} event
 * @param {Sound} sound
 */
function carry(event, sound) {
  if (sound.wav === null || event.dataTransfer === null) return;
  const url = URL.createObjectURL(new Blob([sound.wav], { type: "audio/wav" }));
  const name = `${sound.name.replace(/[^\p{L}\p{N}_.-]+/gu, "-").slice(0, 80)}.wav`;
  event.dataTransfer.setData("DownloadURL", `audio/wav:${name}:${url}`);
  event.dataTransfer.setData("application/x-genvae-sound", sound.id);
  event.dataTransfer.effectAllowed = "copy";
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
