// The first three steps: sampling, the Fourier transform, the short-time Fourier transform.

import { $, breathe } from "../dom.js";
import { Picture } from "../picture.js";
import { fourier, spectrogram } from "../spectrum.js";
import { Figure } from "./figure.js";
import { slider } from "./stage.js";

const SHOWN = 0.004; // seconds of the tone
const PIECE = 0.02; // seconds of the sound

/**
 * What is heard of a tone that is sampled without a filter, with its sign turned where its phase is.
 * @param {number} hertz
 * @param {number} rate
 */
export const alias = (hertz, rate) => hertz - rate * Math.round(hertz / rate);

/** @param {number} value */
const whole = (value) => Math.round(value).toLocaleString("en");

/** @param {import("./stage.js").Stage} stage */
export function sampling(stage) {
  const figure = new Figure("sampling");
  const at = () => ({ rate: Number($("sampling-rate").value), tone: Number($("sampling-tone").value) });
  const draw = () => {
    const { rate, tone } = at();
    const heard = alias(tone, rate);
    const wave = (/** @type {number} */ hertz) => Float64Array.from({ length: 500 }, (_, i) => Math.sin((2 * Math.PI * hertz * SHOWN * i) / 499));
    figure.line("truth", wave(tone), -1, 1);
    figure.line("alias", wave(heard), -1, 1);
    const dots = Array.from({ length: Math.floor(SHOWN * rate) + 1 }, (_, i) => [i / rate, Math.sin((2 * Math.PI * tone * i) / rate)]);
    figure.dots("dots", dots, [0, SHOWN], [-1, 1]);
    $("sampling-rate-value").textContent = `${whole(rate)} Hz`;
    $("sampling-tone-value").textContent = `${whole(tone)} Hz`;
    const kept = tone < rate / 2;
    const told = kept
      ? `${whole(tone)} Hz lies below the Nyquist frequency, ${whole(rate / 2)} Hz, and is kept.`
      : `${whole(tone)} Hz lies above the Nyquist frequency, ${whole(rate / 2)} Hz, and is heard as ${whole(Math.abs(heard))} Hz.`;
    $("sampling-told").textContent = told;
    figure.say(`A tone of ${whole(tone)} Hz sampled ${whole(rate)} times a second. ${told}`);
  };
  const hear = () => {
    const { rate, tone } = at();
    const samples = Float32Array.from({ length: Math.round(0.7 * rate) }, (_, i, n = 0.7 * rate) => 0.25 * Math.sin((2 * Math.PI * tone * i) / rate) * Math.min(1, i / (0.01 * rate), (n - i) / (0.01 * rate)));
    stage.play({ samples, rate }, $("sampling-told").textContent);
  };
  slider("sampling-rate", draw, hear);
  slider("sampling-tone", draw, hear);
  $("sampling-hear").addEventListener("click", hear);
  $("sampling-sound").addEventListener("click", () => {
    const { rate } = at();
    const { samples, rate: own } = stage.sound;
    const kept = Float32Array.from({ length: Math.floor((samples.length * rate) / own) }, (_, i) => between(samples, (i * own) / rate));
    stage.play({ samples: kept, rate }, `The sound with ${whole(rate)} samples a second, and no filter before.`);
  });
  draw();
}

/** @param {Float32Array} samples @param {number} at */
function between(samples, at) {
  const low = Math.min(samples.length - 2, Math.floor(at));
  return samples[low] + (at - low) * (samples[low + 1] - samples[low]);
}

/**
 * The strongest sines of a sound, one after the other.
 */
export class Sines {
  /** @param {Float32Array} samples */
  constructor(samples) {
    this.length = samples.length;
    let size = 1;
    while (size < samples.length) size *= 2;
    const re = new Float64Array(size);
    re.set(samples);
    this.spectrum = fourier(re, new Float64Array(size));
    const { re: real, im } = this.spectrum;
    const power = Float64Array.from({ length: size / 2 + 1 }, (_, k) => (k % (size / 2) ? 2 : 1) * (real[k] ** 2 + im[k] ** 2));
    this.order = Uint32Array.from(power.keys()).sort((a, b) => power[b] - power[a]);
    this.power = power;
    this.total = power.reduce((sum, each) => sum + each, 0) || 1;
  }

  get count() {
    return this.order.length;
  }

