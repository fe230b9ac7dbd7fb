// What the sliders along principal directions are called.

/**
 * A name for each direction: what it does, as briefly as tells it from the others.
 * @param {{ does: string[], measured: number }[]} directions
 * @param {string} [sense]  by which that is found out
 * @returns {string[]}
 */
export function sliderNames(directions, sense = "listening") {
  /** @type {Set<string>} */
  const taken = new Set();
  return directions.map(({ does, measured }) => {
    if (measured < 1) return `${sense} what it does, ${Math.round(100 * measured)} %`;
    const words = does.length ? does : ["of another character"];
    let name = words[0];
    for (let i = 1; taken.has(name) && i < words.length; i++) name = words.slice(0, i + 1).join(", ");
    for (let i = 2; taken.has(name); i++) name = `${words[0]}, in another way${i > 2 ? ` ${i}` : ""}`;
    taken.add(name);
    return name;
  });
}
