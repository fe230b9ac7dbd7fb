// The address of the page follows the sound that is heard, and Back leads to the one before.

import { linkable, toFragment } from "./recipes.js";

/**
 * @param {import("./session.js").Session} session
 * @param {{ shown: () => string, find: (id: string) => any, open: (fragment: string) => void }} page
 *   shown: the map that a link should show. find: a sound of the history. open: what a fragment tells.
 */
export class Address {
  constructor(session, { shown, find, open }) {
    this.session = session;
    this.shown = shown;
    window.addEventListener("popstate", (event) => {
      const sound = event.state?.id && find(event.state.id);
      if (sound) {
        this.following = true; // it is in the history of the browser already
        session.replay(sound, { play: false });
        this.following = false;
      } else if (location.hash.length > 1) {
        open(location.hash.slice(1));
      }
    });
  }

  /**
   * The link of a sound, or an empty text where none can hold it.
   * @param {import("./session.js").Sound} sound
   */
  fragment(sound) {
    return linkable(sound.recipe) ? toFragment(sound.recipe, this.shown()) : "";
  }

  /**
   * Let the address be that of a sound of the history.
   * @param {import("./session.js").Sound} sound
   */
  follow(sound) {
    if (this.following || window.history.state?.id === sound.id) return;
    const fragment = this.fragment(sound);
    const address = fragment ? `#${fragment}` : location.pathname;
    // The first sound takes the place of the address that was opened; each other one can be gone back from.
    if (window.history.state === null) window.history.replaceState({ id: sound.id }, "", address);
    else window.history.pushState({ id: sound.id }, "", address);
  }
}
