// Plays one sound at a time, from any place in it, once or round and round, at a volume.

const FADE = 0.006; // seconds; where a sound is cut off, so that it does not click
const SEAM = 0.03; // seconds over which the end of a loop fades into its beginning

/**
 * The samples of a loop without a seam: its end fades into its beginning.
 * @param {Float32Array} samples
 * @param {number} rate
 */
export function seamless(samples, rate) {
  const seam = Math.min(Math.round(SEAM * rate), samples.length >> 2);
  const looped = samples.slice(0, samples.length - seam);
  for (let i = 0; i < seam; i++) {
    const angle = (Math.PI / 2) * ((i + 0.5) / seam); // equal power, as the two have nothing to do with each other
    looped[i] = Math.sin(angle) * samples[i] + Math.cos(angle) * samples[looped.length + i];
  }
  return looped;
}

export class Player {
  /** @param {{ moved: (seconds: number) => void, changed: (playing: boolean) => void }} told */
  constructor({ moved, changed }) {
    this.moved = moved;
    this.changed = changed;
    /** @type {AudioContext | null} */
    this.context = null;
    /** @type {AudioBufferSourceNode | null} */
    this.source = null;
    this.offset = 0; // of the place where it stands, in seconds
    this.loop = false;
    this.level = 1;
    this.seconds = 1;
    this.from = 0;
    this.began = 0;
  }

  get playing() {
    return this.source !== null;
  }

  get position() {
    if (this.context === null || this.source === null) return this.offset;
    const heard = Math.max(0, this.context.currentTime - this.began - (this.context.outputLatency || 0));
    return this.source.loop ? (this.from + heard) % this.seconds : Math.min(this.seconds, this.from + heard);
  }

  /** Open the sound card; browsers allow it only while a click or a key press is being handled. */
  wake() {
    if (this.context === null) {
      this.context = new AudioContext({ latencyHint: "interactive" });
      this.master = new GainNode(this.context, { gain: this.level });
      this.master.connect(this.context.destination);
    }
    if (this.context.state === "suspended") this.context.resume();
    return this.context;
  }

  /** The same where no click or key is at hand: it is left alone until there has been one. */
  wakeIfAllowed() {
    if (navigator.userActivation?.hasBeenActive ?? this.context !== null) this.wake();
  }

  /**
   * Set the volume.
   * @param {number} level  from 0 to 1, as the ear has it
   */
  volume(level) {
    this.level = level * level;
    if (this.master) this.master.gain.value = this.level;
  }

  /**
   * Play a sound from a time in seconds.
   * @param {any} sound
   * @param {number} from
   */
  play(sound, from = 0) {
    const context = this.wake();
    this.halt();
    const name = this.loop ? "looped" : "buffer";
    if (sound[name] === undefined) {
      const samples = this.loop ? seamless(sound.samples, sound.rate) : sound.samples;
      sound[name] = context.createBuffer(1, samples.length, sound.rate);
      sound[name].copyToChannel(samples, 0);
    }
    const source = new AudioBufferSourceNode(context, { buffer: sound[name], loop: this.loop });
    this.gain = new GainNode(context);
    source.connect(this.gain).connect(/** @type {GainNode} */ (this.master));
    source.addEventListener("ended", () => {
      if (this.source !== source) return;
      this.source = null;
      this.offset = 0;
      this.changed(false);
      this.moved(0);
    });
    this.seconds = sound[name].duration;
    this.from = from >= this.seconds ? 0 : from;
    this.began = context.currentTime;
    source.start(0, this.from);
    this.source = source;
    this.changed(true);
    const step = () => {
      if (this.source !== source) return;
      this.moved(this.position);
      requestAnimationFrame(step);
    };
    step();
  }

  /**
   * Stop, and stand at a time in seconds.
   * @param {number} at
   */
  stop(at = 0) {
    this.halt();
    this.offset = at;
    this.changed(false);
    this.moved(at);
  }

  halt() {
    if (this.source === null || this.context === null || !this.gain) return;
    const { source, context } = this;
    this.source = null;
    this.gain.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
    source.stop(context.currentTime + FADE);
  }
}
