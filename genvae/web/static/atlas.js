// The map on the page: its genres, projections and tools, the current sound's place, and the sounds near it.

import { getMap, getShades } from "./api.js";
import { genreColour } from "./colours.js";
import { $, el } from "./dom.js";
import { LatentMap } from "./map.js";
import { listen } from "./mapinput.js";
import { recipe } from "./recipes.js";

export class Atlas {
  /**
   * @param {import("./session.js").Session} session
   * @param {import("./controls.js").Controls} controls
   * @param {{ path: (sources: any[]) => void, fault: (text: string) => void }} actions  path: makes a path through sources
   */
  constructor(session, controls, { path, fault }) {
    this.session = session;
    this.controls = controls;
    this.fault = fault;
    this.loaded = new Map();
    this.map = new LatentMap($("points"));
    const { genres, maps } = session.info;
    $("method").replaceChildren(...maps.map(({ method }) => el("option", { value: method }, method.toUpperCase())));
    $("methods").hidden = maps.length < 2;
    $("method").addEventListener("change", () => this.show($("method").value));
    this.chips = genres.map((genre, index) =>
      el("label", {}, el("input", { type: "checkbox", checked: true, change: (event) => this.filter(index, event.target.checked) }), genre));
    $("legend").replaceChildren(...this.chips);
    this.paint();
    $("zoom-in").addEventListener("click", () => this.map.zoom(1.5));
    $("zoom-out").addEventListener("click", () => this.map.zoom(1 / 1.5));
    $("zoom-reset").addEventListener("click", () => this.map.reset());
    this.shades = new Map();
    for (const { name } of maps[0]?.qualities ?? []) $("colouring").append(el("option", { value: name }, name));
    $("colouring").addEventListener("change", () => this.colour());
    this.label();
    $("drag").addEventListener("change", () => { $("points").dataset.drag = $("drag").value; });
    const source = (/** @type {number[]} */ point) => ({ map: this.method, point, seed: controls.noiseSeed });
    listen(this.map, {
      hear: (point) => this.hear(source(point)),
      audition: (point) => session.audition(recipe(source(point), controls.how)),
      audited: () => session.keepLatest(),
      path: (points) => path(points.map(source)),
    }, () => $("drag").value);
    if (maps.length === 0) {
      $("map-none").textContent = "This run has no map yet. Make one with: genvae map RUN";
      $("map-none").hidden = false;
      for (const id of ["legend", "map-hint", "near-by"]) $(id).hidden = true;
      for (const each of $("map").querySelectorAll(".tools")) each.hidden = true;
      $("points").tabIndex = -1;
    }
  }

