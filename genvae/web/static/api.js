// Asks the server; when it is busy waits as long as it says and tells so, and turns what goes wrong into a sentence.

const PATIENCE = 30; // seconds that a busy server is asked again

/** An answer that says why it is none; its message is for people. */
export class Refusal extends Error {
  /**
   * @param {string} message
   * @param {number} [status]
   */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/**
 * @typedef {{ signal?: AbortSignal, waiting?: (why: string) => void }} Asking
 * How something is asked for: what ends it, and who is told why it takes longer.
 */

/**
 * fetch, with errors as sentences. An aborted request throws AbortError as usual.
 * @param {string} path
 * @param {RequestInit} options
 * @param {Asking} asking
 */
async function ask(path, options = {}, { signal, waiting } = {}) {
  const began = performance.now();
  for (;;) {
    let answer;
    try {
      answer = await fetch(path, { ...options, signal });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      throw new Refusal("The server does not answer. Is genvae serve still running?");
    }
    if (answer.ok) return answer;
    const pause = Number(answer.headers.get("Retry-After"));
    const left = PATIENCE - (performance.now() - began) / 1000;
    if (answer.status === 503 && pause > 0 && pause < left) {
      waiting?.("The server is busy with others");
      await sleep(1000 * pause, signal);
      continue;
    }
    throw new Refusal(await reason(answer), answer.status);
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
const sleep = (milliseconds, signal) => new Promise((done, fail) => {
  const timer = setTimeout(done, milliseconds);
  signal?.addEventListener("abort", () => { clearTimeout(timer); fail(signal.reason); }, { once: true });
});

/** @param {Response} answer */
async function reason(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `The server answered with an error (${answer.status}).`;
  }
}

/** @param {object} body */
const json = (body) => ({ method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });

/**
 * A source without what only the page knows of it.
 * @param {Record<string, any>} source
 */
const bare = ({ name, ...source }) => source;

/** @param {string | null} run */
export const getInfo = async (run = null) => (await ask(`api/info${run ? `?${new URLSearchParams({ run })}` : ""}`)).json();

/** @param {string} run */
export const getDirections = async (run) => (await ask(`api/directions?${new URLSearchParams({ run })}`)).json();

/**
 * What the encoder says of a sound of a seed.
 * @param {URLSearchParams} query
 * @param {Asking} asking
 */
export const getHeard = async (query, asking) => (await ask(`api/lesson/sound?${query}`, {}, asking)).json();

/** @param {string} run */
export const getAbout = async (run) => (await ask(`api/about?${new URLSearchParams({ run })}`)).json();

/**
 * The training clips on a map: x and y of each in turn, and the index of each one's genre.
 * @param {{ method: string, low: number[], high: number[] }} map
 * @param {string} run
 */
export async function getMap({ method, low, high }, run) {
  const answer = await ask(`api/map/${encodeURIComponent(method)}?${new URLSearchParams({ run })}`);
  const parts = new Uint16Array(await answer.arrayBuffer());
  const count = parts.length / 3;
  const points = new Float32Array(2 * count);
  for (let i = 0; i < count; i++) {
    points[2 * i] = low[0] + ((high[0] - low[0]) * parts[i]) / 65535;
    points[2 * i + 1] = low[1] + ((high[1] - low[1]) * parts[count + i]) / 65535;
  }
  return { points, genres: parts.slice(2 * count) };
}

/**
 * How the training clips of a map sound, a byte each: 0 for none at all, else 1 to 255.
 * @param {string} method
 * @param {string} quality
 * @param {string} run
 */
export async function getShades(method, quality, run) {
  const answer = await ask(`api/map/${encodeURIComponent(method)}/${encodeURIComponent(quality)}?${new URLSearchParams({ run })}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/**
 * What an address of the API tells.
 * @param {string} address
 */
export const told = async (address) => (await ask(address)).json();

/**
 * The answer to a body that is sent to the API.
 * @param {string} address
 * @param {object} body
 */
export const post = async (address, body) => (await ask(address, json(body))).json();

/**
 * The bytes at an address of the API.
 * @param {string} address
 * @param {Asking} asking
 */
export const wavAt = async (address, asking) => (await ask(address, {}, asking)).arrayBuffer();

/**
 * The wav file of a recipe (see recipes.js).
 * @param {import("./recipes.js").Recipe} recipe
 * @param {Asking} asking
 * @returns {Promise<ArrayBuffer>}
 */
export async function getWav(recipe, asking) {
  const { kind, source, vocoder, run } = recipe;
  let answer;
  if (kind === "file") {
    answer = await reconstruct(recipe, asking);
  } else if (kind === "path") {
    const { start, via, end, steps } = recipe;
    const body = { start: bare(start), via: (via ?? []).map(bare), end: bare(end), steps, vocoder, run };
    answer = await ask("api/interpolate", json(body), asking);
  } else if (kind === "seed") {
    const { genre, seed, index, temperature, attributes } = source;
    const asked = /** @type {Record<string, string>} */ ({ genre, seed, index, temperature, run, ...(vocoder ? { vocoder } : {}) });
    const query = new URLSearchParams(asked);
    for (const [name, value] of Object.entries(attributes ?? {})) query.append("attributes", `${name}=${value}`);
    answer = await ask(`api/generate?${query}`, {}, asking);
  } else {
    answer = await ask("api/decode", json({ source: bare(source), vocoder, run }), asking);
  }
  return answer.arrayBuffer();
}

/**
 * A file after it went through the model. The server remembers it for a while; then it is sent again.
 * @param {import("./recipes.js").Recipe} recipe
 * @param {Asking} asking
 */
async function reconstruct({ source, vocoder, run, upload, file }, asking) {
  const asked = { genre: source.genre, vocoder, run, shifts: (source.shifts ?? []).join(",") };
  try {
    return await ask(`api/reconstruct?${new URLSearchParams({ ...asked, upload })}`, { method: "POST" }, asking);
  } catch (error) {
    if (!(error instanceof Refusal && error.status === 400 && file)) throw error;
    return ask(`api/reconstruct?${new URLSearchParams(asked)}`, raw(file), asking);
  }
}

/**
 * Where a recipe's sound lies: its genre, and for each of its clips a latent and a place on each map.
 * @param {import("./recipes.js").Recipe} recipe
 * @param {Asking} [asking]
 */
export async function getPlace({ kind, source, start, via, end, steps, run }, asking) {
  const body = kind === "path"
    ? { start: bare(start), via: (via ?? []).map(bare), end: bare(end), steps, run }
    : { source: bare(source), run };
  return (await ask("api/place", json(body), asking)).json();
}

/** @param {Blob} file */
const raw = (file) => ({ method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });

/**
 * Where a sound file lies.
 * @param {Blob} file
 * @param {string} run
 * @param {Asking} asking
 */
export const placeFile = async (file, run, asking) =>
  (await ask(`api/place?${new URLSearchParams({ run })}`, raw(file), asking)).json();
