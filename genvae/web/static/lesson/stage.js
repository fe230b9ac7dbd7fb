// The sound that goes through the lesson: made, played, waited for, and told of in one place.

import { getHeard, getWav } from "../api.js";
import { $, icon } from "../dom.js";
import { Player } from "../player.js";
import { readWav } from "../wav.js";

/** @typedef {{ samples: Float32Array, rate: number }} Heard */

export class Stage extends EventTarget {
  /** @param {any} info */
  constructor(info) {
    super();
    this.info = info;
    this.seed = 1; // that the server drew the pictures of
    /** @type {any} */
    this.sound = null; // samples and rate
    /** @type {any} */
    this.told = null; // what the encoder says of it
    /** @type {AbortController | null} */
    this.pending = null;
    this.player = new Player({ moved: () => {}, changed: (playing) => this.label(playing) });
    this.label(false);
    $("hear").addEventListener("click", () => (this.player.playing ? this.player.stop() : this.play(this.sound)));
    $("another").addEventListener("click", () => {
      this.seed = crypto.getRandomValues(new Uint32Array(1))[0] >>> 1;
      this.load(true);
    });
    $("genre").addEventListener("change", () => this.load(true));
    $("quit").addEventListener("click", () => this.stop());
  }

  get genre() {
    return $("genre").value;
  }

  /** @param {boolean} playing */
  label(playing) {
    $("hear").setAttribute("aria-label", playing ? "Stop" : "Play the sound");
    $("hear").replaceChildren(icon(playing ? "stop" : "play"));
  }

  /**
   * Play samples.
   * @param {any} heard
   * @param {string} [what]
   */
  play(heard, what) {
    if (heard === null) return;
    this.player.play({ samples: heard.samples, rate: heard.rate });
    this.say(what ?? `The sound: ${this.genre}, seed ${this.seed}.`);
  }

  /** @param {string} text @param {boolean} [wrong] */
  say(text, wrong = false) {
    $("said").textContent = text;
    $("said").classList.toggle("error", wrong);
  }

  stop() {
    this.pending?.abort();
    this.pending = null;
    $("quit").hidden = true;
    this.say("Stopped.");
  }

  /**
   * Ask for something; the latest wish wins, and a wait is seen. Gives null where it failed or is no longer wanted.
   * @template T
   * @param {string} what
   * @param {(asking: import("../api.js").Asking) => Promise<T>} work
   * @returns {Promise<T | null>}
   */
  async wish(what, work) {
    this.pending?.abort();
    const mine = new AbortController();
    this.pending = mine;
    this.player.wakeIfAllowed();
    const slow = setTimeout(() => {
      this.say(`${what} …`);
      $("quit").hidden = false;
    }, 150);
    try {
      const made = await work({ signal: mine.signal });
      return this.pending === mine ? made : null;
    } catch (error) {
      if (this.pending === mine) this.say(/** @type {Error} */ (error).message, true);
      return null;
    } finally {
      clearTimeout(slow);
      if (this.pending === mine) {
        this.pending = null;
        $("quit").hidden = true;
      }
    }
  }

  /**
   * Ask for a wav file and play it.
   * @param {string} what
   * @param {(asking: import("../api.js").Asking) => Promise<ArrayBuffer>} ask
   * @returns {Promise<Heard | null>}
   */
  async hear(what, ask) {
    const wav = await this.wish(what, ask);
    if (wav === null) return null;
    const heard = readWav(wav);
    this.play(heard, `${what}.`);
    return heard;
  }

  /**
   * Hear a latent as the sound's genre.
   * @param {string} what
   * @param {number[]} latent
   */
  decode(what, latent) {
    const source = { genre: this.genre, seed: this.seed, latent };
    return this.hear(what, (asking) => getWav({ kind: "decoded", source, run: this.info.run }, asking));
  }

  /** The query of a sound of the lesson. @param {Record<string, string>} [more] */
  query(more = {}) {
    return new URLSearchParams({ genre: this.genre, seed: String(this.seed), run: this.info.run, ...more });
  }

  /** Make the sound, and let every step know. @param {boolean} play */
  async load(play) {
    const made = await this.wish(`Making ${this.genre}`, async (asking) => {
      const source = { genre: this.genre, seed: this.seed, index: 0, temperature: 1 };
      const wav = await getWav({ kind: "seed", source, vocoder: this.info.vocoders[0].name, run: this.info.run }, asking);
      return { wav, told: await getHeard(this.query(), asking) };
    });
    if (made === null) return;
    this.sound = readWav(made.wav);
    this.told = made.told;
    this.dispatchEvent(new Event("sound"));
    if (play) this.play(this.sound);
    else this.say(`One sound goes through all steps: ${this.genre}, seed ${this.seed}.`);
  }
}

/**
 * Let a slider act: on each move it draws, and when it rests it is heard. What it stands at is told beside it.
 * @param {string} id
 * @param {(value: number) => void} draw
 * @param {() => void} [rest]
 */
export function slider(id, draw, rest) {
  const input = $(id);
  input.addEventListener("input", () => {
    draw(Number(input.value));
    input.setAttribute("aria-valuetext", $(`${id}-value`).textContent); // what the number means
  });
  if (rest) input.addEventListener("change", rest);
}
