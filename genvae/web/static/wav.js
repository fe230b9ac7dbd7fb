// Reads the wav files that the server makes, and writes such files: mono, 16 bits.

/**
 * The samples within ±1 of a wav file, and their rate in Hz.
 * @param {ArrayBuffer} buffer
 */
export function readWav(buffer) {
  const view = new DataView(buffer);
  const name = (/** @type {number} */ at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
  let rate = 0;
  for (let at = 12; at + 8 <= buffer.byteLength; ) {
    const size = view.getUint32(at + 4, true);
    if (name(at) === "fmt ") rate = view.getUint32(at + 12, true);
    if (name(at) === "data") {
      const samples = new Float32Array(size / 2);
      for (let i = 0; i < samples.length; i++) samples[i] = view.getInt16(at + 8 + 2 * i, true) / 32768;
      return { samples, rate };
    }
    at += 8 + size + (size % 2);
  }
  throw new Error("The answer holds no sound.");
}

/**
 * Samples within ±1 as a wav file; what is beyond is cut.
 * @param {Float32Array} samples
 * @param {number} rate  in Hz
 */
export function writeWav(samples, rate) {
  const view = new DataView(new ArrayBuffer(44 + 2 * samples.length));
  const text = (/** @type {number} */ at, /** @type {string} */ letters) =>
    [...letters].forEach((letter, i) => view.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  view.setUint32(4, 36 + 2 * samples.length, true);
  text(8, "WAVEfmt ");
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true); // PCM
  view.setUint16(22, 1, true); // channels
  view.setUint32(24, rate, true);
  view.setUint32(28, 2 * rate, true);
  view.setUint16(32, 2, true); // bytes a frame
  view.setUint16(34, 16, true);
  text(36, "data");
  view.setUint32(40, 2 * samples.length, true);
  for (let i = 0; i < samples.length; i++) {
    view.setInt16(44 + 2 * i, Math.max(-32768, Math.min(32767, Math.round(32768 * samples[i]))), true);
  }
  return new Blob([view], { type: "audio/wav" });
}
