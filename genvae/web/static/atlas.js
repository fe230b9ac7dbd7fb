// The map on the page: its genres, projections and tools, the current sound's place, and the sounds near it.

import { getMap } from "./api.js";
import { genreColour } from "./colours.js";
import { $, el } from "./dom.js";
import { LatentMap } from "./map.js";
import { listen } from "./mapinput.js";
import { recipe } from "./recipes.js";

export class Atlas {
  /** `path(start, end)` is called with two sources. */
  constructor(studio, controls, { path, fault }) {
    this.studio = studio;
    this.controls = controls;
    this.fault = fault;
    this.loaded = new Map();
    this.map = new LatentMap($("points"));
    const { genres, maps } = studio.info;
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
    $("drag").addEventListener("change", () => { $("points").dataset.drag = $("drag").value; });
    const source = (point) => ({ map: this.method, point, seed: Number.isNaN(controls.seed) ? 0 : controls.seed });
    listen(this.map, {
      hear: (point) => this.hear(source(point)),
      audition: (point) => studio.audition(recipe(source(point), controls.vocoder)),
      audited: () => studio.keepLatest(),
      path: (from, to) => path(source(from), source(to)),
    }, () => $("drag").value);
    if (maps.length === 0) {
      $("map-none").textContent = "This run has no map yet. Make one with: genvae map RUN";
      $("map-none").hidden = false;
      for (const id of ["legend", "map-hint", "near-title", "near"]) $(id).hidden = true;
      for (const each of document.querySelectorAll(".tools")) each.hidden = true;
      $("points").tabIndex = -1;
    }
  }

  get method() {
    return $("method").value;
  }

  hear(source) {
    this.studio.make(recipe(source, this.controls.vocoder));
  }

  /** Show a projection, and on it what is current. */
  async show(method) {
    const { maps } = this.studio.info;
    const chosen = maps.find((map) => map.method === method) ?? maps[0];
    if (chosen === undefined) return;
    $("method").value = chosen.method;
    try {
      if (!this.loaded.has(chosen.method)) this.loaded.set(chosen.method, await getMap(chosen.method));
    } catch (error) {
      this.fault(error.message);
      return;
    }
    if (chosen.method !== this.method) return; // another was chosen meanwhile
    const share = (index) => (chosen.explained ? ` (${(100 * chosen.explained[index]).toFixed(0)} % of the variance)` : "");
    const label = (name, index) => (chosen.method === "pca" ? `${name} principal component${share(index)}` : "");
    this.map.load(this.loaded.get(chosen.method), [label("first", 0), label("second", 1)]);
    this.mark(this.studio.current);
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
    const { genres } = this.studio.info;
    $("near").replaceChildren(...neighbours.map(({ genre, clip, point, distance }) => {
      const swatch = el("span", { class: "swatch" });
      swatch.style.setProperty("--g", genreColour(genres.indexOf(genre)));
      const click = () => this.hear({ map: this.method, point, genre, seed: Number.isNaN(this.controls.seed) ? 0 : this.controls.seed });
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
