// Steps four to six: the numbers of the encoder, their clouds and what those cost, and draws from two priors.

import { getWav } from "../api.js";
import { $ } from "../dom.js";
import { Figure } from "./figure.js";
import { slider } from "./stage.js";

const REACH = 4; // of a bar

/** A draw from the standard normal (Box and Muller, 1958). */
export function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

/**
 * What the cloud of one number costs, in nats.
 * @param {number} mean
 * @param {number} deviation
 */
export const divergence = (mean, deviation) => 0.5 * (mean ** 2 + deviation ** 2 - Math.log(deviation ** 2) - 1);

/** @param {import("./stage.js").Stage} stage */
export function encoder(stage) {
  const figure = new Figure("latent");
  const pad = $("latent-pad");
  /** @type {number[]} */
  let latent = [];
  let chosen = 0;
  let changed = false;
  figure.svg.parentElement?.classList.add("over");
  figure.svg.after(pad); // over the picture, which it stands for
  const place = () => {
    pad.style.left = "0";
    pad.style.top = "0";
    pad.style.width = `${figure.svg.clientWidth}px`;
    pad.style.height = `${figure.svg.clientHeight}px`;
  };
  new ResizeObserver(place).observe(figure.svg);
  const draw = () => {
    if (latent.length === 0) return;
    figure.bars("bars", latent, -REACH, REACH);
    figure.bars("chosen", latent, -REACH, REACH, (i) => i === chosen);
    figure.line("zero", [0, 0], -REACH, REACH);
    const told = `Number ${chosen + 1} of ${latent.length}: ${latent[chosen].toFixed(2)}; the encoder wrote ${stage.told.mean[chosen].toFixed(2)}.`;
    pad.setAttribute("aria-valuenow", latent[chosen].toFixed(2));
    pad.setAttribute("aria-valuetext", told);
    $("latent-told").textContent = told;
  };
  const hear = () => {
    if (changed) stage.decode(`Number ${chosen + 1} at ${latent[chosen].toFixed(2)}`, latent);
    changed = false;
  };
  /** @param {number} value */
  const set = (value) => {
    latent[chosen] = Math.min(REACH, Math.max(-REACH, value));
    changed = true;
    draw();
  };
  /** @param {PointerEvent} event */
  const drag = ({ offsetX, offsetY }) => {
    chosen = Math.min(latent.length - 1, Math.max(0, Math.floor((offsetX / pad.clientWidth) * latent.length)));
    set(REACH - (2 * REACH * offsetY) / pad.clientHeight);
  };
  let heardAt = 0;
  pad.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    if (latent.length === 0) return;
    pad.setPointerCapture(event.pointerId);
    drag(event);
  });
  pad.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
    if (!pad.hasPointerCapture(event.pointerId)) return;
    const only = chosen;
    drag(event);
    if (only !== chosen) return;
    if (stage.pending === null && event.timeStamp - heardAt > 120) { // heard while it is dragged, one after the other
      heardAt = event.timeStamp;
      hear();
    }
  });
  pad.addEventListener("pointerup", hear);
  pad.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const last = latent.length - 1;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowLeft: () => { chosen = Math.max(0, chosen - 1); draw(); },
      ArrowRight: () => { chosen = Math.min(last, chosen + 1); draw(); },
      Home: () => { chosen = 0; draw(); },
      End: () => { chosen = last; draw(); },
      ArrowUp: () => set(latent[chosen] + 0.5),
      ArrowDown: () => set(latent[chosen] - 0.5),
    };
    if (last < 0 || !(event.key in keys)) return;
    keys[event.key]();
    event.preventDefault();
  });
  pad.addEventListener("keyup", hear);
  const reset = () => {
    latent = [...stage.told.mean];
    draw();
  };
  $("latent-reset").addEventListener("click", () => {
    reset();
    stage.decode("The sound again, from the numbers that the encoder wrote", latent);
  });
  stage.addEventListener("sound", reset);
}

/** @param {import("./stage.js").Stage} stage */
export function clouds(stage) {
  const [figure, cost] = [new Figure("cloud"), new Figure("cost")];
  const draw = () => {
    const [mean, width] = [Number($("cloud-mean").value), Number($("cloud-width").value)];
    const z = Array.from({ length: 240 }, (_, i) => -4 + (8 * i) / 239);
    const bell = (/** @type {number} */ m, /** @type {number} */ s) => z.map((each) => Math.exp(-0.5 * ((each - m) / s) ** 2) / (s * Math.sqrt(2 * Math.PI)));
    figure.line("truth", bell(0, 1), 0, 1.2);
    figure.line("alias", bell(mean, width), 0, 1.2);
    $("cloud-mean-value").textContent = mean.toFixed(1);
    $("cloud-width-value").textContent = width.toFixed(2);
    const nats = divergence(mean, width);
    $("cloud-told").textContent = `It costs ${nats.toFixed(2)} nats, ${(nats / Math.LN2).toFixed(2)} bits.`;
    figure.say(`The standard cloud, and one of mean ${mean.toFixed(1)} and width ${width.toFixed(2)}.`);
  };
  slider("cloud-mean", draw);
  slider("cloud-width", draw);
  $("cloud-draw").addEventListener("click", () => {
    const { mean, deviation } = stage.told;
    stage.decode("Another point of the cloud", mean.map((/** @type {number} */ m, /** @type {number} */ i) => m + deviation[i] * normal()));
  });
  stage.addEventListener("sound", () => {
    const nats = [...stage.told.nats].sort((a, b) => b - a);
    const total = nats.reduce((sum, each) => sum + each, 0);
    cost.bars("bars", nats, 0, nats[0]);
    $("cost-told").textContent = `This sound of ${stage.genre} costs ${total.toFixed(0)} nats (${(total / Math.LN2).toFixed(0)} bits) in all; ${nats.filter((each) => each < 0.1).length} of its ${nats.length} numbers cost less than a tenth of a nat.`;
  });
  draw();
}

/** @param {import("./stage.js").Stage} stage */
export function priors(stage) {
  const drawn = () => Number(crypto.getRandomValues(new Uint32Array(1))[0] >>> 1);
  $("prior-normal").addEventListener("click", () =>
    stage.decode("A draw of the standard normal", stage.told.latent.map(normal)));
  $("prior-fitted").addEventListener("click", () => {
    const source = { genre: stage.genre, seed: drawn(), index: 0, temperature: 1 };
    stage.hear("A draw of the fitted prior", (asking) => getWav({ kind: "decoded", source: { ...source, variations: [] }, run: stage.info.run }, asking));
  });
}

