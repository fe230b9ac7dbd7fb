// Decodes the beginning of a sound file in the browser, reading no more of it than that takes.

const FIRST = 1 << 20; // bytes; more than ten seconds of most formats

/**
 * The first seconds of a file: mono samples at a rate, and whether there is more; null where the browser can't decode it.
 *
 * A long file is decoded from a slice: the browser would otherwise unfold all of it in memory. A slice that is too
 * short, or too short to be understood, is doubled.
 * @param {Blob} file
 * @param {number} seconds
 * @param {number} rate  in Hz
 * @param {AbortSignal} [signal]
 */
export async function openStart(file, seconds, rate, signal) {
  for (let size = FIRST; ; size *= 2) {
    const whole = size >= file.size;
    const content = await file.slice(0, size).arrayBuffer();
    signal?.throwIfAborted();
    try {
      const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(content);
      signal?.throwIfAborted();
      if (whole || buffer.duration > seconds + 1) return { samples: mono(buffer, Math.round(seconds * rate)), rate, longer: !whole || buffer.duration > seconds };
    } catch (error) {
      if (signal?.aborted || whole) {
        signal?.throwIfAborted();
        return null;
      }
    }
  }
}

/**
 * @param {AudioBuffer} buffer
 * @param {number} most  samples
 */
function mono(buffer, most) {
  const mixed = new Float32Array(Math.min(buffer.length, most));
  for (let c = 0; c < buffer.numberOfChannels; c++) {
    const channel = buffer.getChannelData(c);
    for (let i = 0; i < mixed.length; i++) mixed[i] += channel[i] / buffer.numberOfChannels;
  }
  return mixed;
}
