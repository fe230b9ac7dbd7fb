// Steps seven and eight: what each stage of the decoder adds, and what temperature and guidance do.

import { getWav, wavAt } from "../api.js";
import { $, el } from "../dom.js";
import { Picture } from "../picture.js";
import { slider } from "./stage.js";

/** What a stage is called; one of another model keeps its name. @type {Record<string, string>} */
const NAMES = {
  mean: "The mean alone",
  codes: "With the flow",
  "codes and detail": "With flow and detail, no texture",
  "codes, detail and texture": "With flow, detail and texture",
  made: "As it is made",
};

/**
 * Buttons of which the last one pressed stays down.
 * @param {HTMLElement} group
 * @param {any[]} values
 * @param {(value: any) => string} name
 * @param {(value: any) => void} press
 */
function choices(group, values, name, press) {
  group.replaceChildren(...values.map((value) => el("button", { type: "button", "aria-pressed": "false", click: (/** @type {any} */ { currentTarget }) => {
    for (const each of group.children) each.setAttribute("aria-pressed", String(each === currentTarget));
    press(value);
  } }, name(value))));
}

/** @param {import("./stage.js").Stage} stage */
export function stages(stage) {
  const picture = new Picture($("stages-picture"));
  const show = (/** @type {any} */ heard, /** @type {string} */ told) => {
    picture.show(heard);
    $("stages-told").textContent = told;
    $("stages-picture").setAttribute("aria-label", `Spectrogram: ${told}`);
  };
  stage.addEventListener("sound", () => {
    show(stage.sound, "As it is made.");
    choices($("stages"), stage.told.stages, (name) => NAMES[name] ?? name, async (name) => {
      const told = NAMES[name] ?? name;
      const heard = await stage.hear(told, (asking) => wavAt(`api/lesson/stage?${stage.query({ stage: name })}`, asking));
      if (heard !== null) show(heard, `${told}.`);
    });
  });
}

/** @param {import("./stage.js").Stage} stage */
export function screws(stage) {
  const picture = new Picture($("temperature-picture"));
  const show = (/** @type {any} */ heard, /** @type {string} */ told) => {
    if (heard === null) return;
    picture.show(heard);
    $("temperature-told").textContent = told;
    $("temperature-picture").setAttribute("aria-label", `Spectrogram: ${told}`);
  };
  const label = () => { $("temperature-slider-value").textContent = Number($("temperature-slider").value).toFixed(1); };
  slider("temperature-slider", label, async () => {
    const temperature = Number($("temperature-slider").value);
    const source = { genre: stage.genre, seed: stage.seed, index: 0, temperature };
    const told = `Temperature ${temperature.toFixed(1)}`;
    const vocoder = stage.info.vocoders[0].name;
    show(await stage.hear(told, (asking) => getWav({ kind: "seed", source, vocoder, run: stage.info.run }, asking)), `${told}.`);
  });
  stage.addEventListener("sound", () => {
    show(stage.sound, "As it is made.");
    const { guidance } = stage.told;
    $("guidance").replaceChildren();
    if (guidance.length === 0) $("guidance").textContent = "This run's model knows no guidance.";
    else {
      choices($("guidance"), guidance, (amount) => `Guidance ${amount}`, async (amount) => {
        const told = `Guidance ${amount}`;
        show(await stage.hear(told, (asking) => wavAt(`api/lesson/guided?${stage.query({ guidance: String(amount) })}`, asking)), `${told}.`);
      });
    }
  });
  label();
}
