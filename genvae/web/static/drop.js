// A file of one's own: chosen or dropped, placed on the map, and heard before and after the model.

import { placeFile, Refusal } from "./api.js";
import { $ } from "./dom.js";
import { openStart } from "./opening.js";
import { sound } from "./session.js";
import { writeWav } from "./wav.js";

/**
 * Listen for files; `say` and `fault` tell what happens.
 * @param {import("./session.js").Session} session
 * @param {import("./controls.js").Controls} controls
 * @param {{ say: (text: string) => void, fault: (text: string) => void, heard: (original: any, made: any) => void }} told
 */
export function takeFiles(session, controls, { say, fault, heard }) {
  const { upload_bytes: most, upload_seconds: seconds } = session.info.limits;

  /** @param {File} file */
  async function take(file) {
    const made = await session.wish({ why: `Listening to ${file.name}`, recipe: null }, (asking) => bring(file, asking).catch((error) => {
      if (error instanceof Refusal) throw new Refusal(`${file.name}: ${error.message}`, error.status);
      throw error;
    }));
    if (made !== null && made.note) say(`${file.name}: ${made.note}`);
  }

  /**
   * Place a file on the map and have it reconstructed.
   * @param {File} file
   * @param {import("./api.js").Asking} asking
   */
  async function bring(file, asking) {
    const { genres, sample_rate: rate, run } = session.info;
    const start = await openStart(file, seconds, rate, asking.signal);
    if (start === null && file.size > most) throw new Refusal(`At most ${most >> 20} MB are taken of what this browser can't decode.`);
    const sent = start === null ? file : writeWav(start.samples, start.rate); // a part, and all that is ever sent
    const place = await placeFile(sent, run, asking);
    const note = place.note || (start?.longer ? `Only its first ${seconds} s were taken.` : "");
    const source = { genre: place.genre, latent: place.clips[0].latent, seed: 0, name: file.name };
    const original = start === null ? null : sound({ kind: "original", source, run }, start, place, genres);
    if (original !== null) {
      session.select(original, { play: false });
      session.keep();
    }
    /** @type {any} */
    const recipe = { kind: "file", source, file: sent, upload: place.upload, place, vocoder: controls.vocoder, run };
    session.tell("busy", { why: `Making ${file.name} sound as the model hears it`, recipe });
    const reconstruction = await session.fetch(recipe, asking);
    asking.signal?.throwIfAborted();
    session.select(reconstruction, { play: navigator.userActivation?.hasBeenActive ?? true });
    session.keep();
    if (original !== null) heard(original, reconstruction);
    return { note };
  }

  $("file").addEventListener("change", () => {
    const [file] = $("file").files;
    if (file) take(file);
    $("file").value = ""; // so that the same one can be chosen again
  });
  const veil = $("veil");
  const carries = (/** @type {DragEvent} */ event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
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
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
    else fault("There was no file in what was dropped.");
  });
}
