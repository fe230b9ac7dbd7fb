// A pattern of sixteen steps at a tempo with swing: when each hit is due, and all of it as one recording.

export const STEPS = 16; // of a bar; four a beat

/**
 * @typedef {object} Hit
 * @property {number} pad
 * @property {number} step
 * @property {number} time  in seconds from the start
 */

/**
 * When a step begins, in seconds from the start. Swing makes each second one late, by up to half a step.
 * @param {number} step  counted on over bars
 * @param {{ tempo: number, swing: number }} timing  tempo in beats a minute, swing from 0 to 1
 */
export function stepTime(step, { tempo, swing }) {
  const length = 60 / tempo / 4;
  return length * (step + (step % 2 === 1 ? swing / 2 : 0));
}

/**
 * The hits of some bars in the order of time.
 * @param {boolean[][]} pattern  by pad and step
 * @param {{ tempo: number, swing: number }} timing
 * @param {number} bars
 * @returns {Hit[]}
 */
export function hits(pattern, timing, bars) {
  const found = [];
  for (let step = 0; step < bars * STEPS; step++) {
    pattern.forEach((row, pad) => { if (row[step % STEPS]) found.push({ pad, step, time: stepTime(step, timing) }); });
  }
  return found;
}

/**
 * The factor by which a sound is played faster to be so many semitones higher.
 * @param {number} semitones
 */
export const rateOf = (semitones) => 2 ** (semitones / 12);

/**
 * Some bars of a pattern as one recording, with what still sounds at its end.
 * @param {boolean[][]} pattern
 * @param {{ tempo: number, swing: number }} timing
 * @param {number} bars
 * @param {({ samples: Float32Array, rate: number, semitones: number } | null)[]} sounds  by pad
 */
export async function render(pattern, timing, bars, sounds) {
  const rate = Math.max(...sounds.map((sound) => sound?.rate ?? 0), 8000);
  const tail = Math.max(0, ...sounds.map((sound) => (sound ? sound.samples.length / sound.rate / rateOf(sound.semitones) : 0)));
  const seconds = stepTime(bars * STEPS, timing) + tail;
  const context = new OfflineAudioContext(1, Math.ceil(seconds * rate), rate);
  const buffers = sounds.map((sound) => {
    if (sound === null) return null;
    const buffer = context.createBuffer(1, sound.samples.length, sound.rate);
    buffer.copyToChannel(/** @type {any} */ (sound.samples), 0);
    return buffer;
  });
  for (const { pad, time } of hits(pattern, timing, bars)) {
    const sound = sounds[pad];
    if (!sound) continue;
    const source = new AudioBufferSourceNode(context, { buffer: buffers[pad], playbackRate: rateOf(sound.semitones) });
    source.connect(context.destination);
    source.start(time);
  }
  const samples = (await context.startRendering()).getChannelData(0);
  const peak = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
  return { samples: peak > 1 ? samples.map((sample) => (0.99 * sample) / peak) : samples, rate };
}
