// Asks the server; when it is busy waits as long as it says, and turns what goes wrong into a sentence.

const PATIENCE = 3; // times that a busy server is asked again

/** An answer that says why it is none; its message is for people. */
export class Refusal extends Error {}

/** fetch, with errors as sentences. An aborted request throws AbortError as usual. */
async function ask(path, options = {}) {
  for (let attempt = 0; ; attempt++) {
    let answer;
    try {
      answer = await fetch(path, options);
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refusal("The server does not answer. Is genvae serve still running?");
    }
    if (answer.ok) return answer;
    if (answer.status === 503 && attempt < PATIENCE) {
      const seconds = Number(answer.headers.get("Retry-After")) || 1;
      await new Promise((done) => setTimeout(done, 1000 * seconds));
      options.signal?.throwIfAborted();
      continue;
    }
    throw new Refusal(await reason(answer));
  }
}

async function reason(answer) {
  try {
    return (await answer.json()).detail;
  } catch {
    return `The server answered with an error (${answer.status}).`;
  }
}

const json = (body, signal) => ({
  method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, signal,
});

/** A source without the name that only the page has for it. */
const bare = ({ name, ...source }) => source;

export const getInfo = async () => (await ask("api/info")).json();

/** The training clips on a map: x and y of each in turn, and the index of each one's genre. */
export async function getMap(method) {
  const buffer = await (await ask(`api/map/${encodeURIComponent(method)}`)).arrayBuffer();
  const count = buffer.byteLength / 10;
  return { points: new Float32Array(buffer, 0, 2 * count), genres: new Uint16Array(buffer, 8 * count, count) };
}

/** The wav file of a recipe (see recipes.js), as an ArrayBuffer. */
export async function getWav(recipe, signal) {
  const { kind, source, vocoder } = recipe;
  let answer;
  if (kind === "path") {
    const { start, end, steps } = recipe;
    answer = await ask("api/interpolate", json({ start: bare(start), end: bare(end), steps, vocoder }, signal));
  } else if (kind === "seed") {
    const { genre, seed, index, temperature } = source;
    answer = await ask(`api/generate?${new URLSearchParams({ genre, seed, index, temperature, vocoder })}`, { signal });
  } else {
    answer = await ask("api/decode", json({ source: bare(source), vocoder }, signal));
  }
  return answer.arrayBuffer();
}

/** Where a recipe's sound lies: its genre, and for each of its clips a latent and a place on each map. */
export async function getPlace({ kind, source, start, end, steps }, signal) {
  const body = kind === "path" ? { start: bare(start), end: bare(end), steps } : { source: bare(source) };
  return (await ask("api/place", json(body, signal))).json();
}

const raw = (file) => ({ method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } });

/** Where a sound file lies. */
export const placeFile = async (file) => (await ask("api/place", raw(file))).json();

/** A sound file after it went through the model, as an ArrayBuffer. */
export const reconstructFile = async (file, genre, vocoder) =>
  (await ask(`api/reconstruct?${new URLSearchParams({ genre, vocoder })}`, raw(file))).arrayBuffer();
