// Two sounds side by side, A and B: played in turn, switched at the same moment, joined by a path.

import { getPlace } from "./api.js";
import { drawDifference } from "./difference.js";
import { $, breathe, icon } from "./dom.js";
import { recipe, recipeName } from "./recipes.js";

export class Compare {
  /**
   * @param {import("./session.js").Session} session
   * @param {import("./player.js").Player} player
   * @param {import("./controls.js").Controls} controls
   * @param {{ pins: (a: any, b: any) => void, fault: (text: string) => void }} told  pins: they have changed
   */
  constructor(session, player, controls, { pins, fault }) {
    this.session = session;
    this.player = player;
    this.controls = controls;
    this.pins = pins;
    this.fault = fault;
    /** @type {Record<string, any>} */
    this.slots = { A: null, B: null }; // each { recipe, place, name, sound } with the sound once there is one
    this.heard = "B";
    for (const letter of ["A", "B"]) {
      $(`play-${letter.toLowerCase()}`).append(icon("play"));
      $(`play-${letter.toLowerCase()}`).addEventListener("click", () => this.play(letter));
      $(`set-${letter.toLowerCase()}`).addEventListener("click", () => { if (session.current) this.keep(session.current, letter); });
    }
    const others = session.info.runs.filter((/** @type {any} */ { digest }) => digest !== session.info.run);
    $("others").hidden = others.length === 0;
    $("other-run").replaceChildren(...others.map((/** @type {any} */ { digest, name }) => new Option(name, digest)));
    $("hear-other").addEventListener("click", () => this.elsewhere());
    session.addEventListener("sound", (/** @type {any} */ { detail: { sound } }) => { $("hear-other").disabled = !this.transferable(sound.recipe); });
    $("switch").addEventListener("click", () => this.switch());
    $("path").addEventListener("click", () => this.path());
  }

  /**
   * Keep a sound in one of the two.
   * @param {import("./session.js").Sound} sound
   * @param {string} letter
   */
  keep(sound, letter) {
    const { recipe, place, name } = sound;
    this.put(letter, { recipe, place, name, sound });
  }

  /**
   * @param {string} letter
   * @param {any} slot
   */
  put(letter, slot) {
    this.slots[letter] = slot;
    const { A, B } = this.slots;
    $(`${letter.toLowerCase()}-name`).textContent = slot.name;
    $(`play-${letter.toLowerCase()}`).disabled = false;
    $("switch").disabled = A === null || B === null;
    const ends = [A, B].every((each) => each !== null && each.recipe.source !== undefined && each.recipe.run === this.session.info.run);
    $("path").disabled = !ends;
    this.pins(A, B);
    this.draw();
  }

  /**
   * Whether another run can make the same: a seed, or a mix of what a seed draws, but no place in a space of this run.
   * @param {any} recipe
   */
  transferable({ run, kind, source }) {
    return run === this.session.info.run && source !== undefined && kind !== "file" && kind !== "original"
      && !("point" in source || "latent" in source) && !source.variations?.length && !source.shifts?.some(Boolean);
  }

  /** Let another run make what is heard, and keep the two as A and B. */
  async elsewhere() {
    const { current } = this.session;
    if (current === null) return;
    const { kind, source } = current.recipe;
    const run = $("other-run").value;
    this.keep(current, "A");
    const made = await this.session.make({ kind, source, run, elsewhere: $("other-run").selectedOptions[0].text }, { keep: false });
    if (made !== null) this.keep(made, "B");
  }

  /** Both spectrograms and their difference, once both have been heard. */
  async draw() {
    const { A, B } = this.slots;
    const both = Boolean(A?.sound && B?.sound);
    $("trio").hidden = !both;
    if (!both) return;
    await breathe(); // the canvases have their size now
    const apart = drawDifference(A.sound, B.sound, ["a-picture", "b-picture", "ab-picture"].map($));
    $("ab-caption").textContent = `Orange: A is louder. Blue: B is. ${apart.toFixed(1)} dB apart on average.`;
    $("a-picture").setAttribute("aria-label", `Spectrogram of A: ${A.name}`);
    $("b-picture").setAttribute("aria-label", `Spectrogram of B: ${B.name}`);
  }

  /**
   * When it becomes known where a sound lies.
   * @param {import("./session.js").Sound} sound
   */
  placed(sound) {
    for (const slot of Object.values(this.slots)) if (slot?.sound === sound) slot.place = sound.place;
    this.pins(this.slots.A, this.slots.B);
  }

  /**
   * @param {string} letter
   * @param {number} from
   */
  async play(letter, from = 0) {
    const slot = this.slots[letter];
    if (slot === null) return;
    this.player.wake();
    this.heard = letter;
    if (slot.sound) this.session.replay(slot.sound, { from });
    else {
      slot.sound = await this.session.make(slot.recipe);
      this.draw();
    }
  }

  /** To the other one, at the same moment if one is playing. */
  switch() {
    const other = this.heard === "A" ? "B" : "A";
    this.play(other, this.player.playing ? this.player.position : 0);
  }

  /** Make the path from A to B. */
  path() {
    const { A, B } = this.slots;
    const end = (/** @type {any} */ { recipe: { source }, name }) => ({ ...source, name: source.latent ? name : undefined });
    this.travel(end(A), [], end(B));
  }

  /**
   * @param {any} start
   * @param {any[]} via
   * @param {any} end
   */
  travel(start, via, end) {
    const steps = Math.round(Number($("steps").value));
    const [fewest, most] = this.session.info.limits.steps;
    if (!(steps >= fewest && steps <= most)) {
      $("advanced").open = true;
      this.fault(`A path has ${fewest} to ${most} steps.`);
      return;
    }
    this.player.wake();
    this.session.make({ kind: "path", start, via, end, steps: Math.max(steps, via.length + 2), ...this.controls.how });
  }

  /**
   * Keep the ends of a way that was drawn on the map, and make the path along it.
   * @param {any[]} sources
   */
  async through(sources) {
    this.player.wake();
    const found = await this.session.wish({ why: "Finding the path", recipe: null }, async (asking) => {
      const { run } = this.session.info;
      const made = sources.map((source) => recipe(source, this.controls.how));
      const ends = [made[0], made[made.length - 1]];
      const places = await Promise.all(ends.map((each) => getPlace({ ...each, run }, asking)));
      ends.forEach((each, index) => {
        const named = recipe({ ...each.source, genre: places[index].genre }, this.controls.how);
        this.put("AB"[index], { recipe: named, place: places[index], name: recipeName(named), sound: null });
      });
      return true;
    });
    const { A, B } = this.slots;
    if (found) this.travel(A.recipe.source, sources.slice(1, -1), B.recipe.source);
  }
}
