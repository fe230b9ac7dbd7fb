// Keeps sounds in the browser, so that closing the page loses none: an IndexedDB of this page alone.

import { createStore, del, entries, get, set } from "./vendor/idb-keyval.js";

const sounds = createStore("genvae-sounds", "sounds");
const sets = createStore("genvae-sets", "sets");

/** What is derived from the samples, or belongs to the page: it is made anew. */
const DERIVED = ["buffer", "looped", "spectrum", "samples"];

/**
 * A sound as it is kept; samples are in the wav file, where there is one.
 * @param {import("./session.js").Sound} sound
 */
export function kept(sound) {
  const plain = Object.fromEntries(Object.entries(sound).filter(([name]) => !DERIVED.includes(name)));
  return sound.wav === null ? { ...plain, samples: sound.samples } : plain;
}

/**
 * Keep a sound, or what has changed of it. A browser that keeps nothing (a private window, a full disk) goes on without.
 * @param {import("./session.js").Sound} sound
 */
export const keepSound = (sound) => quietly(() => set(sound.id, kept(sound), sounds));

/** @param {string} id */
export const dropSound = (id) => quietly(() => del(id, sounds));

/** All that were kept, the oldest first. @returns {Promise<any[]>} */
export async function keptSounds() {
  const found = await quietly(() => entries(sounds));
  return (found ?? []).map(([, value]) => value).sort((a, b) => a.made - b.made);
}

/**
 * Keep something by its name, such as the pads.
 * @param {string} name
 * @param {any} value
 */
export const keepSet = (name, value) => quietly(() => set(name, value, sets));

/** @param {string} name */
export const keptSet = (name) => quietly(() => get(name, sets));

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
async function quietly(work) {
  try {
    return await work();
  } catch {
    return undefined;
  }
}
