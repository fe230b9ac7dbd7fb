// Plays one sound at a time, from any place in it.

const FADE = 0.006; // seconds; where a sound is cut off, so that it does not click

export class Player {
  /** `moved(seconds)` is called while it plays, `changed(playing)` when it starts or ends. */
  constructor({ moved, changed }) {
    this.moved = moved;
    this.changed = changed;
    this.context = null;
    this.source = null;
    this.offset = 0; // of the place where it stands, in seconds
  }

  get playing() {
    return this.source !== null;
  }

  get position() {
    if (!this.playing) return this.offset;
    const heard = this.context.currentTime - this.began - (this.context.outputLatency || 0);
    return Math.min(this.seconds, this.from + Math.max(0, heard));
  }

  /** Open the sound card; browsers allow it only while a click or a key press is being handled. */
  wake() {
    this.context ??= new AudioContext({ latencyHint: "interactive" });
    if (this.context.state === "suspended") this.context.resume();
  }

  /** The same where no click or key is at hand: it is left alone until there has been one. */
  wakeIfAllowed() {
    if (navigator.userActivation?.hasBeenActive ?? this.context !== null) this.wake();
  }

  /** Play { samples, rate } from a time in seconds. */
  play(sound, from = 0) {
    this.wake();
    this.halt();
    if (sound.buffer === undefined) {
      sound.buffer = this.context.createBuffer(1, sound.samples.length, sound.rate);
      sound.buffer.copyToChannel(sound.samples, 0);
    }
    const source = new AudioBufferSourceNode(this.context, { buffer: sound.buffer });
    this.gain = new GainNode(this.context);
    source.connect(this.gain).connect(this.context.destination);
    source.addEventListener("ended", () => {
      if (this.source !== source) return;
      this.source = null;
      this.offset = 0;
      this.changed(false);
      this.moved(0);
    });
    this.seconds = sound.buffer.duration;
    this.from = from >= this.seconds ? 0 : from;
    this.began = this.context.currentTime;
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

  /** Stop, and stand at a time in seconds. */
  stop(at = 0) {
    this.halt();
    this.offset = at;
    this.changed(false);
    this.moved(at);
  }

  halt() {
    if (this.source === null) return;
    const { source, context } = this;
    this.source = null;
    this.gain.gain.setTargetAtTime(0, context.currentTime, FADE / 3);
    source.stop(context.currentTime + FADE);
  }
}
