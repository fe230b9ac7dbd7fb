// The set: what lies on the pads, and the beat. It is kept in the browser, and can be saved as a file and opened again.

import { $, download } from "./dom.js";
import { keepSet, keptSet, kept } from "./library.js";
import { readWav, writeWav } from "./wav.js";

const FORMAT = "genvae-set-1";
const MOST = 64 << 20; // bytes of a file

export class SetFile {
  /**
   * @param {import("./pads.js").Pads} pads
   * @param {import("./sequencer.js").Sequencer} sequencer
   * @param {{ say: (text: string) => void, fault: (text: string) => void }} told
   */
  constructor(pads, sequencer, { say, fault }) {
    this.pads = pads;
    this.sequencer = sequencer;
    this.say = say;
    this.fault = fault;
    const keep = () => keepSet("current", { ...this.beat(), slots: pads.slots.map((slot) => slot && { ...slot, sound: kept(slot.sound) }) });
    pads.addEventListener("change", keep);
    sequencer.addEventListener("change", keep);
    $("set-save").addEventListener("click", () => this.save());
    $("set-open").addEventListener("change", () => this.open());
  }

  beat() {
    return { pattern: this.sequencer.pattern, ...this.sequencer.timing };
  }

  /** Bring back what was kept in the browser. */
  async restore() {
    const set = await keptSet("current");
    if (!set) return;
    const slots = set.slots.map((/** @type {any} */ slot) => slot && { ...slot, sound: slot.sound.wav ? { ...slot.sound, ...readWav(slot.sound.wav) } : slot.sound });
    this.sequencer.load(set);
    this.pads.load(slots);
  }

  async save() {
    const slots = await Promise.all(this.pads.slots.map(async (slot) => {
      if (slot === null) return null;
      const { name, genre, genreIndex, wav, samples, rate, recipe } = slot.sound;
      const { file, place, ...plain } = recipe;
      const bytes = new Uint8Array(wav ?? await writeWav(samples, rate).arrayBuffer());
      return { name, genre, genreIndex, recipe: plain, semitones: slot.semitones, wav: toBase64(bytes) };
    }));
    const text = JSON.stringify({ format: FORMAT, ...this.beat(), slots });
    download(new Blob([text], { type: "application/json" }), "genvae-set.json");
    this.say("Saved the pads and the beat as genvae-set.json.");
  }

  async open() {
    const [file] = $("set-open").files;
    $("set-open").value = "";
    if (!file) return;
    try {
      if (file.size > MOST) throw new Error("it is too large");
      const set = JSON.parse(await file.text());
      if (set?.format !== FORMAT || !Array.isArray(set.slots)) throw new Error("it is no set of genvae's pads");
      const slots = set.slots.map((/** @type {any} */ slot) => {
        if (slot === null) return null;
        const wav = fromBase64(slot.wav).buffer;
        const semitones = Math.min(12, Math.max(-12, Number(slot.semitones) || 0));
        const sound = { id: "", name: String(slot.name), genre: String(slot.genre), genreIndex: Number(slot.genreIndex) || 0, recipe: slot.recipe, wav, ...readWav(wav) };
        return { sound, semitones };
      });
      this.sequencer.load(set);
      this.pads.load(slots);
      this.say(`Opened ${file.name}.`);
    } catch (error) {
      const why = error instanceof SyntaxError ? "it is no JSON" : /** @type {Error} */ (error).message;
      this.fault(`${file.name} can't be opened: ${why}.`);
    }
  }
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/** @param {string} text */
const fromBase64 = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
