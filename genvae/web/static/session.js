// The sound that is heard and how it is made: recipes go in, sounds come out, and the latest wish wins.

import { getPlace, getWav } from "./api.js";
import { recipeName } from "./recipes.js";
import { readWav } from "./wav.js";

/** @typedef {import("./recipes.js").Recipe} Recipe */

/**
 * @typedef {object} Sound  a sound, and what is known of it
 * @property {string} id
 * @property {Recipe} recipe
 * @property {Float32Array} samples
 * @property {number} rate  in Hz
 * @property {ArrayBuffer | null} wav  as the server made it
 * @property {any} place  where it lies, once that is known
 * @property {string} genre
 * @property {number} genreIndex
 * @property {string} name
 * @property {string} detail
 * @property {boolean} pinned
 * @property {number} made  when, in ms
 */

/**
 * Put together what is known of a sound.
 * @param {Recipe} recipe
 * @param {ArrayBuffer | { samples: Float32Array, rate: number }} heard
 * @param {any} place
 * @param {string[]} genres
 * @returns {Sound}
 */
export function sound(recipe, heard, place, genres) {
  const source = recipe.source ?? recipe.start;
  const genre = place?.genre ?? source.genre ?? strongest(source.mix ?? {});
  const { temperature } = recipe.source ?? {};
  return {
    ...(heard instanceof ArrayBuffer ? { ...readWav(heard), wav: heard } : { ...heard, wav: null }),
    recipe, place, genre, id: newId(), pinned: false, name: recipeName(recipe), made: Date.now(),
    detail: [recipe.vocoder ?? "", temperature !== undefined && temperature !== 1 ? `temperature ${temperature}` : ""].filter(Boolean).join(", "),
    genreIndex: genres.indexOf(genre),
  };
}

const newId = () => [...crypto.getRandomValues(new Uint32Array(3))].map((part) => part.toString(36)).join("");

/** @param {Record<string, number>} mix */
const strongest = (mix) => Object.entries(mix).sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";

export class Session extends EventTarget {
  /**
   * Events: `sound` when another sound is current (detail: { sound, play, from, by }), `place` when it is known where
   * it lies, `keep` when it shall stay in the history, `busy` with { why, recipe } while something is being made and
   * null when nothing is, `waiting` with why that takes longer, `fault` with an error.
   * @param {any} info
   */
  constructor(info) {
    super();
    this.info = info;
    /** @type {Sound | null} */
    this.current = null;
    this.fresh = false; // the current sound is not in the history
    this.keepNext = false;
    /** @type {AbortController | null} */
    this.pending = null; // ends what is being made
    /** @type {{ recipe: Recipe, keep: boolean, by: string } | null} */
    this.next = null; // what to audition after that
  }

  /**
   * @param {string} type
   * @param {any} detail
   */
  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * Do the latest wish, whatever it is; what was still being done for the one before is dropped, here and on the server.
   * @template T
   * @param {{ why: string, recipe: Recipe | null }} what
   * @param {(asking: import("./api.js").Asking) => Promise<T>} work
   * @returns {Promise<T | null>}  null where it failed, or another wish took its place
   */
  async wish(what, work) {
    this.next = null;
    this.pending?.abort();
    const mine = new AbortController();
    this.pending = mine;
    this.tell("busy", what);
    const waiting = (/** @type {string} */ why) => { if (this.pending === mine) this.tell("waiting", why); };
    try {
      const made = await work({ signal: mine.signal, waiting });
      return this.pending === mine ? made : null;
    } catch (error) {
      if (this.pending === mine && !mine.signal.aborted) this.tell("fault", error);
      return null;
    } finally {
      if (this.pending === mine) {
        this.pending = null;
        this.tell("busy", null);
        const next = /** @type {{ recipe: Recipe, keep: boolean, by: string } | null} */ (this.next);
        if (next !== null) this.make(next.recipe, { keep: next.keep, by: next.by });
      }
    }
  }

  /** Give up what is being made. */
  cancel() {
    this.next = null;
    const { pending } = this;
    this.pending = null;
    pending?.abort();
    this.tell("busy", null);
  }

  /**
   * Make a sound and let it be heard. Resolves to it, or to null.
   * @param {Recipe} recipe
   * @param {{ keep?: boolean, play?: boolean, by?: string }} how  by: what asked for it, told with the sound
   */
  async make(recipe, { keep = true, play = true, by = "" } = {}) {
    this.keepNext = keep;
    return this.wish({ why: `Making ${recipeName(recipe)}`, recipe }, async (asking) => {
      const made = await this.fetch(recipe, asking);
      asking.signal?.throwIfAborted();
      this.select(made, { play, by });
      if (this.keepNext) this.keep();
      return made;
    });
  }

  /**
   * Ask the server for a sound. Where it lies may become known later.
   * @param {Recipe} recipe
   * @param {import("./api.js").Asking} asking
   */
  async fetch(recipe, asking) {
    const { genres } = this.info;
    if (recipe.kind === "file") {
      const moved = (recipe.source.shifts ?? []).some((/** @type {number} */ shift) => shift !== 0);
      return sound(recipe, await getWav(recipe, asking), moved ? null : /** @type {any} */ (recipe).place, genres);
    }
    if (recipe.source?.point !== undefined && recipe.source.genre === undefined) {
      // A place has the genre of what lies around it; said in the recipe, a link brings back the same.
      const { genre } = await getPlace(recipe, asking);
      recipe = { ...recipe, source: { ...recipe.source, genre } };
    }
    const made = sound(recipe, await getWav(recipe, asking), null, genres);
    if (recipe.run === this.info.run) this.locate(made); // the maps of another run are not shown
    return made;
  }

  /**
   * Find out where a sound lies, when it is heard already: that is the less urgent of the two.
   * @param {Sound} made
   */
  async locate(made) {
    try {
      made.place = await getPlace(made.recipe);
      this.tell("place", made);
    } catch {
      // the sound is there all the same
    }
  }

  /**
   * Make a sound on the way, as soon as the one before it is there, without a trace in the history.
   * @param {Recipe} recipe
   * @param {string} by
   */
  audition(recipe, by = "") {
    if (this.pending === null) this.make(recipe, { keep: false, by });
    else this.next = { recipe, keep: false, by };
  }

  /** Let what was auditioned last stay in the history. */
  keepLatest() {
    if (this.next !== null) this.next.keep = true;
    else if (this.pending !== null) this.keepNext = true;
    else if (this.fresh) this.keep();
  }

  keep() {
    this.fresh = false;
    this.tell("keep", this.current);
  }

  /**
   * Make a sound that is there already the current one.
   * @param {Sound} sound
   * @param {{ play?: boolean, from?: number, by?: string }} how
   */
  select(sound, { play = true, from = 0, by = "" } = {}) {
    this.fresh = true;
    this.current = sound;
    this.tell("sound", { sound, play, from, by });
    if (sound.place) this.tell("place", sound);
  }

  /**
   * Let a sound be heard that was made without being heard, and keep it the first time. What is being made goes on.
   * @param {Sound} sound
   * @param {boolean} keep
   */
  hear(sound, keep) {
    this.select(sound);
    if (keep) this.keep();
    this.fresh = false;
  }

  /**
   * Make one of the history current again.
   * @param {Sound} sound
   * @param {{ play?: boolean, from?: number, by?: string }} [how]
   */
  replay(sound, how) {
    if (this.pending !== null) this.cancel();
    this.select(sound, how);
    this.fresh = false;
  }
}
