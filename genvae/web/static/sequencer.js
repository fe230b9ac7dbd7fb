// The step sequencer: a row for each pad that holds a sound, played at a tempo with swing, recorded to one wav file.

import { render, STEPS, stepTime } from "./beat.js";
import { $, download, el, icon } from "./dom.js";
import { PADS } from "./pads.js";
import { writeWav } from "./wav.js";

const AHEAD = 0.15; // seconds that hits are handed to the sound card before they are due
const EVERY = 40; // ms
const BARS = 4; // of a recording

export class Sequencer extends EventTarget {
  /**
   * Events: `change` when the pattern or its timing does.
   * @param {import("./player.js").Player} player
   * @param {import("./pads.js").Pads} pads
   * @param {{ say: (text: string) => void }} told
   */
  constructor(player, pads, { say }) {
    super();
    this.player = player;
    this.pads = pads;
    this.say = say;
    this.pattern = Array.from({ length: PADS }, () => Array(STEPS).fill(false));
    this.timer = 0;
    this.step = 0;
    this.began = 0;
    this.label();
    $("beat-play").addEventListener("click", () => (this.timer ? this.stop() : this.start()));
    $("beat-record").addEventListener("click", () => this.record());
    for (const id of ["tempo", "swing"]) $(id).addEventListener("input", () => this.retime());
    pads.addEventListener("change", () => this.draw());
    this.draw();
  }

  get timing() {
    return { tempo: Math.min(240, Math.max(40, Number($("tempo").value) || 120)), swing: Number($("swing").value) };
  }

  /** @param {{ pattern?: boolean[][], tempo?: number, swing?: number }} kept */
  load({ pattern, tempo, swing }) {
    if (pattern) this.pattern = this.pattern.map((row, pad) => row.map((_, step) => Boolean(pattern[pad]?.[step])));
    if (tempo) $("tempo").value = tempo;
    if (swing !== undefined) $("swing").value = swing;
    this.draw();
  }

  /** Go on at another tempo from the step that is next. */
  retime() {
    if (this.timer && this.player.context) this.began = this.player.context.currentTime + 0.05 - stepTime(this.step, this.timing);
    this.dispatchEvent(new Event("change"));
  }

  start() {
    const context = this.player.wake();
    this.step = 0;
    this.began = context.currentTime + 0.06;
    const tick = () => {
      for (; this.began + stepTime(this.step, this.timing) < context.currentTime + AHEAD; this.step++) {
        const when = this.began + stepTime(this.step, this.timing);
        this.pattern.forEach((row, pad) => { if (row[this.step % STEPS]) this.pads.hit(pad, { when, choose: false }); });
        const column = this.step % STEPS;
        setTimeout(() => this.mark(column), Math.max(0, 1000 * (when - context.currentTime)));
      }
    };
    this.timer = window.setInterval(tick, EVERY);
    tick();
    this.label();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.mark(-1);
    this.label();
  }

  label() {
    const name = this.timer ? "Stop the beat" : "Play the beat";
    $("beat-play").setAttribute("aria-label", name);
    $("beat-play").title = name;
    $("beat-play").replaceChildren(icon(this.timer ? "stop" : "play"));
  }

  /** @param {number} column */
  mark(column) {
    for (const cell of $("beat").querySelectorAll(".cell")) cell.classList.toggle("now", this.timer !== 0 && Number(cell.dataset.step) === column);
  }

  async record() {
    const sounds = this.pads.slots.map((slot) => slot && { samples: slot.sound.samples, rate: slot.sound.rate, semitones: slot.semitones });
    const { samples, rate } = await render(this.pattern, this.timing, BARS, sounds);
    download(writeWav(samples, rate), `genvae-beat-${this.timing.tempo}bpm.wav`);
    this.say(`Recorded ${BARS} bars at ${this.timing.tempo} beats a minute.`);
  }

  draw() {
    const filled = this.pads.slots.flatMap((slot, pad) => (slot ? [pad] : []));
    $("beat").replaceChildren(...filled.map((pad) => this.row(pad)));
    $("beat-none").hidden = filled.length > 0;
    const any = filled.some((pad) => this.pattern[pad].includes(true));
    $("beat-record").disabled = !any;
    $("beat-play").disabled = !any && !this.timer;
    if (!any && this.timer) this.stop();
  }

  /** @param {number} pad */
  row(pad) {
    const { name } = /** @type {any} */ (this.pads.slots[pad]).sound;
    const cells = this.pattern[pad].map((on, step) => {
      const cell = el("button", { type: "button", class: step % 4 === 0 ? "cell first" : "cell", "data-step": String(step),
        "aria-label": `Step ${step + 1} of pad ${pad + 1}`, "aria-pressed": String(on) });
      cell.addEventListener("click", () => this.toggle(pad, step, cell));
      return cell;
    });
    return el("div", { class: "beat-row", role: "group", "aria-label": `Pad ${pad + 1}: ${name}` },
      el("span", { class: "beat-name", title: name, "aria-hidden": "true" }, `${pad + 1} ${name}`), ...cells);
  }

  /**
   * @param {number} pad
   * @param {number} step
   * @param {HTMLElement} cell
   */
  toggle(pad, step, cell) {
    const on = !this.pattern[pad][step];
    this.pattern[pad][step] = on;
    cell.setAttribute("aria-pressed", String(on));
    const any = this.pattern.some((row, index) => this.pads.slots[index] && row.includes(true));
    $("beat-record").disabled = !any;
    $("beat-play").disabled = !any && !this.timer;
    this.dispatchEvent(new Event("change"));
  }
}
