// The genre buttons, what can be set before a sound is made, and the sliders that shape it.

import { getDirections } from "./api.js";
import { genreColour } from "./colours.js";
import { $, el } from "./dom.js";
import { recipe } from "./recipes.js";
import { sliderNames } from "./slidernames.js";

const POLL = 2000; // ms between questions whether the directions are measured

/** Fields and sliders around a session; `say` and `fault` tell what a change did, or what is wrong with an entry. */
export class Controls {
  /**
   * @param {import("./session.js").Session} session
   * @param {{ say: (text: string) => void, fault: (text: string) => void }} told
   */
  constructor(session, { say, fault }) {
    this.session = session;
    this.say = say;
    this.fault = fault;
    const { genres, vocoders, directions, limits } = session.info;
    this.buttons = genres.map((/** @type {string} */ genre, /** @type {number} */ index) =>
      el("button", { type: "button", class: "genre", title: genre, click: () => this.press(genre) },
        el("span", {}, genre), index < 9 ? el("kbd", { "aria-hidden": "true" }, String(index + 1)) : null));
    $("genres").replaceChildren(...this.buttons);
    $("vocoder").replaceChildren(...vocoders.map(({ name, summary }) => el("option", { value: name, title: summary }, name)));
    $("temperature").max = limits.temperature[1];
    this.fields = session.info.attributes.map((/** @type {any} */ each) => this.attributeField(each));
    $("attributes").replaceChildren(...this.fields.map((/** @type {any} */ { label }) => label));
    $("attributes").hidden = this.fields.length === 0;
    this.paint();
    this.sliders = Array.from({ length: directions }, () => this.slider());
    if (directions) this.nameSliders();
    $("shape").hidden = this.sliders.length === 0;

    $("again").addEventListener("click", () => this.again());
    $("seed").addEventListener("input", () => { $("lock").checked = true; });
    $("seed").addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter") this.again(); });
    $("temperature").addEventListener("input", () => this.showTemperature());
    $("temperature").addEventListener("change", () => this.changeTemperature());
    $("vocoder").addEventListener("change", () => this.changeVocoder());
    $("shape-reset").addEventListener("click", () => { this.setShifts([]); this.shaped(true); });
  }

  /** Give every genre its colour of this theme. */
  paint() {
    this.buttons.forEach((/** @type {HTMLElement} */ button, /** @type {number} */ index) => button.style.setProperty("--g", genreColour(index)));
  }

  get vocoder() {
    return $("vocoder").value;
  }

  /** How a source is made to sound. */
  get how() {
    return { vocoder: this.vocoder, run: this.session.info.run };
  }

  get temperature() {
    return Number($("temperature").value);
  }

  /** The seed of the field, or NaN where it holds none. */
  get seed() {
    const text = $("seed").value.trim();
    return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : NaN;
  }

  /** The seed of the field, or 0 where it holds none. */
  get noiseSeed() {
    return Number.isNaN(this.seed) ? 0 : this.seed;
  }

  /** A seed for a new sound: the locked one, or a new one. */
  drawSeed() {
    if ($("lock").checked) {
      if (Number.isNaN(this.seed)) {
        $("advanced").open = true;
        this.fault("The seed must be a whole number, such as 42.");
      }
      return this.seed;
    }
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
    $("seed").value = seed;
    return seed;
  }

  /**
   * Make a new sound of a genre.
   * @param {string} genre
   * @param {{ play?: boolean }} [options]
   */
  press(genre, options) {
    this.genre = genre;
    const seed = this.drawSeed();
    if (Number.isNaN(seed)) return;
    this.session.make(recipe({ genre, seed, index: 0, temperature: this.temperature, ...this.asked }, this.how), options);
  }

  /** Another one of the same genre. */
  again() {
    const { genres } = this.session.info;
    this.press(genres.includes(this.genre) ? this.genre : genres[0]);
  }

  /** The same seed at the temperature that is set now. */
  changeTemperature() {
    const { source } = this.session.current?.recipe ?? {};
    if (source?.temperature === undefined) {
      this.say("The temperature counts for new sounds: this one was not drawn from a seed.");
      return;
    }
    this.session.make(recipe({ ...source, temperature: this.temperature }, this.how));
  }

  /** The same sound with the vocoder that is set now. */
  changeVocoder() {
    const current = this.session.current?.recipe;
    if (current === undefined || current.kind === "original") return;
    this.session.make({ ...current, vocoder: this.vocoder });
  }

