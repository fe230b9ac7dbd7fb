// The sound that is heard and how it is made: recipes go in, sounds come out, and the latest wish wins.

import { getPlace, getWav, reconstructFile } from "./api.js";
import { recipeName } from "./recipes.js";
import { readWav } from "./wav.js";

let count = 0;

/** What is known of a sound: its recipe, samples, rate and wav file (or none), and where it lies once that is known. */
export function sound(recipe, heard, place, genres) {
  const genre = place?.genre ?? (recipe.source ?? recipe.start).genre;
  const { temperature } = recipe.source ?? {};
  return {
    ...(heard instanceof ArrayBuffer ? { ...readWav(heard), wav: heard } : { ...heard, wav: null }), recipe, place, genre, id: ++count, pinned: false, name: recipeName(recipe),
    detail: [recipe.vocoder, ...(temperature !== undefined && temperature !== 1 ? [`temperature ${temperature}`] : [])].join(", "),
    genreIndex: genres.indexOf(genre),
  };
}

export class Studio extends EventTarget {
  /**
   * Events: `sound` when another sound is current (detail: { play }), `place` when it is known where it lies,
   * `keep` when it shall stay in the history, `busy` with whether something is being made, `fault` with an error.
   */
  constructor(info) {
    super();
    this.info = info;
    this.current = null;
    this.fresh = false; // the current sound is not in the history
    this.pending = null; // AbortController of what is being made
    this.next = null; // what to audition after that
  }

  tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** Make a sound and let it be heard; what was still being made is dropped. Resolves to it, or to null. */
  async make(recipe, { keep = true, play = true } = {}) {
    this.next = null;
    this.pending?.abort();
    const mine = new AbortController();
    this.pending = mine;
    this.keepNext = keep;
    this.tell("busy", recipe);
    try {
      const made = await this.fetch(recipe, mine.signal);
      if (this.pending !== mine) return null;
      this.select(made, { play });
      if (this.keepNext) this.keep();
      made.placed?.then((place) => {
        made.place = place;
        if (this.current === made) this.tell("place", made);
      }, () => {});
      return made;
    } catch (error) {
      if (error.name !== "AbortError" && this.pending === mine) this.tell("fault", error);
      return null;
    } finally {
      if (this.pending === mine) {
        this.pending = null;
        this.tell("busy", null);
        const { next } = this;
        if (next !== null) this.make(next.recipe, { keep: next.keep });
      }
    }
  }

  async fetch(recipe, signal) {
    const { genres } = this.info;
    if (recipe.file !== undefined) {
      const wav = await reconstructFile(recipe.file, recipe.source.genre, recipe.vocoder);
      return sound(recipe, wav, recipe.place, genres);
    }
    const placed = getPlace(recipe, signal);
    placed.catch(() => {}); // it is looked at below, or when the sound is there already
    if (recipe.kind !== "path" && recipe.source.genre === undefined) {
      // A place has the genre of what lies around it; said in the recipe, a link brings back the same.
      recipe = { ...recipe, source: { ...recipe.source, genre: (await placed).genre } };
    }
    const made = sound(recipe, await getWav(recipe, signal), null, genres);
    made.placed = placed;
    return made;
  }

  /** Make a sound on the way, as soon as the one before it is there, without a trace in the history. */
  audition(recipe) {
    if (this.pending === null) this.make(recipe, { keep: false });
    else this.next = { recipe, keep: false };
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

  /** Make a sound that is there already the current one. */
  select(sound, { play = true, from = 0 } = {}) {
    this.fresh = true;
    this.current = sound;
    this.tell("sound", { sound, play, from });
    if (sound.place) this.tell("place", sound);
  }

  /** Make one of the history current again. */
  replay(sound, options) {
    this.select(sound, options);
    this.fresh = false;
  }
}
