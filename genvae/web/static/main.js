// Puts the page together: what is heard, seen, kept and said hangs on the studio's events.

import { getInfo } from "./api.js";
import { Atlas } from "./atlas.js";
import { genreColour } from "./colours.js";
import { Compare } from "./compare.js";
import { Controls } from "./controls.js";
import { $, dark, el, typing } from "./dom.js";
import { takeFiles } from "./drop.js";
import { History } from "./history.js";
import { Picture } from "./picture.js";
import { Player } from "./player.js";
import { fileName, fromFragment, linkable, toFragment } from "./recipes.js";
import { Studio } from "./studio.js";

/** Tell what happened; `unseen` is for those who can't see what the rest of the page shows anyhow. */
function say(text, unseen = "") {
  $("status").classList.remove("error");
  $("status").replaceChildren(el("span", { class: "quiet" }, unseen), text);
}

function fault(text) {
  $("status").classList.add("error");
  $("status").textContent = text;
}

async function begin() {
  const info = await getInfo();
  const studio = new Studio(info);
  const picture = new Picture($("spectrogram"), $("playhead"));
  const player = new Player({
    moved: (seconds) => {
      picture.point(seconds);
      $("seek").value = seconds;
      $("seek").setAttribute("aria-valuetext", `${seconds.toFixed(2)} of ${picture.seconds.toFixed(2)} seconds`);
      if (player.playing) atlas.play(true, seconds / picture.seconds);
    },
    changed: (playing) => {
      $("play-label").textContent = playing ? "Stop" : "Play";
      atlas.play(playing);
    },
  });
  const controls = new Controls(studio, fault);
  const history = new History({ play: (sound) => studio.replay(sound), keep: (sound, letter) => compare.keep(sound, letter) });
  const compare = new Compare(studio, player, controls, { pins: (a, b) => atlas.pins(a, b), fault });
  const atlas = new Atlas(studio, controls, { path: (start, end) => compare.between(start, end), fault });
  takeFiles(studio, controls, { say, fault });
  const paint = () => {
    controls.paint();
    atlas.paint();
    picture.draw();
    for (const swatch of document.querySelectorAll("[data-genre]")) swatch.style.setProperty("--g", genreColour(Math.max(0, Number(swatch.dataset.genre))));
  };
  dark.addEventListener("change", paint);

  /** The link to the current sound, or null where none can hold it. */
  const fragment = () => {
    const { recipe } = studio.current;
    return linkable(recipe) ? toFragment(recipe, info.maps.length > 1 ? atlas.method : "") : null;
  };

  studio.addEventListener("busy", ({ detail: recipe }) => {
    if (recipe !== null) player.wakeIfAllowed();
    controls.busy(recipe?.kind === "seed" ? recipe.source.genre : null);
    $("sound").setAttribute("aria-busy", String(recipe !== null));
  });
  studio.addEventListener("fault", ({ detail: error }) => fault(error.message));
  studio.addEventListener("sound", ({ detail: { sound, play, from } }) => {
    if (play) player.play(sound, from);
    else player.stop();
    $("invitation").hidden = true;
    $("title").textContent = sound.name;
    picture.show(sound);
    picture.point(player.position);
    $("spectrogram").setAttribute("aria-label", `Spectrogram of ${sound.name}, ${picture.seconds.toFixed(1)} seconds`);
    $("seek").max = picture.seconds;
    for (const id of ["seek", "play", "set-a", "set-b"]) $(id).disabled = false;
    $("download").disabled = sound.wav === null;
    $("link").disabled = !linkable(sound.recipe);
    $("link-field").hidden = true;
    controls.follow(sound);
    history.select(sound);
    atlas.mark(sound);
    say(play ? "" : "Ready: press Play.", `${sound.name}. `);
  });
  studio.addEventListener("place", ({ detail: sound }) => {
    atlas.mark(sound);
    compare.placed(sound);
    const near = sound.place.clips.length === 1 ? sound.place.clips[0].maps[atlas.method] : undefined;
    if (near && near.neighbours.length && !$("status").classList.contains("error")) {
      const { genre, clip } = near.neighbours[0];
      const where = near.sparse ? "No training sound is near." : `Nearest training sound: ${genre} clip ${clip}.`;
      say(player.playing ? where : `Ready: press Play. ${where}`, `${sound.name}. `);
    }
  });
  studio.addEventListener("keep", ({ detail: sound }) => {
    history.add(sound);
    paint();
    const link = fragment();
    if (link !== null) window.history.replaceState(null, "", `#${link}`);
  });

  // What one can do with the sound.
  const toggle = () => {
    if (studio.current === null) return;
    if (player.playing) player.stop();
    else player.play(studio.current, player.position);
  };
  const seek = (seconds) => {
    if (studio.current === null) return;
    player.play(studio.current, seconds);
  };
  const download = () => {
    const { wav, recipe } = studio.current;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([wav], { type: "audio/wav" }));
    link.download = fileName(recipe);
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    say(`Downloaded ${link.download}.`);
  };
  const copyLink = async () => {
    const link = new URL(`#${fragment()}`, location.href).href;
    $("link-text").value = link;
    try {
      await navigator.clipboard.writeText(link);
      say("The link is copied: it brings back this sound.");
    } catch { // only pages of this machine or with https may write to the clipboard
      $("link-field").hidden = false;
      $("link-text").select();
      say("Copy the link from the field below.");
    }
  };
  $("play").addEventListener("click", toggle);
  $("download").addEventListener("click", download);
  $("link").addEventListener("click", copyLink);
  $("spectrogram").addEventListener("click", (event) => seek(picture.timeAt(event.offsetX)));
  $("seek").addEventListener("input", () => {
    const seconds = Number($("seek").value);
    if (player.playing) seek(seconds);
    else player.stop(seconds);
  });
  $("keys-open").addEventListener("click", () => $("keys").showModal());

  // Single keys, unless they are switched off or meant for something that has the focus.
  let pointed = false; // the focus came with a click, so that Space is not meant for the button that was clicked
  window.addEventListener("pointerdown", () => { pointed = true; }, true);
  window.addEventListener("keydown", (event) => { if (event.key === "Tab") pointed = false; }, true);
  const keys = {
    g: () => controls.again(), l: () => $("lock").click(), x: () => $("switch").click(),
    a: () => $("play-a").click(), b: () => $("play-b").click(), d: () => $("download").click(),
    p: () => { if (studio.current !== null && history.sounds.includes(studio.current)) history.pin(studio.current); },
  };
  window.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !$("keys-on").checked || $("keys").open) return;
    if (typing(event.target)) return;
    if (event.key === " ") {
      if (!pointed && event.target.matches("button, a, summary, input, [tabindex]:not(#points)")) return;
      event.preventDefault();
      toggle();
    } else if (/^[1-9]$/.test(event.key) && event.key <= info.genres.length) {
      controls.press(info.genres[event.key - 1]);
    } else if (Object.hasOwn(keys, event.key.toLowerCase())) {
      keys[event.key.toLowerCase()]();
    }
  });
  window.addEventListener("keyup", (event) => { if (event.key === " " && pointed) event.preventDefault(); }, true);

  const restore = async () => {
    const told = fromFragment(location.hash.slice(1), info.vocoders.map(({ name }) => name));
    if (told === null) return;
    if (told.shown) await atlas.show(told.shown);
    await studio.make(told.recipe, { play: false });
  };
  window.addEventListener("hashchange", restore);
  paint();
  await atlas.show(info.maps[0]?.method);
  await restore();
}

begin().catch((error) => {
  fault(error.message);
  if (error.constructor === TypeError || error.constructor === ReferenceError) throw error;
});
