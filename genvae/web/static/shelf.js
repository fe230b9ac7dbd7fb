// The designs so far: small pictures that lead back to what made them, kept in this browser.

import { el } from "./dom.js";

const MOST = 60;

export class Shelf {
  /**
   * @param {HTMLElement} place
   * @param {{ key: string, picture: (source: object) => Promise<ImageBitmap>, open: (source: any) => void }} page
   */
  constructor(place, { key, picture, open }) {
    this.place = place;
    this.key = key;
    this.picture = picture;
    this.open = open;
    /** @type {object[]} */
    this.sources = [];
    try {
      const kept = JSON.parse(localStorage.getItem(key) ?? "[]");
      if (Array.isArray(kept)) this.sources = kept.slice(-MOST);
    } catch {
      // a browser that keeps nothing, or something else under that name
    }
  }

  /** Draw the small pictures of what was kept, one after the other. */
  async fill() {
    for (const source of this.sources) {
      try {
        this.#put(source, await this.picture(source));
      } catch {
        // of another time of this run's life; it is left out
      }
    }
  }

  /**
   * @param {object} source
   * @param {ImageBitmap} bitmap
   */
  add(source, bitmap) {
    if (JSON.stringify(source) === JSON.stringify(this.sources.at(-1))) return;
    this.sources = [...this.sources, source].slice(-MOST);
    this.#keep();
    this.#put(source, bitmap);
    while (this.place.children.length > MOST) this.place.lastElementChild?.remove();
  }

  clear() {
    this.sources = [];
    this.#keep();
    this.place.replaceChildren();
  }

  #keep() {
    try {
      localStorage.setItem(this.key, JSON.stringify(this.sources));
    } catch {
      // a private window, or a full disk: the page goes on without
    }
  }

  /**
   * @param {object} source
   * @param {ImageBitmap} bitmap
   */
  #put(source, bitmap) {
    const canvas = el("canvas", { width: 128, height: 128 });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, 128, 128);
    const number = this.place.children.length + 1;
    this.place.prepend(el("button", { type: "button", "aria-label": `Design ${number}`, click: () => this.open(source) }, canvas));
  }
}
