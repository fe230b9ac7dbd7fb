// Puts the page together: what is heard, seen, kept and said hangs on the session's events.

import { offerAbout } from "./about.js";
import { Address } from "./address.js";
import { getInfo } from "./api.js";
import { Atlas } from "./atlas.js";
import { genreColour } from "./colours.js";
import { Compare } from "./compare.js";
import { Controls } from "./controls.js";
import { $, dark } from "./dom.js";
import { takeFiles } from "./drop.js";
import { exportPinned } from "./export.js";
import { History } from "./history.js";
import { listenToKeys } from "./keys.js";
import { Mixer } from "./mixer.js";
import { Pads } from "./pads.js";
import { Picture } from "./picture.js";
import { BadLink, fromFragment, linkable, toFragment } from "./recipes.js";
import { Sequencer } from "./sequencer.js";
import { Session } from "./session.js";
import { SetFile } from "./setfile.js";
import { fault, invite, remark, say } from "./status.js";
import { Transport } from "./transport.js";
import { Variations } from "./variations.js";
import { showWaits } from "./waiting.js";

/** @param {any} info */
async function begin(info) {
  const session = new Session(info);
  const picture = new Picture($("spectrogram"), $("playhead"));
  const transport = new Transport(session, picture, {
    progress: (playing, part) => atlas.play(playing, part),
    link: (sound) => address.fragment(sound),
  });
  const { player } = transport;
  const controls = new Controls(session, { say, fault });
  const history = new History(info.run, {
    play: (sound) => session.replay(sound),
    keep: (sound, letter) => compare.keep(sound, letter),
    pad: (sound) => say(`${sound.name} lies on pad ${1 + pads.put(null, sound)}.`),
  });
  const compare = new Compare(session, player, controls, { pins: (a, b) => atlas.pins(a, b), fault });
  const atlas = new Atlas(session, controls, { path: (sources) => compare.through(sources), fault });
  const address = new Address(session, {
    shown: () => (info.maps.length > 1 ? atlas.method : ""),
    find: (id) => history.find(id),
    open: (fragment) => open(fragment),
  });
  const pads = new Pads(player, history);
  const set = new SetFile(pads, new Sequencer(player, pads, { say }), { say, fault });
  const mixer = new Mixer(session, controls);
  new Variations(session, controls);
  showWaits(session, { say });
  takeFiles(session, controls, { say, fault, heard: (original, made) => { compare.keep(original, "A"); compare.keep(made, "B"); } });
  listenToKeys({ session, controls, history, transport, pads });
  const paint = () => {
    controls.paint();
    atlas.paint();
    mixer.draw();
    picture.draw();
    for (const swatch of document.querySelectorAll("[data-genre]")) {
      /** @type {HTMLElement} */ (swatch).style.setProperty("--g", genreColour(Math.max(0, Number(/** @type {HTMLElement} */ (swatch).dataset.genre))));
    }
  };
  dark.addEventListener("change", paint);

  session.addEventListener("busy", (/** @type {any} */ { detail }) => {
    if (detail !== null) player.wakeIfAllowed();
    controls.busy(detail?.recipe?.kind === "seed" ? detail.recipe.source.genre : null);
    $("stage").setAttribute("aria-busy", String(detail !== null));
  });
  session.addEventListener("fault", (/** @type {any} */ { detail }) => fault(detail.message));
  session.addEventListener("sound", (/** @type {any} */ { detail: { sound, play, from, by } }) => {
    transport.show(sound, { play, from });
    controls.follow(sound, by);
    history.select(sound);
    atlas.mark(sound);
    if (history.sounds.includes(sound)) address.follow(sound);
    $("rename").disabled = !history.sounds.includes(sound);
    if (play) say("", `${sound.name}. `);
    else invite(`${sound.name}. `);
  });
  session.addEventListener("place", (/** @type {any} */ { detail: sound }) => {
    compare.placed(sound);
    history.changed(sound);
    if (sound !== session.current) return;
    atlas.mark(sound);
    const near = sound.place.clips.length === 1 ? sound.place.clips[0].maps[atlas.method] : undefined;
    if (near && near.neighbours.length && session.pending === null) {
      const { genre, clip } = near.neighbours[0];
      remark(near.sparse ? "No training sound is near." : `Nearest training sound: ${genre} clip ${clip}.`);
    }
  });
  session.addEventListener("keep", (/** @type {any} */ { detail: sound }) => {
    history.add(sound);
    address.follow(sound);
    $("rename").disabled = false;
  });

  offerAbout(info, fault);
  $("export").addEventListener("click", () => exportPinned(history.sounds, { say, fault }));
  $("keys-open").addEventListener("click", () => $("keys").showModal());
  $("rename").addEventListener("click", () => {
    $("name").value = session.current?.name ?? "";
    $("naming").showModal();
    $("name").select();
  });
  $("naming-cancel").addEventListener("click", () => $("naming").close());
  $("naming-form").addEventListener("submit", () => {
    const sound = session.current;
    const name = $("name").value.trim();
    if (sound === null || !name) return;
    sound.name = name;
    history.changed(sound);
    $("title").textContent = name;
    say(`It is called ${name} now.`);
  });

  /**
   * Make what a link tells of, and wait with playing it.
   * @param {string} fragment
   * @returns {Promise<boolean>} whether it tells of a sound
   */
  async function open(fragment) {
    let told;
    try {
      told = fromFragment(fragment, info);
    } catch (error) {
      if (!(error instanceof BadLink)) throw error;
      fault(error.message);
      return true;
    }
    if (told === null) return false;
    if (told.shown) await atlas.show(told.shown);
    const { recipe, warning } = told;
    const same = history.sounds.find((each) => linkable(each.recipe) && toFragment(each.recipe) === toFragment(recipe));
    if (same) session.replay(same, { play: false });
    else await session.make(recipe, { play: false });
    if (warning && session.current?.recipe.source === recipe.source) fault(warning);
    return true;
  }

  paint();
  await Promise.all([history.restore(), set.restore(), atlas.show(info.maps[0]?.method)]);
  if (await open(location.hash.slice(1)) || session.pending !== null || session.current !== null) return;
  const { genres } = info;
  controls.press(genres[Math.floor(Math.random() * genres.length)], { play: false }); // a sound that waits to be played
}

/** Ask what is served, and begin; what fails can be tried again. */
async function start() {
  $("retry").hidden = true;
  try {
    let info = await getInfo(new URLSearchParams(location.search).get("run"));
    const linked = new URLSearchParams(location.hash.slice(1)).get("run");
    const other = linked && info.runs.find((/** @type {any} */ { digest }) => digest.startsWith(linked));
    if (other && other.digest !== info.run) info = await getInfo(other.digest);
    if (info.run !== info.runs[0].digest) $("explain-link").href = `explain?${new URLSearchParams({ run: info.run })}`;
    $("runs").hidden = info.runs.length < 2;
    $("run").replaceChildren(...info.runs.map((/** @type {any} */ { digest, name }) => new Option(name, digest, false, digest === info.run)));
    await begin(info);
  } catch (error) {
    fault(/** @type {Error} */ (error).message);
    if (error instanceof TypeError || error instanceof ReferenceError) throw error;
    $("genres").querySelector(".loading")?.replaceChildren("The run could not be loaded.");
    $("retry").hidden = false;
    $("retry").focus();
  }
}

$("run").addEventListener("change", () => { location.href = `?${new URLSearchParams({ run: $("run").value })}`; });
$("retry").addEventListener("click", start);
start();
