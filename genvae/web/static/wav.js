// Reads the wav files that the server makes: mono, 16 bits.

/** The samples within ±1 of a wav file in an ArrayBuffer, and their rate in Hz. */
export function readWav(buffer) {
  const view = new DataView(buffer);
  const name = (at) => String.fromCharCode(...new Uint8Array(buffer, at, 4));
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
