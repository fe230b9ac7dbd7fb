// A recipe says all that makes a sound; it fits into a link, and a sound is named after it.

/**
 * @typedef {object} Recipe
 * @property {"seed" | "decoded" | "path" | "file" | "original"} kind
 *   seed: as the command line generates it. decoded: a point, a mix, or a seed that is varied or shifted.
 *   path: from start by way of via to end. file: somebody's own sound after the model. original: before it.
 * @property {string} run  digest of the run
 * @property {any} [source]  as the API takes it, perhaps with a name of ours
 * @property {any} [start]
 * @property {any[]} [via]
 * @property {any} [end]
 * @property {number} [steps]
 * @property {string} [vocoder]
 * @property {string} [elsewhere]  the name of the run, where it is another than the page's
 * @property {Blob} [file]  of kind "file": the first seconds as a wav file
 * @property {string} [upload]  of kind "file": the name by which the server remembers it
 */

/** @param {number} value */
const number = (value) => String(+Number(value).toFixed(4));

/** @param {any} source */
const shifted = (source) => (source.shifts ?? []).some((/** @type {number} */ shift) => shift !== 0);

/**
 * The recipe of a source: whether the server generates it as the command line does, or decodes it.
 * @param {any} source
 * @param {{ vocoder: string, run: string }} how
 * @returns {Recipe}
 */
export function recipe(source, { vocoder, run }) {
  const plain = !("point" in source || "latent" in source || "mix" in source) && !source.variations?.length && !shifted(source);
  return { kind: plain ? "seed" : "decoded", source, vocoder, run };
}

/** @param {any} source */
function pack(source) {
  const packed = new URLSearchParams();
  if (source.genre !== undefined) packed.set("genre", source.genre);
  if (source.mix !== undefined) packed.set("mix", JSON.stringify(source.mix));
  packed.set("seed", source.seed);
  if (source.index) packed.set("index", source.index);
  if (source.temperature !== undefined && source.temperature !== 1) packed.set("temperature", source.temperature);
  if (source.point !== undefined) {
    packed.set("map", source.map);
    packed.set("at", source.point.map(number).join(","));
  }
  if (source.variations?.length) packed.set("vary", source.variations.join(","));
  if (shifted(source)) packed.set("shifts", source.shifts.map(number).join(","));
  if (source.attributes !== undefined) packed.set("with", JSON.stringify(source.attributes));
  return packed;
}

/** What is wrong with a link; its message is for people. */
export class BadLink extends Error {}

/**
 * @param {URLSearchParams} packed
 * @param {string} name
 * @param {(value: number) => boolean} right
 */
function numbers(packed, name, right = Number.isFinite) {
  const found = (packed.get(name) ?? "").split(",").map((text) => (text.trim() === "" ? NaN : Number(text)));
  if (!found.every(right)) throw new BadLink(`This link is damaged: its ${name} is "${packed.get(name)}".`);
  return found;
}

/** @param {URLSearchParams} packed */
function unpack(packed) {
  const seed = packed.get("seed") ?? "0";
  if (!/^\d{1,19}$/.test(seed) || BigInt(seed) > Number.MAX_SAFE_INTEGER) {
    throw new BadLink(`This link is damaged: its seed is "${seed}", which is no whole number from 0 to 2⁵³.`);
  }
  /** @type {any} */
  const source = { seed: Number(seed) };
  if (packed.has("genre")) source.genre = packed.get("genre");
  if (packed.has("at")) {
    source.map = packed.get("map");
    source.point = numbers(packed, "at");
    if (source.point.length !== 2) throw new BadLink("This link is damaged: a place on the map has two numbers.");
  } else {
    [source.index] = packed.has("index") ? numbers(packed, "index", Number.isInteger) : [0];
    [source.temperature] = packed.has("temperature") ? numbers(packed, "temperature") : [1];
  }
  if (packed.has("mix")) {
    try {
      source.mix = JSON.parse(packed.get("mix") ?? "");
    } catch {
      throw new BadLink("This link is damaged: its mix can't be read.");
    }
  } else if (source.genre === undefined && source.point === undefined) {
    throw new BadLink("This link is damaged: it names no genre.");
  }
  if (packed.has("vary")) source.variations = numbers(packed, "vary", Number.isInteger);
  if (packed.has("with")) {
    try {
      source.attributes = JSON.parse(packed.get("with") ?? "");
    } catch {
      throw new BadLink("This link is damaged: the attributes that it asks for can't be read.");
    }
  }
  if (packed.has("shifts")) source.shifts = numbers(packed, "shifts");
  return source;
}

/**
 * Whether a recipe can be told in a link.
 * @param {Recipe} recipe
 */
export const linkable = ({ kind, source, start, via, end }) =>
  kind === "path" ? ![start, ...(via ?? []), end].some((each) => "latent" in each)
    : kind !== "file" && kind !== "original" && !("latent" in source);

/**
 * The part of a link behind the #.
 * @param {Recipe} recipe
 * @param {string} [shown]  the map that is shown
 */