  /** Say which genre the clip under the pointer has. */
  label() {
    $("points").addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      const at = event.pointerType === "mouse" && event.buttons === 0 ? this.map.clipAt([event.offsetX, event.offsetY]) : -1;
      $("hover").hidden = at < 0;
      if (at < 0) return;
      const genre = this.map.genres[at];
      const swatch = el("span", { class: "swatch" });
      swatch.style.setProperty("--g", genreColour(genre));
      $("hover").replaceChildren(swatch, `a training sound: ${this.session.info.genres[genre]}`);
      const right = event.offsetX > $("points").clientWidth / 2;
      $("hover").style.transform = `translate(${event.offsetX + (right ? -12 : 12)}px, ${Math.max(0, event.offsetY - 32)}px)${right ? " translateX(-100%)" : ""}`;
    });
    $("points").addEventListener("pointerleave", () => { $("hover").hidden = true; });
  }

  get method() {
    return $("method").value;
  }

  /** Colour the clips as it is wished, and say what the colours mean. */
  async colour() {
    const wished = $("colouring").value;
    const found = this.session.info.maps.find(({ method }) => method === this.method);
    const quality = found?.qualities.find(({ name }) => name === wished);
    $("scale").hidden = quality === undefined;
    if (quality === undefined) {
      this.map.colour(wished);
      return;
    }
    const { low, high, unit } = quality;
    const told = (value) => (unit === "dB" ? value.toFixed(0) : Math.round(value).toLocaleString("en"));
    $("scale").textContent = `dark: ${told(low)} ${unit}, pale: ${told(high)} ${unit}${wished === "pitch" ? ", grey: no pitch" : ""}`;
    const key = `${this.method} ${wished}`;
    try {
      if (!this.shades.has(key)) this.shades.set(key, await getShades(this.method, wished, this.session.info.run));
    } catch (error) {
      this.fault(error.message);
      return;
    }
    if ($("colouring").value === wished && key.startsWith(`${this.method} `)) this.map.colour(wished, this.shades.get(key));
  }

  hear(source) {
    this.session.make(recipe(source, this.controls.how));
  }

  /** Show a projection, and on it what is current. */
  async show(method) {
    const { maps } = this.session.info;
    const chosen = maps.find((map) => map.method === method) ?? maps[0];
    if (chosen === undefined) return;
    $("method").value = chosen.method;
    try {
      if (!this.loaded.has(chosen.method)) this.loaded.set(chosen.method, await getMap(chosen, this.session.info.run));
    } catch (error) {
      this.fault(error.message);
      return;
    }
    if (chosen.method !== this.method) return; // another was chosen meanwhile
    const share = (index) => (chosen.explained ? ` (${(100 * chosen.explained[index]).toFixed(0)} % of the variance)` : "");
    const label = (name, index) => (chosen.method === "pca" ? `${name} principal component${share(index)}` : "");
    this.map.load(this.loaded.get(chosen.method), [label("first", 0), label("second", 1)]);
    this.mark(this.session.current);
    if (this.map.heard !== null) await this.colour(); // in the order of the other map's clips
  }

  filter(index, shown) {
    if (shown) this.map.hidden.delete(index);
    else this.map.hidden.add(index);
    this.map.redraw();
  }

  paint() {
    this.chips.forEach((chip, index) => chip.style.setProperty("--g", genreColour(index)));
    this.map.redraw();
  }

  /** Put a sound on the map; one whose place is not known yet takes the last one's mark away. */
  mark(sound) {
    const clips = (sound?.place?.clips ?? []).map((clip) => clip.maps[this.method]).filter(Boolean);
    this.sound = sound;
    this.trail = clips.map(({ point }) => point);
    const current = clips.length === 0 ? null : { point: clips[0].point, genre: Math.max(0, sound.genreIndex), playing: this.playing };
    this.map.mark({ current, trail: this.trail, neighbours: clips.length === 1 ? clips[0].neighbours : [] });
    $("sparse").hidden = !clips.some(({ sparse }) => sparse);
    if (current === null) return;
    this.map.reveal(current.point);
    this.list(clips[0].neighbours);
  }

  /** Pins of A and B: sources' places, or null. */
  pins(a, b) {
    this.map.mark({ a: this.where(a), b: this.where(b) });
  }

  where(slot) {
    return slot?.place?.clips[0].maps[this.method]?.point ?? null;
  }

  list(neighbours) {
    const { genres } = this.session.info;
    $("near").replaceChildren(...neighbours.map(({ genre, clip, point, distance }) => {
      const swatch = el("span", { class: "swatch" });
      swatch.style.setProperty("--g", genreColour(genres.indexOf(genre)));
      const click = () => this.hear({ map: this.method, point, genre, seed: this.controls.noiseSeed });
      return el("li", {}, el("button", { type: "button", title: "Hear what the model makes of this place", click },
        swatch, `${genre} clip ${clip}`, el("span", { class: "hint" }, `${distance.toPrecision(2)} away`)));
    }));
  }

  /** While a sound plays its mark beats, and goes along the path. */
  play(playing, part = 0) {
    this.playing = playing;
    const { current } = this.map.marks;
    if (current === null) return;
    const at = Math.min(0.9999, part) * (this.trail.length - 1);
    const from = this.trail[Math.floor(at)];
    const to = this.trail[Math.ceil(at)];
    const point = this.trail.length > 1 && playing ? from.map((x, i) => x + (at % 1) * (to[i] - x)) : this.trail[0];
    this.map.mark({ current: { ...current, point, playing } });
  }
}
