// The pinned sounds as one zip file, with names and what made them.

import { download } from "./dom.js";
import { writeWav } from "./wav.js";

/**
 * Offer the pinned sounds as a zip file.
 * @param {import("./session.js").Sound[]} sounds
 * @param {{ say: (text: string) => void, fault: (text: string) => void }} told
 */
export async function exportPinned(sounds, { say, fault }) {
  const pinned = sounds.filter((each) => each.pinned).reverse();
  try {
    const { downloadZip } = await import("./vendor/client-zip.js");
    download(await downloadZip(files(pinned)).blob(), "genvae-sounds.zip");
    say(`Exported ${pinned.length} ${pinned.length === 1 ? "sound" : "sounds"}.`);
  } catch (error) {
    fault(`The sounds could not be exported: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * A wav file each, and a list that says what made them.
 * @param {import("./session.js").Sound[]} sounds
 */
function files(sounds) {
  const list = sounds.map(({ name, recipe, genre, made }, index) => {
    const { file, place, ...plain } = /** @type {any} */ (recipe);
    return { file: `${String(index + 1).padStart(2, "0")}-${plainName(name)}.wav`, name, genre, made: new Date(made).toISOString(), recipe: plain };
  });
  return [
    ...sounds.map(({ wav, samples, rate }, index) => ({ name: list[index].file, input: wav ?? writeWav(samples, rate) })),
    { name: "sounds.json", input: JSON.stringify(list, null, 2) },
  ];
}

/** @param {string} name */
const plainName = (name) => name.replace(/[^\p{L}\p{N}_.-]+/gu, "-").replace(/^[.-]+|[.-]+$/g, "").slice(0, 60) || "sound";
