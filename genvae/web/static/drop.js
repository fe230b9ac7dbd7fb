// A file of one's own: chosen or dropped, placed on the map, and heard before and after the model.

import { placeFile, Refusal } from "./api.js";
import { $ } from "./dom.js";
import { sound } from "./studio.js";

/** Listen for files; `say` and `fault` tell what happens. */
export function takeFiles(studio, controls, { say, fault }) {
  async function take(file) {
    const { upload_bytes: most, upload_seconds: seconds } = studio.info.limits;
    if (file.size > most) {
      fault(`${file.name} is too large: at most ${most >> 20} MB are taken.`);
      return;
    }
    say(`Listening to ${file.name}…`);
    try {
      const place = await placeFile(file);
      const source = { genre: place.genre, latent: place.clips[0].latent, seed: 0, name: file.name };
      const before = await original(file, seconds);
      if (before !== null) {
        const heard = sound({ kind: "original", source, vocoder: "before the model" }, before, place, studio.info.genres);
        studio.select(Object.assign(heard, { name: `${file.name} (original)` }), { play: false });
        studio.keep();
      }
      const made = await studio.make({ kind: "file", source, file, place, vocoder: controls.vocoder },
        { play: navigator.userActivation?.hasBeenActive ?? true });
      if (made !== null && place.note) say(`${file.name}: ${place.note}`);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      fault(`${file.name}: ${error.message}`);
    }
  }

  /** The file as the browser decodes it, as a wav file at the run's rate; null where it can't. */
  async function original(file, seconds) {
    try {
      const rate = studio.info.sample_rate;
      const context = new OfflineAudioContext(1, rate, rate);
      const buffer = await context.decodeAudioData(await file.arrayBuffer());
      const mono = new Float32Array(Math.min(buffer.length, seconds * rate));
      for (let c = 0; c < buffer.numberOfChannels; c++) {
        const channel = buffer.getChannelData(c);
        for (let i = 0; i < mono.length; i++) mono[i] += channel[i] / buffer.numberOfChannels;
      }
      return { samples: mono, rate };
    } catch {
      return null;
    }
  }

  $("file").addEventListener("change", () => {
    const [file] = $("file").files;
    if (file) take(file);
    $("file").value = ""; // so that the same one can be chosen again
  });
  const veil = $("veil");
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  window.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    veil.hidden = false;
  });
  window.addEventListener("dragleave", (event) => { if (event.relatedTarget === null) veil.hidden = true; });
  window.addEventListener("drop", (event) => {
    veil.hidden = true;
    if (!carries(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}
