// What a hand does on the map, with a mouse, fingers or keys, as what is meant by it.

const CLICK = 5; // CSS pixels that a click may stray
const STRAY = 10; // CSS pixels that a hand strays from the way it means
const CORNERS = 8; // of a path
const STEP = 24; // CSS pixels that the cross goes with an arrow key

/**
 * Listen on a map's canvas and call what is meant.
 * @param {import("./map.js").LatentMap} map
 * @param {{ hear: (point: number[]) => void, audition: (point: number[]) => void, audited: () => void,
 *   path: (points: number[][]) => void }} actions
 * @param {() => "path" | "listen" | "move"} mode  what dragging does
 */
export function listen(map, actions, mode) {
  const { canvas } = map;
  const fingers = new Map(); // pointers that are down, each with where it is
  let drag = null;

  const place = (event) => [event.offsetX, event.offsetY];

  canvas.addEventListener("pointerdown", (event) => {
    if (map.empty || event.button > 1) return;
    canvas.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, place(event));
    const moving = mode() === "move" || event.shiftKey || event.button === 1;
    drag = { from: place(event), kind: moving ? "move" : mode(), far: false, way: [map.toMap(place(event))] };
    if (fingers.size > 1) drag = { kind: "pinch", far: true };
    if (event.button === 1) event.preventDefault();
  });

  canvas.addEventListener("pointermove", (event) => {
    if (map.empty) return;
    if (!fingers.has(event.pointerId)) {
      if (event.altKey && event.pointerType === "mouse") actions.audition(map.toMap(place(event)));
      return;
    }
    const before = fingers.get(event.pointerId);
    const now = place(event);
    if (drag?.kind === "pinch") pinch(event.pointerId, before, now);
    fingers.set(event.pointerId, now);
    if (drag === null || drag.kind === "pinch") return;
    drag.far ||= distance(drag.from, now) > CLICK;
    if (!drag.far) return;
    if (drag.kind === "move") map.pan(now[0] - before[0], now[1] - before[1]);
    else if (drag.kind === "listen") actions.audition(map.toMap(now));
    else {
      drag.way.push(map.toMap(now));
      map.mark({ drag: drag.way });
    }
  });

  function pinch(id, before, now) {
    const other = [...fingers].find(([finger]) => finger !== id)?.[1];
    if (other === undefined) return;
    const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
    map.pan((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
    map.zoom(distance(now, other) / Math.max(1, distance(before, other)), middle);
  }

  canvas.addEventListener("pointerup", (event) => {
    if (!fingers.delete(event.pointerId) || drag === null) return;
    const { kind, far, way } = drag;
    if (fingers.size === 0) drag = null;
    map.mark({ drag: null });
    if (kind === "pinch") return;
    const here = map.toMap(place(event));
    if (!far) actions.hear(here);
    else if (kind === "path") actions.path(corners([...way, here].map((point) => map.toScreen(point))).map((at) => map.toMap(at)));
    else if (kind === "listen") actions.audited();
  });

  canvas.addEventListener("pointercancel", (event) => {
    fingers.delete(event.pointerId);
    drag = null;
    map.mark({ drag: null });
  });

  canvas.addEventListener("wheel", (event) => {
    if (map.empty) return;
    event.preventDefault();
    map.zoom(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 0.05 : 0.0016)), place(event));
  }, { passive: false });

  window.addEventListener("keyup", (event) => {
    if (event.key === "Alt") actions.audited();
  });

  // Keys: a cross that the arrows move stands in for the pointer.
  canvas.addEventListener("focus", () => {
    if (!map.empty && canvas.matches(":focus-visible")) {
      map.mark({ cross: map.marks.cross ?? map.marks.current?.point ?? [map.view.x, map.view.y] });
    }
  });
  canvas.addEventListener("blur", () => map.mark({ cross: null }));
  canvas.addEventListener("keydown", (event) => {
    if (map.empty || event.ctrlKey || event.metaKey) return;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const cross = map.marks.cross ?? map.marks.current?.point ?? [map.view.x, map.view.y];
    if (arrow !== undefined && event.shiftKey) map.pan(-STEP * arrow[0], -STEP * arrow[1]);
    else if (arrow !== undefined) {
      const [left, top] = map.toScreen(cross);
      const next = map.toMap([left + STEP * arrow[0], top + STEP * arrow[1]]);
      map.mark({ cross: next });
      map.reveal(next);
      if (event.altKey) actions.audition(next);
    } else if (event.key === "Enter") actions.hear(cross);
    else if (event.key === "+" || event.key === "=") map.zoom(1.5);
    else if (event.key === "-") map.zoom(1 / 1.5);
    else if (event.key === "0") map.reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/**
 * The corners of a line that was drawn by hand: few enough for a path, and none nearer to a straight way than a hand draws
 * (Douglas and Peucker, Algorithms for the Reduction of the Number of Points, 1973).
 * @param {number[][]} drawn  places in CSS pixels
 * @returns {number[][]}
 */
export function corners(drawn) {
  const [first, last] = [drawn[0], drawn[drawn.length - 1]];
  for (let tolerance = STRAY; ; tolerance *= 1.5) {
    const found = reduce(drawn, tolerance);
    if (found.length <= CORNERS) return found.length > 1 ? found : [first, last];
  }
}

/**
 * @param {number[][]} drawn
 * @param {number} tolerance
 * @returns {number[][]}
 */
function reduce(drawn, tolerance) {
  const [a, b] = [drawn[0], drawn[drawn.length - 1]];
  const length = distance(a, b);
  let farthest = 0;
  let most = 0;
  for (let i = 1; i < drawn.length - 1; i++) {
    const [x, y] = drawn[i];
    const away = length < 1e-9 ? distance(a, drawn[i])
      : Math.abs((b[0] - a[0]) * (a[1] - y) - (a[0] - x) * (b[1] - a[1])) / length;
    if (away > most) [farthest, most] = [i, away];
  }
  if (most <= tolerance) return [a, b];
  return [...reduce(drawn.slice(0, farthest + 1), tolerance).slice(0, -1), ...reduce(drawn.slice(farthest), tolerance)];
}

/**
 * @param {number[]} from
 * @param {number[]} to
 */
const distance = ([a, b], [c, d]) => Math.hypot(a - c, b - d);
