// Vary: eight sounds near the one that is heard, each a small picture to press.

import { $, el } from "./dom.js";
import { recipe } from "./recipes.js";
import { drawThumbnail } from "./thumbnail.js";

const COUNT = 8;

export class Variations {
  /**
   * @param {import("./session.js").Session} session
   * @param {import("./controls.js").Controls} controls
   */
  constructor(session, controls) {
    this.session = session;
    this.controls = controls;
    $("vary").addEventListener("click", () => this.vary());
    session.addEventListener("sound", (/** @type {any} */ { detail: { sound } }) => {
      $("vary").disabled = !this.varies(sound.recipe);
      for (const button of $("variations").children) button.setAttribute("aria-pressed", String(button.dataset.id === sound.id));
    });
  }

  /**
   * Whether there are sounds near that of a recipe, and it has not been varied too often.
   * @param {import("./recipes.js").Recipe} recipe
   */
  varies({ kind, source }) {
    return (kind === "seed" || kind === "decoded") && (source.variations?.length ?? 0) < this.session.info.limits.variations;
  }

  /** Make eight, one after the other, each shown as soon as it is there; another wish ends it. */
  async vary() {
    const origin = this.session.current;
    if (origin === null || !this.varies(origin.recipe)) return;
    const numbers = [...crypto.getRandomValues(new Uint32Array(COUNT))].map((number) => number >>> 1);
    const places = numbers.map(() => el("button", { type: "button", class: "variation", disabled: true, "aria-label": "Not made yet" },
      el("canvas", { width: 120, height: 60, "aria-hidden": "true" })));
    $("variations").replaceChildren(...places);
    $("variations").hidden = false;
    await this.session.wish({ why: `Making sounds near ${origin.name}`, recipe: null }, async (asking) => {
      for (const [index, number] of numbers.entries()) {
        const { source } = origin.recipe;
        const varied = recipe({ ...source, variations: [...(source.variations ?? []), number] }, this.controls.how);
        const made = await this.session.fetch(varied, asking);
        asking.signal?.throwIfAborted();
        this.show(places[index], made, index);
      }
      return true;
    });
    for (const place of places) if (place.disabled) place.remove(); // another wish came first
    $("variations").hidden = $("variations").children.length === 0;
  }

  /**
   * @param {any} button
   * @param {import("./session.js").Sound} made
   * @param {number} index
   */
  show(button, made, index) {
    drawThumbnail(button.querySelector("canvas"), made);
    button.dataset.id = made.id;
    button.disabled = false;
    button.setAttribute("aria-label", `Variation ${index + 1}: ${made.name}`);
    let kept = false;
    button.addEventListener("click", () => {
      this.session.hear(made, !kept);
      kept = true;
    });
  }
}
