// Sixteen pads that play kept sounds at once: by touch, by keys, by MIDI; each at a pitch.

import { rateOf } from "./beat.js";
import { genreColour } from "./colours.js";
import { $, el } from "./dom.js";

export const PADS = 16;
const KEYS = "1234qwerasdfzxcv"; // as they lie on the keyboard
const ROW = "zsxdcvgbhnjm"; // two rows of keys as a piano's, from C
const LOWEST_NOTE = 36; // of MIDI: where pads begin
const MIDDLE_C = 60;

/** @typedef {{ sound: any, semitones: number } | null} Slot */

export class Pads extends EventTarget {
  /**
   * Events: `change` when a pad holds another sound or pitch.
   * @param {import("./player.js").Player} player
   * @param {{ find: (id: string) => any }} history
   */
  constructor(player, history) {
    super();
    this.player = player;
    this.history = history;
    /** @type {Slot[]} */
    this.slots = Array(PADS).fill(null);
    this.chosen = 0;
    this.buttons = this.slots.map((_, index) => el("button", { type: "button", class: "pad",
      pointerdown: (/** @type {PointerEvent} */ event) => { if (event.button === 0) this.hit(index); },
      click: (/** @type {MouseEvent} */ event) => { if (event.detail === 0) this.hit(index); }, // by keyboard or screen reader
      dragover: (/** @type {DragEvent} */ event) => { if (event.dataTransfer?.types.includes("application/x-genvae-sound")) event.preventDefault(); },
      drop: (/** @type {DragEvent} */ event) => this.dropped(event, index) },
      el("kbd", { "aria-hidden": "true" }, KEYS[index].toUpperCase()), el("span", { class: "pad-name" })));
    $("pad-grid").replaceChildren(...this.buttons);
    $("pad-pitch").addEventListener("input", () => this.tune(Number($("pad-pitch").value)));
    $("pad-clear").addEventListener("click", () => this.put(this.chosen, null));
    this.listenToMidi();
    this.draw();
  }

  /**
   * Put a sound on a pad, or on the first free one.
   * @param {number | null} index
   * @param {any} sound
   */
  put(index, sound) {
    const free = this.slots.findIndex((slot) => slot === null);
    const at = index ?? (free < 0 ? this.chosen : free);
    this.slots[at] = sound && { sound, semitones: 0 };
    this.chosen = at;
    this.changed();
    return at;
  }

  /** @param {Slot[]} slots */
  load(slots) {
    this.slots = Array.from({ length: PADS }, (_, index) => slots[index] ?? null);
    this.changed();
  }

  /** @param {number} semitones */
  tune(semitones) {
    const slot = this.slots[this.chosen];
    if (slot === null) return;
    slot.semitones = semitones;
    this.changed();
  }

  changed() {
    this.draw();
    this.dispatchEvent(new Event("change"));
  }

  /**
   * Play a pad, and make it the chosen one.
   * @param {number} index
   * @param {{ semitones?: number, when?: number, choose?: boolean }} how  when: in the time of the sound card
   */
  hit(index, { semitones = 0, when = 0, choose = true } = {}) {
    if (choose && this.chosen !== index) {
      this.chosen = index;
      this.draw();
    }
    const slot = this.slots[index];
    if (slot === null) return null;
    const context = this.player.wake();
    const { sound } = slot;
    if (sound.buffer === undefined) {
      sound.buffer = context.createBuffer(1, sound.samples.length, sound.rate);
      sound.buffer.copyToChannel(sound.samples, 0);
    }
    const source = new AudioBufferSourceNode(context, { buffer: sound.buffer, playbackRate: rateOf(slot.semitones + semitones) });
    source.connect(/** @type {GainNode} */ (this.player.master));
    source.start(when);
    const button = this.buttons[index];
    button.classList.add("hit");
    setTimeout(() => button.classList.remove("hit"), Math.max(0, 1000 * (when - context.currentTime)) + 120);
    return source;
  }

  /**
   * Take a single key where it is meant for the pads; whether it was.
   * @param {string} key
   */
  key(key) {
    const mode = $("pad-keys").value;
    const at = mode === "pads" ? KEYS.indexOf(key) : mode === "pitches" ? ROW.indexOf(key) : -1;
    if (at < 0 || key.length !== 1) return false;
    if (mode === "pads") this.hit(at);
    else this.hit(this.chosen, { semitones: at });
    return true;
  }

  /**
   * @param {DragEvent} event
   * @param {number} index
   */
  dropped(event, index) {
    const sound = this.history.find(event.dataTransfer?.getData("application/x-genvae-sound") ?? "");
    if (!sound) return;
    event.preventDefault();
    event.stopPropagation();
    this.put(index, sound);
  }

  listenToMidi() {
    const midi = $("midi");
    midi.hidden = !("requestMIDIAccess" in navigator);
    midi.addEventListener("click", async () => {
      try {
        const access = await navigator.requestMIDIAccess();
        const attach = () => { for (const input of access.inputs.values()) input.onmidimessage = (event) => this.midi(event.data); };
        access.onstatechange = attach;
        attach();
        const names = [...access.inputs.values()].map(({ name }) => name);
        $("midi-state").textContent = names.length ? `Listening to ${names.join(", ")}.` : "No MIDI device is connected yet.";
      } catch {
        $("midi-state").textContent = "The browser does not allow MIDI here.";
      }
    });
  }

  /**
   * What a MIDI device sends: a note with a velocity plays a pad, or the chosen one at a pitch.
   * @param {Uint8Array | null} data
   */
  midi(data) {
    if (data === null || (data[0] & 0xf0) !== 0x90 || data[2] === 0) return;
    if ($("pad-keys").value === "pitches") this.hit(this.chosen, { semitones: data[1] - MIDDLE_C });
    else if (data[1] >= LOWEST_NOTE && data[1] < LOWEST_NOTE + PADS) this.hit(data[1] - LOWEST_NOTE);
  }

  draw() {
    this.buttons.forEach((button, index) => {
      const slot = this.slots[index];
      button.classList.toggle("filled", slot !== null);
      button.style.setProperty("--g", slot ? genreColour(Math.max(0, slot.sound.genreIndex)) : "");
      button.setAttribute("aria-label", `Pad ${index + 1}: ${slot ? slot.sound.name : "empty"}`);
      button.setAttribute("aria-pressed", String(index === this.chosen));
      button.querySelector(".pad-name").textContent = slot ? slot.sound.name : "";
    });
    const slot = this.slots[this.chosen];
    $("pad-chosen").textContent = `Pad ${this.chosen + 1}: ${slot ? slot.sound.name : "empty"}`;
    $("pad-pitch").disabled = slot === null;
    $("pad-clear").disabled = slot === null;
    $("pad-pitch").value = slot?.semitones ?? 0;
    $("pad-semitones").textContent = String(slot?.semitones ?? 0).replace("-", "−");
  }
}
