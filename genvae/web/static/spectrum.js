// The short-time Fourier transform: a radix-2 FFT and the levels of a sound over time and frequency.

const tables = new Map();

/** The twiddle factors, bit reversal and Hann window for a size that is a power of two. */
function prepare(size) {
  if (tables.has(size)) return tables.get(size);
  const cos = new Float64Array(size / 2);
  const sin = new Float64Array(size / 2);
  const window = new Float64Array(size);
  const reversed = new Uint32Array(size);
  for (let i = 0; i < size / 2; i++) {
    cos[i] = Math.cos((2 * Math.PI * i) / size);
    sin[i] = -Math.sin((2 * Math.PI * i) / size);
  }
  for (let i = 0; i < size; i++) {
    window[i] = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / size);
    reversed[i] = (reversed[i >> 1] >> 1) | (i & 1 ? size >> 1 : 0);
  }
  const made = { cos, sin, window, reversed };
  tables.set(size, made);
  return made;
}

/** The Fourier transform of `re` + i `im` in place. */
function transform(re, im, { cos, sin }) {
  const size = re.length;
  for (let half = 1; half < size; half *= 2) {
    const step = size / (2 * half);
    for (let start = 0; start < size; start += 2 * half) {
      for (let k = 0; k < half; k++) {
        const a = start + k;
        const b = a + half;
        const x = re[b] * cos[k * step] - im[b] * sin[k * step];
        const y = re[b] * sin[k * step] + im[b] * cos[k * step];
        re[b] = re[a] - x;
        im[b] = im[a] - y;
        re[a] += x;
        im[a] += y;
      }
    }
  }
}

/**
 * The Fourier transform of `re` + i `im`, whose length is a power of two.
 * @param {Float64Array} re
 * @param {Float64Array} im
 */
export function fourier(re, im) {
  const table = prepare(re.length);
  const [real, imaginary] = [new Float64Array(re.length), new Float64Array(re.length)];
  for (let i = 0; i < re.length; i++) {
    real[table.reversed[i]] = re[i];
    imaginary[table.reversed[i]] = im[i];
  }
  transform(real, imaginary, table);
  return { re: real, im: imaginary };
}

/**
 * Levels in dB below the loudest (a power, which is given too), frame by frame with `size / 2` bins each; frame f is centred on sample f * hop.
 *
 * Two real frames go through one complex transform: their spectra are its even and odd parts.
 * @param {Float32Array} samples
 * @param {{ size?: number, hop?: number, fades?: boolean }} options  fades: whether the window is Hann's, or cut hard
 */
export function spectrogram(samples, { size = 1024, hop = 64, fades = true } = {}) {
  const table = prepare(size);
  const { reversed } = table;
  const window = fades ? table.window : new Float64Array(size).fill(1);
  const frames = Math.floor(samples.length / hop) + 1;
  const bins = size / 2;
  const levels = new Float32Array(frames * bins);
  const re = new Float64Array(size);
  const im = new Float64Array(size);
  const padded = new Float32Array(samples.length + 2 * size);
  padded.set(samples, size / 2);
  let loudest = 1e-20;
  for (let frame = 0; frame < frames; frame += 2) {
    const both = frame + 1 < frames;
    const start = frame * hop;
    for (let i = 0; i < size; i++) {
      re[reversed[i]] = padded[start + i] * window[i];
      im[reversed[i]] = both ? padded[start + hop + i] * window[i] : 0;
    }
    transform(re, im, table);
    for (let bin = 0; bin < bins; bin++) {
      const mirror = (size - bin) % size;
      const sumRe = re[bin] + re[mirror];
      const sumIm = im[bin] - im[mirror];
      const differenceRe = re[bin] - re[mirror];
      const differenceIm = im[bin] + im[mirror];
      const first = (sumRe * sumRe + sumIm * sumIm) / 4;
      levels[frame * bins + bin] = first;
      if (first > loudest) loudest = first;
      if (!both) continue;
      const second = (differenceRe * differenceRe + differenceIm * differenceIm) / 4;
      levels[(frame + 1) * bins + bin] = second;
      if (second > loudest) loudest = second;
    }
  }
  for (let i = 0; i < levels.length; i++) levels[i] = 10 * Math.log10(levels[i] / loudest + 1e-12);
  return { levels, frames, bins, size, hop, loudest };
}
