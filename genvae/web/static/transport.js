// Playing, seeking, looping, volume, and what can be taken from the sound that is heard: a file, a link.

import { $, download, icon } from "./dom.js";
import { Player } from "./player.js";
import { fileName, linkable } from "./recipes.js";
import { invited, say } from "./status.js";
import { writeWav } from "./wav.js";

export class Transport {
  /**
   * @param {import("./session.js").Session} session
   * @param {import("./picture.js").Picture} picture
   * @param {{ progress: (playing: boolean, part?: number) => void, link: (sound: any) => string }} told
   *   progress: which part of the sound is heard. link: the part of its link behind the #.
   */
  constructor(session, picture, { progress, link }) {
    this.session = session;
    this.picture = picture;
    this.link = link;
    this.player = new Player({
      moved: (seconds) => {
        picture.point(seconds);
        $("seek").value = seconds;
        $("seek").setAttribute("aria-valuetext", `${seconds.toFixed(2)} of ${picture.seconds.toFixed(2)} seconds`);
        if (this.player.playing) progress(true, seconds / picture.seconds);
      },
      changed: (playing) => {
        this.label(playing);
        progress(playing);
        if (playing) invited();
      },
    });
    this.label(false);
    $("loop").append(icon("loop"));
    $("volume-icon").append(icon("volume"));
    $("play").addEventListener("click", () => this.toggle());
    $("loop").addEventListener("click", () => this.toggleLoop());
    $("volume").value = localStorage.getItem("genvae-volume") ?? "1";
    this.player.volume(Number($("volume").value));
    $("volume").addEventListener("input", () => {
      this.player.volume(Number($("volume").value));
      localStorage.setItem("genvae-volume", $("volume").value);
    });
    $("download").addEventListener("click", () => this.download());
    $("link").addEventListener("click", () => this.copyLink());
    $("spectrogram").addEventListener("click", (/** @type {MouseEvent} */ event) => this.seek(picture.timeAt(event.offsetX)));
    $("seek").addEventListener("input", () => {
      const seconds = Number($("seek").value);
      if (this.player.playing) this.seek(seconds);
      else this.player.stop(seconds);
    });
  }

  /** @param {boolean} playing */
  label(playing) {
    const name = playing ? "Stop" : "Play";
    $("play").setAttribute("aria-label", name);
    $("play").title = `${name} (Space)`;
    $("play").replaceChildren(icon(playing ? "stop" : "play"));
  }

  /**
   * Show a sound, and play it or stand at its beginning.
   * @param {import("./session.js").Sound} sound
   * @param {{ play: boolean, from: number }} how
   */
  show(sound, { play, from }) {
    if (play) this.player.play(sound, from);
    else this.player.stop();
    $("invitation").hidden = true;
    $("title").textContent = sound.name;
    $("title").title = sound.name;
    this.picture.show(sound);
    this.picture.point(this.player.position);
    $("spectrogram").setAttribute("aria-label", `Spectrogram of ${sound.name}, ${this.picture.seconds.toFixed(1)} seconds`);
    $("seek").max = this.picture.seconds;
    for (const id of ["seek", "play", "set-a", "set-b", "download"]) $(id).disabled = false;
    $("link").disabled = !linkable(sound.recipe);
    $("link-field").hidden = true;
  }

  toggle() {
    if (this.session.current === null) return;
    if (this.player.playing) this.player.stop();
    else this.player.play(this.session.current, this.player.position);
  }

  toggleLoop() {
    this.player.loop = !this.player.loop;
    $("loop").setAttribute("aria-pressed", String(this.player.loop));
    if (this.player.playing && this.session.current) this.player.play(this.session.current, this.player.position);
  }

  /** @param {number} seconds */
  seek(seconds) {
    if (this.session.current !== null) this.player.play(this.session.current, seconds);
  }

  download() {
    if (this.session.current === null) return;
    const { wav, recipe, samples, rate } = this.session.current;
    const name = fileName(recipe);
    download(wav === null ? writeWav(samples, rate) : new Blob([wav], { type: "audio/wav" }), name);
    say(`Downloaded ${name}.`);
  }

  async copyLink() {
    if (this.session.current === null) return;
    const link = new URL(`#${this.link(this.session.current)}`, location.href).href;
    $("link-text").value = link;
    try {
      await navigator.clipboard.writeText(link);
      say("The link is copied: it brings back this sound.");
    } catch { // only pages of this machine or with https may write to the clipboard
      $("link-field").hidden = false;
      $("link-text").select();
      say("Copy the link from the field below.");
    }
  }
}
