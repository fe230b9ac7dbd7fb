// The genre buttons, what can be set before a sound is made, and the sliders that shape it.

import { genreColour } from "./colours.js";
import { $, el } from "./dom.js";
import { recipe } from "./recipes.js";

/** Fields and sliders around a studio; `fault(message)` says what is wrong with an entry. */
export class Controls {
  constructor(studio, fault) {
    this.studio = studio;
    this.fault = fault;
    const { genres, vocoders, directions, limits } = studio.info;
    this.buttons = genres.map((genre, index) =>
      el("button", { type: "button", class: "genre", click: () => this.press(genre) },
        el("span", {}, genre), index < 9 ? el("kbd", { "aria-hidden": "true" }, String(index + 1)) : null));
    $("genres").replaceChildren(...this.buttons);
    $("vocoder").replaceChildren(...vocoders.map(({ name, summary }) => el("option", { value: name, title: summary }, name)));
    $("temperature").max = limits.temperature[1];
    this.paint();
    this.sliders = directions.map((part, index) => this.slider(part, index));
    $("shape").hidden = this.sliders.length === 0;

    $("again").addEventListener("click", () => this.again());
    $("seed").addEventListener("input", () => { $("lock").checked = true; });
    $("seed").addEventListener("keydown", (event) => { if (event.key === "Enter") this.again(); });
    $("temperature").addEventListener("input", () => this.showTemperature());
    for (const id of ["temperature", "vocoder"]) $(id).addEventListener("change", () => this.remake());
    $("shape-reset").addEventListener("click", () => { this.setShifts([]); this.shaped(true); });
  }

  /** Give every genre its colour of this theme. */
  paint() {
    this.buttons.forEach((button, index) => button.style.setProperty("--g", genreColour(index)));
  }

  get vocoder() {
    return $("vocoder").value;
  }

  /** The seed of the field, or NaN where it holds none. */
  get seed() {
    const text = $("seed").value.trim();
    return /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : NaN;
  }

  /** A seed for a new sound: the locked one, or a new one. */
  drawSeed() {
    if ($("lock").checked) {
      if (Number.isNaN(this.seed)) this.fault("The seed must be a whole number, such as 42.");
      return this.seed;
    }
    const seed = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
    $("seed").value = seed;
    return seed;
  }

  /** Make a new sound of a genre. */
  press(genre) {
    this.genre = genre;
    const seed = this.drawSeed();
    if (Number.isNaN(seed)) return;
    this.studio.make(recipe({ genre, seed, index: 0, temperature: Number($("temperature").value) }, this.vocoder));
  }

  /** Another one of the same genre. */
  again() {
    this.press(this.genre ?? this.studio.info.genres[0]);
  }

  /** The same sound with the temperature and the vocoder as they are set now. */
  remake() {
    const current = this.studio.current?.recipe;
    if (current === undefined || current.kind === "original") return;
    const source = current.source?.temperature === undefined ? current.source : { ...current.source, temperature: Number($("temperature").value) };
    this.studio.make({ ...current, source, vocoder: this.vocoder });
  }

  slider({ explained }, index) {
    const most = this.studio.info.limits.shift;
    const value = el("span", { class: "value", "aria-hidden": "true" }, "0.0");
    const range = el("input", { type: "range", min: -most, max: most, step: "0.1", value: "0", disabled: true,
      input: () => this.shaped(false), change: () => this.studio.keepLatest() });
    $("sliders").append(el("label", {}, el("span", {}, `Direction ${index + 1} · ${(100 * explained).toFixed(0)} %`), value, range));
    return { range, value };
  }

  setShifts(shifts) {
    this.sliders.forEach(({ range, value }, index) => {
      range.value = shifts[index] ?? 0;
      value.textContent = Number(range.value).toFixed(1);
    });
  }

  /** Decode the current sound's latent with the sliders' shifts. */
  shaped(keep) {
    const current = this.studio.current?.recipe;
    if (current?.source === undefined) return;
    const shifts = this.sliders.map(({ range }) => Number(range.value));
    this.setShifts(shifts);
    const { file, place, ...rest } = current; // a shaped file is its first second
    const made = recipe({ ...rest.source, shifts }, this.vocoder);
    if (keep) this.studio.make(made);
    else this.studio.audition(made);
  }

  showTemperature() {
    $("temperature-value").textContent = Number($("temperature").value).toFixed(2);
  }

  /** Show in the fields what made a sound. */
  follow({ recipe: { kind, source, vocoder } }) {
    if (source?.seed !== undefined && !("latent" in source)) $("seed").value = source.seed;
    if (source?.temperature !== undefined) $("temperature").value = source.temperature;
    this.showTemperature();
    if (vocoder !== undefined) $("vocoder").value = vocoder;
    if (source?.genre !== undefined) this.genre = source.genre;
    const shapes = kind !== "original" && source !== undefined;
    for (const { range } of this.sliders) range.disabled = !shapes;
    $("shape-reset").disabled = !shapes;
    if (!this.sliders.some(({ range }) => range === document.activeElement)) this.setShifts(source?.shifts ?? []);
    $("again").disabled = false;
  }

  /** Show which genre is being made. */
  busy(genre) {
    this.buttons.forEach((button, index) => button.setAttribute("aria-busy", String(this.studio.info.genres[index] === genre)));
  }
}
