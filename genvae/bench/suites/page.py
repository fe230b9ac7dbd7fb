"""The page of `genvae serve` in a headless browser, as a case of the suite `serve`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from genvae.bench.contest import Call, Case, Contender, Scale, Score

POINTS = 100_000  # of the map that is redrawn
_FRAMES = 60
_SETTLED = 1500  # ms after which a browser that was started has loaded its own pages, which take a core from ours
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_SIZE = {"width": 1440, "height": 960}
_WATCH = """
window.addEventListener("keydown", () => { window.pressed = performance.now(); window.sounded = 0; }, true);
window.blocked = [];
new PerformanceObserver((list) => window.blocked.push(...list.getEntries().map((entry) => entry.duration)))
  .observe({ type: "longtask" });
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function () {
  window.sounded = performance.now();
  return start.apply(this, arguments);
};
"""
"""Notes when a key went down, when a sound was started, and what kept the page from answering for 50 ms or more."""
_PAN = """async (frames) => {
  const canvas = document.querySelector("#points");
  const { left, top, width, height } = canvas.getBoundingClientRect();
  const move = (type, i) => canvas.dispatchEvent(new PointerEvent(type, {
    clientX: left + width / 2 + 2 * i, clientY: top + height / 2 + i, pointerId: 1, bubbles: true, shiftKey: true }));
  canvas.setPointerCapture = () => {};
  move("pointerdown", 0);
  for (let i = 4; i < 4 + frames; i++) {
    move("pointermove", i);
    if (i === 4) performance.clearMeasures("genvae:map");
    await new Promise(requestAnimationFrame);
  }
  move("pointerup", 4 + frames);
  return performance.getEntriesByName("genvae:map").map((entry) => entry.duration);
}"""
"""Drags the map a step a frame, and gives the milliseconds that each frame's drawing took."""


@dataclass(frozen=True)
class Moments:
    """Milliseconds of one visit.

    Attributes:
        paint: until something is seen.
        ready: until a genre can be pressed.
        sound: from a key to a sound, with nothing else to do.
        behind_path: the same while a path is being made that nobody waits for any more.
        blocked: the longest that the page did not answer while sounds were made.
        frames: of each redraw of a map of POINTS points.
    """

    paint: float
    ready: float
    sound: float
    behind_path: float
    blocked: float
    frames: list[float]


def page_case(address: str) -> Case:
    """A visit: the page is opened, a genre pressed, a large map dragged. The clock is the page's own."""
    return Case(
        suite="serve",
        name=f"the page, with a map of {POINTS:,} points",
        clock="wall",
        score=_scores,
        scales=[Scale("whole visit", "s", 1.0, rate=False)],
        contenders=[Contender(name="chromium", make=partial(_visitor, address))],
    )


def _scores(visit: Moments) -> Mapping[str, Score]:
    values = {
        "first paint": visit.paint,
        "genres shown": visit.ready,
        "press to sound": visit.sound,
        "press to sound, behind a path given up": visit.behind_path,
        "longest task": visit.blocked,
        "redraw p50": float(np.percentile(visit.frames, 50)),
        "redraw p95": float(np.percentile(visit.frames, 95)),
    }
    return {name: Score(value, "ms", "lower") for name, value in values.items()}


def _visitor(address: str) -> Call:
    """Find a browser, and visit once to warm the server.

    Raises:
        ImportError: playwright is not installed.
        RuntimeError: there is no chromium.
    """
    import playwright.sync_api  # noqa: F401  # so that its absence is the reason

    if shutil.which("chromium") is None:
        raise RuntimeError("there is no chromium on the path")

    def visit() -> Moments:
        with ThreadPoolExecutor(1) as thread:  # a notebook's own thread has an event loop, which playwright refuses
            return thread.submit(_visit, address).result()

    return visit


def _visit(address: str) -> Moments:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=list(_FLAGS))
        try:
            blank = browser.new_page()
            blank.wait_for_timeout(_SETTLED)
            blank.close()
            return Moments(*_first_moments(browser, address), _redraws(browser, address))
        finally:
            browser.close()


def _first_moments(browser: Any, address: str) -> tuple[float, float, float, float, float]:
    """What `Moments` says, but for the frames."""
    page = browser.new_context(viewport=_SIZE).new_page()
    page.add_init_script(_WATCH)
    page.goto(address)
    page.wait_for_selector(".genre")
    page.wait_for_function("() => performance.getEntriesByType('paint').length > 0")
    paint = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime")
    ready = page.evaluate("performance.now()")
    page.wait_for_selector("#play:enabled")
    for key in ("1", "1"):  # the first one opens the sound card
        page.keyboard.press(key)
        page.wait_for_function("() => window.sounded > 0")
    sound = page.evaluate("window.sounded - window.pressed")
    page.click("#set-a")
    page.keyboard.press("2")
    page.wait_for_function("() => window.sounded > 0")
    page.click("#set-b")
    with page.expect_request(lambda request: "/api/interpolate" in request.url):  # a fast one never shows that it waits
        page.click("#path")
    page.keyboard.press("1")
    page.wait_for_function("() => window.sounded > 0")
    behind = page.evaluate("window.sounded - window.pressed")
    blocked = page.evaluate("Math.max(0, ...window.blocked)")
    page.context.close()
    return paint, ready, sound, behind, blocked


def _redraws(browser: Any, address: str) -> list[float]:
    generator = np.random.default_rng(0)
    points = generator.normal(32768, 8000, size=(2, POINTS)).clip(0, 65535).astype("<u2").tobytes()
    body = points + generator.integers(0, 3, POINTS).astype("<u2").tobytes()
    page = browser.new_context(viewport=_SIZE).new_page()
    page.route("**/api/map/**", lambda route: route.fulfill(body=body))
    with page.expect_response("**/api/map/**"):
        page.goto(address)
    page.wait_for_timeout(1000)  # until the points are drawn, and all is quiet
    times: list[float] = page.evaluate(_PAN, _FRAMES)
    page.context.close()
    return times
