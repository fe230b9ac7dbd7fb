"""What the tests of the page in a browser share: one server, one browser, and hands that press, drag and listen.

With GENVAE_PICTURES=docs/pictures the pictures of the docs are made on the way.
"""

from __future__ import annotations

import base64
import io
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PICTURES = os.environ.get("GENVAE_PICTURES")
DESKTOP = {"width": 1280, "height": 1000}
AUDIBLE = 1e-4  # root mean square; a soft piano has 1e-3, the rounding to 16 bits 1e-5
PATIENCE = 60_000  # ms, for a machine that has other work

# What is handed to the sound card: how long and how loud; started tells from which second.
LISTEN = """
window.heard = [];
const start = AudioBufferSourceNode.prototype.start;
AudioBufferSourceNode.prototype.start = function (when, from) {
  const samples = this.buffer.getChannelData(0);
  const level = Math.sqrt(samples.reduce((sum, x) => sum + x * x, 0) / samples.length);
  const { playbackRate, loop } = this;
  window.heard.push({ level, seconds: this.buffer.duration, from: from ?? 0, rate: playbackRate.value, loop });
  return start.apply(this, arguments);
};
window.sent = []; // the bytes of each request's body
const plainFetch = window.fetch;
window.fetch = function (address, { body } = {}) {
  window.sent.push({ address, bytes: body?.size ?? body?.length ?? 0 });
  return plainFetch.apply(this, arguments);
};
"""


_shared: dict[str, object] = {}
"""The server and the browser: once for all modules that import the fixtures."""


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> str:
    """The address of `genvae serve` with the pretrained run."""
    if "server" in _shared:
        return str(_shared["server"])
    serving = ExitStack()
    request.config.add_cleanup(serving.close)
    address = serving.enter_context(serve())
    _shared["server"] = address
    return address


@contextmanager
def serve(*arguments: str | Path) -> Iterator[str]:
    """The address of `genvae serve` with some arguments, as long as the block lasts."""
    command = [sys.executable, "-m", "genvae", "serve", "--port", "0", *map(str, arguments)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        address = re.search(r"http://\S+", said)
        assert address, said + process.stderr.read()
        yield address[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Browser:
    if "browser" not in _shared:
        playwright = sync_playwright().start()
        request.config.add_cleanup(playwright.stop)
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        request.config.add_cleanup(launched.close)  # the last one is called first
        _shared["browser"] = launched
    found = _shared["browser"]
    assert isinstance(found, Browser)
    return found


@contextmanager
def opening(server: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open pages in fresh profiles; at the end, nothing but the server was asked, and nothing was complained of."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    complaints: list[str] = []

    def open_it(fragment: str = "", *, prepare: object = None, ready: bool = True, **options: object) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(LISTEN)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        if prepare:
            prepare(page)
        page.goto(server + fragment)
        if ready:
            expect(page.locator(".genre")).to_have_count(3)
            expect(page.locator("#title")).not_to_have_text("No sound yet")
            page.wait_for_function("() => performance.getEntriesByName('genvae:map').length > 0")
        return page

    open_it.tolerated = "nothing"  # type: ignore[attr-defined]  # what a test provokes the browser to complain of
    expect.set_options(timeout=PATIENCE)
    yield open_it
    for context in contexts:
        context.close()
    elsewhere = [url for url in asked if not url.startswith((server, "blob:", "data:"))]
    assert elsewhere == []
    assert [said for said in complaints if open_it.tolerated not in said] == []  # type: ignore[attr-defined]


@pytest.fixture
def open_page(server: str, browser: Browser) -> Iterator[Callable[..., Page]]:
    with opening(server, browser) as open_it:
        yield open_it


@pytest.fixture
def page(open_page) -> Page:
    return open_page()


def drawn(page: Page) -> None:
    """Wait until what was asked to be drawn with the next frame is drawn."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def still(page: Page) -> None:
    """Wait until no colour fades into another any more: between two schemes no contrast holds."""
    drawn(page)
    page.evaluate(
        """() => Promise.allSettled(document.getAnimations()
          .filter((each) => each.effect.getComputedTiming().endTime !== Infinity)
          .map((each) => each.finished))"""
    )


def resting(page: Page) -> None:
    """Wait until nothing is being made."""
    expect(page.locator("#stage")).to_have_attribute("aria-busy", "false")


def genres(page: Page) -> list[str]:
    group = page.get_by_role("group", name="Genres", exact=True)
    return [button.locator("span").inner_text() for button in group.get_by_role("button").all()]


def make(page: Page, press: object = None) -> np.ndarray:
    """Do something that makes a sound, wait until it plays, and give the samples that the page got."""
    before = page.evaluate("heard.length")
    got: list[Request] = []

    def note(request: Request) -> None:
        got.append(request)

    page.on("requestfinished", note)
    if press is None:
        page.keyboard.press("1")
    else:
        press()
    page.wait_for_function("before => heard.length > before", arg=before)
    played = page.evaluate("heard.at(-1)")
    page.remove_listener("requestfinished", note)
    if press is None:  # far from what was learnt, a slider may find silence
        assert played["level"] > AUDIBLE, "it is silent"
    # A drag makes several sounds, of which one is played.
    answers = [request.response() for request in got]
    sounds = [answer for answer in answers if answer and answer.headers.get("content-type") == "audio/wav"]
    for answer in reversed(sounds):
        samples, rate = soundfile.read(io.BytesIO(answer.body()))
        assert np.isfinite(samples).all()
        same = played["seconds"] == pytest.approx(len(samples) / rate, abs=0.01)
        if same and played["level"] == pytest.approx(float(np.sqrt(np.square(samples).mean())), rel=0.01):
            return samples
    raise AssertionError(f"what is played, {played}, is none of the {len(sounds)} sounds that the page got")


def placed(page: Page) -> None:
    """Wait until the nearest training sounds are listed."""
    page.evaluate("document.querySelector('#near-by').open = true")
    expect(page.get_by_role("list", name="Nearest training sounds").get_by_role("button")).to_have_count(6)


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place on the map, in parts of its size, in pixels of the page."""
    page.locator("#points").scroll_into_view_if_needed()
    box = page.locator("#points").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def advanced(page: Page) -> None:
    page.evaluate("document.querySelector('#advanced').open = true")


def accessible(page: Page) -> None:
    """Check that axe finds nothing, and that nothing lies beyond the right edge."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    still(page)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def wave_file(path: Path, seconds: float, rate: int = 44100) -> Path:
    """A tone that fades."""
    times = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * 220 * times) * np.linspace(1, 0.2, len(times)), rate)
    return path


def drop(page: Page, file: Path) -> None:
    """Drop a file on the page, as from the desktop."""
    page.mouse.click(5, 5)  # browsers let a page play once it was used
    transfer = page.evaluate_handle(
        """([name, content]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], name));
          return transfer;
        }""",
        [file.name, base64.b64encode(file.read_bytes()).decode()],
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
    expect(page.locator("#veil")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})


def hold(page: Page, pattern: str) -> list[Route]:
    """Let no request of a kind be answered; they are in the list, to be let go."""
    held: list[Route] = []
    page.route(pattern, lambda route: held.append(route))
    return held


def rows(page: Page) -> list[str]:
    return page.locator("#history .name").all_inner_texts()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        few = shown.quantize(256, Image.Quantize.MAXCOVERAGE, kmeans=4, dither=Image.Dither.NONE)  # keeps rare colours
        few.save(Path(PICTURES) / f"{name}.png", optimize=True)
