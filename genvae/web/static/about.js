// What is served: the run, what it was made with, and its model card.

import { getAbout } from "./api.js";
import { $, el } from "./dom.js";

/**
 * Show it on demand.
 * @param {any} info
 * @param {(text: string) => void} fault
 */
export function offerAbout(info, fault) {
  const fact = (/** @type {string} */ name, /** @type {string} */ value) => el("div", {}, el("dt", {}, name), el("dd", {}, value));
  let loaded = false;
  $("about-open").addEventListener("click", async () => {
    $("about").showModal();
    if (loaded) return;
    try {
      const { name, parts, training, data, card } = await getAbout(info.run);
      const told = (/** @type {Record<string, any>} */ values) =>
        Object.entries(values).filter(([, value]) => value !== null && typeof value !== "object").map(([key, value]) => `${key.replaceAll("_", " ")} ${value}`).join(", ");
      $("about-facts").replaceChildren(
        fact("Run", `${name}, ${info.run}`),
        fact("Genres", info.genres.join(", ")),
        fact("Sound", `clips of ${info.clip_samples} samples at ${info.sample_rate} Hz, ${info.latent_dim} numbers each`),
        fact("Parts", told(parts)), fact("Training", told(training)), fact("Data", told(data)), fact("Versions", told(info.versions)),
      );
      $("about-card").hidden = card === "";
      $("card").textContent = card;
      loaded = true;
    } catch (error) {
      $("about").close();
      fault(/** @type {Error} */ (error).message);
    }
  });
}