  /**
   * A field for something that can be asked for beyond a genre; empty, it is as the latent says.
   * @param {{ name: string, unit: string, words: string[], several: boolean, least: number, most: number }} attribute
   */
  attributeField({ name, unit, words, several, least, most }) {
    const change = () => this.changeAttributes();
    const isNumber = words.length === 0;
    let input = el("select", { change }, new Option("any", ""), ...words.map((word) => new Option(word)));
    if (several) input = el("input", { type: "text", placeholder: "any", title: `One or more, with ; between: ${words.join("; ")}`, change });
    if (isNumber) input = el("input", { type: "number", min: least, max: most, step: "any", placeholder: "any", title: `${least} to ${most} ${unit}`, change });
    return { name, input, isNumber, label: el("label", {}, `${name} `, input) };
  }

  /** The attributes that are set, as a source has them; nothing where none is. */
  get asked() {
    const set = this.fields.filter((/** @type {any} */ { input }) => input.value !== "");
    if (set.length === 0) return {};
    return { attributes: Object.fromEntries(set.map((/** @type {any} */ { name, input, isNumber }) => [name, isNumber ? Number(input.value) : input.value])) };
  }

  /** The same sound with the attributes that are set now. */
  changeAttributes() {
    const current = this.session.current?.recipe;
    if (current?.source === undefined || current.kind === "original" || current.kind === "file") {
      this.say("Attributes count for new sounds: this one is not asked for by any.");
      return;
    }
    const { attributes, ...source } = current.source;
    this.session.make(recipe({ ...source, ...this.asked }, this.how));
  }

  slider() {
    const most = this.session.info.limits.shift;
    const value = el("span", { class: "value", "aria-hidden": "true" }, "0.0");
    const range = el("input", { type: "range", min: -most, max: most, step: "0.1", value: "0", disabled: true,
      input: () => this.shaped(false), change: () => this.session.keepLatest() });
    const name = el("span", {}, "…");
    $("sliders").append(el("label", {}, name, value, range));
    return { range, value, name };
  }

  /** Name the sliders for what they do, when the server has found that out. */
  async nameSliders() {
    let found;
    try {
      found = await getDirections(this.session.info.run);
    } catch {
      return; // the next try of anything will say that the server is gone
    }
    const names = sliderNames(found);
    this.sliders.forEach(({ name, range }, /** @type {number} */ index) => {
      name.textContent = names[index];
      range.title = `${(100 * found[index].explained).toFixed(1)} % of what the training sounds differ in`;
    });
    if (found[0].measured < 1) setTimeout(() => this.nameSliders(), POLL);
  }

  /** @param {number[]} shifts */
  setShifts(shifts) {
    this.sliders.forEach(({ range, value }, /** @type {number} */ index) => {
      range.value = shifts[index] ?? 0;
      value.textContent = Number(range.value).toFixed(1);
    });
  }

  /**
   * Make the current sound with the sliders' shifts: every clip of a file, as well as a single one.
   * @param {boolean} keep
   */
  shaped(keep) {
    const current = this.session.current?.recipe;
    if (current?.source === undefined || current.kind === "original") return;
    const shifts = this.sliders.map(({ range }) => Number(range.value));
    this.setShifts(shifts);
    const source = { ...current.source, shifts };
    const made = current.kind === "file" ? { ...current, source, vocoder: this.vocoder } : recipe(source, this.how);
    if (keep) this.session.make(made, { by: "sliders" });
    else this.session.audition(made, "sliders");
  }

  showTemperature() {
    $("temperature-value").textContent = this.temperature.toFixed(2);
  }

  /**
   * Show in the fields what made a sound.
   * @param {import("./session.js").Sound} sound
   * @param {string} by  what asked for it: what the sliders asked for leaves them where the hand has them by now
   */
  follow({ recipe: { kind, source, vocoder } }, by) {
    if (source?.seed !== undefined && !("latent" in source)) $("seed").value = source.seed;
    if (source?.temperature !== undefined) $("temperature").value = source.temperature;
    this.showTemperature();
    if ([...$("vocoder").options].some((option) => option.value === vocoder)) $("vocoder").value = vocoder;
    if (source?.genre !== undefined) this.genre = source.genre;
    if (source?.temperature !== undefined) {
      for (const { name, input } of this.fields) input.value = source.attributes?.[name] ?? "";
    }
    const shapes = kind !== "original" && source !== undefined;
    for (const { range } of this.sliders) range.disabled = !shapes;
    $("shape-reset").disabled = !shapes;
    if (by !== "sliders") this.setShifts(source?.shifts ?? []);
    $("again").disabled = false;
  }

  /**
   * Show which genre is being made.
   * @param {string | null} genre
   */
  busy(genre) {
    this.buttons.forEach((/** @type {HTMLElement} */ button, /** @type {number} */ index) =>
      button.setAttribute("aria-busy", String(this.session.info.genres[index] === genre)));
  }
}
