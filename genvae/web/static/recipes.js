// A recipe says all that makes a sound; it fits into a link, and a sound is named after it.
//
// { kind: "seed", source: { genre, seed, index, temperature, shifts? }, vocoder }   drawn from the prior
// { kind: "place", source: { map, point, genre?, seed, shifts? }, vocoder }         a point on the map
// { kind: "path", start: source, end: source, steps, vocoder }                      from one to the other
// A file's source is { genre, latent, seed }, which no link can hold.

const number = (value) => String(+Number(value).toFixed(4));

const shifted = (source) => (source.shifts ?? []).some((shift) => shift !== 0);

/** The recipe of a source: whether the server generates it as the command line does, or decodes it. */
export const recipe = (source, vocoder) => ({ kind: "point" in source || "latent" in source ? "place" : shifted(source) ? "shaped" : "seed", source, vocoder });

function pack(source) {
  const packed = new URLSearchParams();
  if (source.genre !== undefined) packed.set("genre", source.genre);
  packed.set("seed", source.seed);
  if (source.index) packed.set("index", source.index);
  if (source.temperature !== undefined && source.temperature !== 1) packed.set("temperature", source.temperature);
  if (source.point !== undefined) {
    packed.set("map", source.map);
    packed.set("at", source.point.map(number).join(","));
  }
  if (shifted(source)) packed.set("shifts", source.shifts.map(number).join(","));
  return packed;
}

function unpack(packed) {
  const numbers = (name) => packed.get(name).split(",").map(Number);
  const source = { seed: packed.get("seed") ?? "0" };
  if (!/^\d{1,19}$/.test(source.seed)) return null;
  source.seed = BigInt(source.seed) <= Number.MAX_SAFE_INTEGER ? Number(source.seed) : null;
  if (source.seed === null) return null;
  if (packed.has("genre")) source.genre = packed.get("genre");
  if (packed.has("at")) {
    source.map = packed.get("map");
    source.point = numbers("at");
    if (source.point.length !== 2 || !source.point.every(Number.isFinite)) return null;
  } else {
    source.index = Number(packed.get("index") ?? 0);
    source.temperature = Number(packed.get("temperature") ?? 1);
    if (source.genre === undefined || !Number.isInteger(source.index) || !Number.isFinite(source.temperature)) return null;
  }
  if (packed.has("shifts")) {
    source.shifts = numbers("shifts");
    if (!source.shifts.every(Number.isFinite)) return null;
  }
  return source;
}

/** Whether a recipe can be told in a link. */
export const linkable = ({ kind, source, start, end }) =>
  kind === "path" ? !("latent" in start || "latent" in end) : source !== undefined && !("latent" in source);

/** The part of a link behind the #. */
export function toFragment(recipe, shown) {
  let packed;
  if (recipe.kind === "path") {
    packed = new URLSearchParams({ from: pack(recipe.start), to: pack(recipe.end), steps: recipe.steps });
  } else {
    packed = pack(recipe.source);
  }
  packed.set("vocoder", recipe.vocoder);
  if (shown) packed.set("show", shown);
  return packed.toString();
}

/** The recipe that `toFragment` told and the map that was shown; null where there is none that makes sense. */
export function fromFragment(fragment, vocoders) {
  const packed = new URLSearchParams(fragment);
  const vocoder = vocoders.includes(packed.get("vocoder")) ? packed.get("vocoder") : vocoders[0];
  const shown = packed.get("show");
  if (packed.has("from") && packed.has("to")) {
    const start = unpack(new URLSearchParams(packed.get("from")));
    const end = unpack(new URLSearchParams(packed.get("to")));
    const steps = Number(packed.get("steps"));
    return start && end && Number.isInteger(steps) ? { recipe: { kind: "path", start, end, steps, vocoder }, shown } : null;
  }
  if (!packed.has("genre") && !packed.has("at")) return null;
  const source = unpack(packed);
  return source && { recipe: recipe(source, vocoder), shown };
}

/** A source in a few words. */
export function sourceName(source) {
  if (source.name !== undefined) return source.name;
  const shape = shifted(source) ? ", shaped" : "";
  if (source.point !== undefined) return `${source.genre ?? "sound"} at ${source.point.map((x) => x.toFixed(2).replace("-", "−")).join(", ")}${shape}`;
  return `${source.genre} · seed ${source.seed}${source.index ? `/${source.index}` : ""}${shape}`;
}

export const recipeName = (recipe) =>
  recipe.kind === "path" ? `${sourceName(recipe.start)} → ${sourceName(recipe.end)}` : sourceName(recipe.source);

/** A name for the downloaded file; that of a seed is the command line's. */
export function fileName(recipe) {
  const plain = (text) => text.replace(/[^\p{L}\p{N}_.-]+/gu, "-").replace(/^[.-]+|[.-]+$/g, "").slice(0, 100) || "genre";
  const { kind, source, start, end } = recipe;
  if (kind === "path") return `${plain(start.genre ?? "from")}-to-${plain(end.genre ?? "to")}-path.wav`;
  if (kind === "seed") return `${plain(source.genre)}-s${source.seed}-${String(source.index).padStart(3, "0")}.wav`;
  if (source.name !== undefined) return `${plain(source.name)}-reconstruction.wav`;
  return `${plain(sourceName(source))}.wav`;
}
