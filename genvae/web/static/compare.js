// Two sounds side by side, A and B: played in turn, switched at the same moment, joined by a path.

import { getPlace } from "./api.js";
import { $ } from "./dom.js";
import { recipe, recipeName } from "./recipes.js";

export class Compare {
  /** `pins(a, b)` is called when they change, `fault(message)` when something is wrong. */
  constructor(studio, player, controls, { pins, fault }) {
    Object.assign(this, { studio, player, controls, pins, fault });
    this.slots = { A: null, B: null }; // each { recipe, place, name, sound } with the sound once there is one
    for (const letter of ["A", "B"]) {
      $(`play-${letter.toLowerCase()}`).addEventListener("click", () => this.play(letter));
      $(`set-${letter.toLowerCase()}`).addEventListener("click", () => this.keep(studio.current, letter));
    }
    $("switch").addEventListener("click", () => this.switch());
    $("path").addEventListener("click", () => this.path());
  }

  /** Keep a sound in one of the two. */
  keep(sound, letter) {
    const { recipe, place, name } = sound;
    this.put(letter, { recipe, place, name, sound });
  }

  put(letter, slot) {
    this.slots[letter] = slot;
    const { A, B } = this.slots;
    $(`${letter.toLowerCase()}-name`).textContent = slot.name;
    $(`play-${letter.toLowerCase()}`).disabled = false;
    $("switch").disabled = A === null || B === null;
    const ends = [A, B].every((each) => each !== null && each.recipe.source !== undefined);
    $("path").disabled = !ends;
    this.pins(A, B);
  }

  /** When it becomes known where a sound lies. */
  placed(sound) {
    for (const slot of Object.values(this.slots)) if (slot?.sound === sound) slot.place = sound.place;
    this.pins(this.slots.A, this.slots.B);
  }

  async play(letter, from = 0) {
    const slot = this.slots[letter];
    if (slot === null) return;
    this.player.wake();
    this.heard = letter;
    if (slot.sound) this.studio.replay(slot.sound, { from });
    else slot.sound = await this.studio.make(slot.recipe);
  }

  /** To the other one, at the same moment if one is playing. */
  switch() {
    const other = this.heard === "A" ? "B" : "A";
    this.play(other, this.player.playing ? this.player.position : 0);
  }

  /** Make the path from A to B. */
  path() {
    const steps = Math.round(Number($("steps").value));
    const [fewest, most] = this.studio.info.limits.steps;
    if (!(steps >= fewest && steps <= most)) {
      this.fault(`A path has ${fewest} to ${most} steps.`);
      return;
    }
    const end = ({ recipe: { source }, name }) => ({ ...source, name: source.latent ? name : undefined });
    const [start, finish] = [end(this.slots.A), end(this.slots.B)];
    this.player.wake();
    this.studio.make({ kind: "path", start, end: finish, steps, vocoder: this.controls.vocoder });
  }

  /** Keep two sources, as a drag on the map gives them, and make the path between them. */
  async between(start, end) {
    this.player.wake();
    try {
      const places = await Promise.all([start, end].map((source) => getPlace({ source })));
      [start, end].forEach((source, index) => {
        const made = recipe({ ...source, genre: places[index].genre }, this.controls.vocoder);
        this.put("AB"[index], { recipe: made, place: places[index], name: recipeName(made), sound: null });
      });
    } catch (error) {
      this.fault(error.message);
      return;
    }
    this.path();
  }
}
