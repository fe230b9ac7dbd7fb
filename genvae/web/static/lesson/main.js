// Brings the lesson to life: the page is complete without it, and each step hangs on the one sound of the stage.

import { getInfo } from "../api.js";
import { $ } from "../dom.js";
import { screws, stages } from "./decoder.js";
import { clouds, encoder, priors } from "./latent.js";
import { sampling, shortTime, sines } from "./signal.js";
import { Stage } from "./stage.js";

/** Show what only a script makes work, in one part of the page. @param {ParentNode} part */
function enliven(part) {
  for (const each of part.querySelectorAll(".live")) /** @type {HTMLElement} */ (each).hidden = false;
}

async function start() {
  const tray = /** @type {HTMLElement} */ (document.querySelector(".tray"));
  tray.hidden = false;
  try {
    const stage = new Stage(await getInfo(new URLSearchParams(location.search).get("run")));
    for (const step of [sampling, sines, shortTime, encoder, clouds, priors, stages, screws]) step(stage);
    stage.addEventListener("sound", () => enliven(document), { once: true });
    await stage.load(false);
  } catch (error) {
    $("said").textContent = /** @type {Error} */ (error).message;
    throw error;
  }
}

start();