  /**
   * The sum of the strongest ones, and which part of the power they hold.
   * @param {number} count
   */
  sum(count) {
    const size = this.spectrum.re.length;
    const [re, im] = [new Float64Array(size), new Float64Array(size)];
    let power = 0;
    for (const k of this.order.subarray(0, count)) {
      for (const at of new Set([k, (size - k) % size])) {
        re[at] = this.spectrum.re[at];
        im[at] = -this.spectrum.im[at]; // the inverse is the transform of the conjugate
      }
      power += this.power[k];
    }
    const back = fourier(re, im).re;
    return { samples: Float32Array.from({ length: this.length }, (_, i) => back[i] / size), part: power / this.total };
  }
}

/** @param {import("./stage.js").Stage} stage */
export function sines(stage) {
  const figure = new Figure("sines");
  /** @type {any} */
  let made = null;
  /** @type {any} */
  let sum = null;
  // The slider's hundred steps go from 1 to all of them in equal ratios.
  const count = () => Math.round(made.count ** (Number($("sines-count").value) / 100));
  const draw = () => {
    if (made === null) return;
    const { samples, rate } = stage.sound;
    sum = made.sum(count());
    const [from, length] = [loudest(samples, Math.round(PIECE * rate)), Math.round(PIECE * rate)];
    const piece = samples.subarray(from, from + length);
    const most = piece.reduce((/** @type {number} */ peak, /** @type {number} */ each) => Math.max(peak, Math.abs(each)), 1e-6);
    figure.line("truth", piece, -most, most);
    figure.line("alias", sum.samples.subarray(from, from + length), -most, most);
    $("sines-count-value").textContent = whole(count());
    $("sines-told").textContent = `${whole(count())} of ${whole(made.count)} sines hold ${(100 * sum.part).toFixed(1)} % of the power.`;
    figure.say(`20 ms of the sound, and the sum of its ${whole(count())} strongest sines.`);
  };
  const hear = () => {
    if (sum === null) return;
    const peak = sum.samples.reduce((/** @type {number} */ most, /** @type {number} */ each) => Math.max(most, Math.abs(each)), 1);
    stage.play({ samples: sum.samples.map((/** @type {number} */ each) => each / peak), rate: stage.sound.rate }, $("sines-told").textContent);
  };
  slider("sines-count", draw, hear);
  $("sines-hear").addEventListener("click", hear);
  stage.addEventListener("sound", async () => {
    made = null;
    const { sound } = stage;
    await breathe();
    if (sound !== stage.sound) return;
    made = new Sines(sound.samples);
    draw();
  });
}

/** Where the loudest stretch of so many samples begins. @param {Float32Array} samples @param {number} length */
function loudest(samples, length) {
  let power = 0;
  let [best, most] = [0, -1];
  for (let i = 0; i < samples.length; i++) {
    power += samples[i] ** 2 - (i >= length ? samples[i - length] ** 2 : 0);
    if (i >= length - 1 && power > most) [best, most] = [i - length + 1, power];
  }
  return best;
}

/** @param {import("./stage.js").Stage} stage */
export function shortTime(stage) {
  const picture = new Picture($("stft-picture"));
  const draw = () => {
    const size = 2 ** Number($("stft-size").value);
    const sound = stage.sound;
    $("stft-size-value").textContent = `${size} samples`;
    if (sound === null) return;
    const { samples, rate } = sound;
    const hop = Math.max(32, size / 4);
    const spectrum = spectrogram(samples, { size, hop, fades: $("stft-window").value === "hann" });
    const padded = $("stft-padding").value === "zeros";
    let frames = 0;
    for (let frame = 0; frame < spectrum.frames; frame++) {
      const inside = frame * hop >= size / 2 && frame * hop + size / 2 <= samples.length;
      if (padded || inside) frames++;
      else spectrum.levels.fill(-200, frame * spectrum.bins, (frame + 1) * spectrum.bins);
    }
    if ($("stft-scale").value === "plain") spectrum.levels = spectrum.levels.map((level) => -80 * (1 - 10 ** (level / 20)));
    picture.show({ samples, rate, spectrum });
    const told = `Tones are told apart from ${(2 * rate / size).toFixed(0)} Hz on, and a click is smeared over ${(1000 * size / rate).toFixed(0)} ms. ${whole(frames)} windows.`;
    $("stft-told").textContent = told;
    $("stft-picture").setAttribute("aria-label", `Spectrogram of the sound with a window of ${size} samples. ${told}`);
  };
  slider("stft-size", draw);
  for (const id of ["stft-window", "stft-padding", "stft-scale"]) $(id).addEventListener("change", draw);
  stage.addEventListener("sound", draw);
  document.querySelector('#stft-figure [data-figure="spectrogram"]')?.remove();
  draw();
}