export function toFragment(recipe, shown) {
  let packed;
  if (recipe.kind === "path") {
    packed = new URLSearchParams({ from: String(pack(recipe.start)), to: String(pack(recipe.end)), steps: String(recipe.steps) });
    for (const each of recipe.via ?? []) packed.append("via", String(pack(each)));
  } else {
    packed = pack(recipe.source);
  }
  if (recipe.vocoder) packed.set("vocoder", recipe.vocoder);
  packed.set("run", recipe.run.slice(0, 12));
  if (shown) packed.set("show", shown);
  return packed.toString();
}

/**
 * What a link tells: a recipe, the map that was shown, and a warning where the link is of another run. Null where it
 * tells of no sound.
 * @param {string} fragment
 * @param {any} info
 * @returns {{ recipe: Recipe, shown: string | null, warning: string } | null}
 * @throws {BadLink}
 */
export function fromFragment(fragment, info) {
  const packed = new URLSearchParams(fragment);
  if (!["genre", "at", "from", "mix", "seed"].some((name) => packed.has(name))) return null;
  const names = info.vocoders.map((/** @type {any} */ each) => each.name);
  const wanted = packed.get("vocoder");
  const vocoder = wanted !== null && names.includes(wanted) ? wanted : names[0];
  const digest = packed.get("run") ?? "";
  const warnings = [];
  if (digest && !info.run.startsWith(digest)) {
    warnings.push(`This link was made with another run (${digest.slice(0, 6)}…): here it sounds otherwise.`);
  } else if (wanted !== null && wanted !== vocoder) {
    warnings.push(`This link was made with the vocoder ${wanted}, which is not offered here.`);
  }
  const shown = packed.get("show");
  const how = { vocoder, run: info.run };
  if (!packed.has("from")) return { recipe: recipe(unpack(packed), how), shown, warning: warnings.join(" ") };
  const [start, end] = ["from", "to"].map((name) => unpack(new URLSearchParams(packed.get(name) ?? "")));
  const via = packed.getAll("via").map((text) => unpack(new URLSearchParams(text)));
  const [steps] = numbers(packed, "steps", Number.isInteger);
  return { recipe: { kind: "path", start, via, end, steps, ...how }, shown, warning: warnings.join(" ") };
}

/**
 * The attributes that a source asks for, each as text.
 * @param {any} source
 * @returns {string[]}
 */
export const asked = (source) => Object.entries(source?.attributes ?? {}).map(([name, value]) => `${name} ${value}`);

/** @param {number[]} point */
const coordinates = (point) => point.map((x) => x.toFixed(2).replace("-", "−")).join(", ");

/**
 * A source in a few words.
 * @param {any} source
 */
export function sourceName(source) {
  if (source.name !== undefined) return shifted(source) ? `${source.name}, shaped` : source.name;
  const more = [
    ...asked(source).map((each) => `, ${each}`),
    source.variations?.length ? `, varied${source.variations.length > 1 ? ` ${source.variations.length} times` : ""}` : "",
    shifted(source) ? ", shaped" : "",
  ].join("");
  if (source.point !== undefined) return `${source.genre ?? "sound"} at ${coordinates(source.point)}${more}`;
  const what = source.mix === undefined ? source.genre : mixName(source.mix);
  return `${what} · ${shortSeed(source.seed)}${source.index ? `/${source.index}` : ""}${more}`;
}

/** @param {Record<string, number>} mix */
function mixName(mix) {
  const total = Object.values(mix).reduce((sum, each) => sum + each, 0) || 1;
  const parts = Object.entries(mix).filter(([, weight]) => weight / total >= 0.005).sort((a, b) => b[1] - a[1]);
  return parts.map(([genre, weight]) => `${Math.round((100 * weight) / total)} % ${genre}`).join(" + ");
}

/**
 * A long seed by its last digits: the whole one stands under Advanced.
 * @param {number} seed
 */
const shortSeed = (seed) => (seed < 100_000 ? `seed ${seed}` : `…${String(seed).slice(-4)}`);

/** @param {Recipe} recipe */
export const recipeName = (recipe) =>
  recipe.kind === "path" ? `${sourceName(recipe.start)} → ${sourceName(recipe.end)}`
    : recipe.kind === "original" ? `${recipe.source.name} (original)`
      : `${sourceName(recipe.source)}${recipe.elsewhere ? ` (${recipe.elsewhere})` : ""}`;

/**
 * A name for the downloaded file; that of a seed is the command line's.
 * @param {Recipe} recipe
 */
export function fileName({ kind, source, start, end }) {
  const plain = (/** @type {string} */ text) =>
    text.replace(/[^\p{L}\p{N}_.-]+/gu, "-").replace(/^[.-]+|[.-]+$/g, "").slice(0, 100) || "genre";
  if (kind === "path") return `${plain(start.genre ?? "from")}-to-${plain(end.genre ?? "to")}-path.wav`;
  if (kind === "seed") return `${plain([source.genre, ...asked(source)].join("-"))}-s${source.seed}-${String(source.index).padStart(3, "0")}.wav`;
  if (kind === "original") return `${plain(source.name)}-original.wav`;
  if (source.name !== undefined) return `${plain(source.name)}-reconstruction.wav`;
  return `${plain(sourceName(source))}.wav`;
}
