"""The page in a real browser, used as a person would: by clicking, dragging, typing and dropping.

With GENVAE_PICTURES=docs/pictures the pictures of the docs are made on the way.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Response, expect, sync_playwright
from second_map import add_second_map

from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.provenance import read

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
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
  window.heard.push({ level, seconds: this.buffer.duration, from: from ?? 0 });
  return start.apply(this, arguments);
};
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of `genvae serve` on a copy of the embedded run, with a second map."""
    run = Path(shutil.copytree(pretrained_run(), tmp_path_factory.mktemp("served") / "run"))
    add_second_map(Run(run))
    process = subprocess.Popen(
        [sys.executable, "-m", "genvae", "serve", "--run", str(run), "--port", "0"], stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    try:
        said = process.stderr.readline()
        address = re.search(r"http://\S+", said)
        assert address, said + process.stderr.read()
        yield address[0]
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(server: str, browser: Browser) -> Iterator[object]:
    """Open the page in a fresh profile; at the end, nothing but the server was asked, and nothing was complained of."""
    contexts: list[BrowserContext] = []
    asked: list[str] = []
    complaints: list[str] = []

    def open_it(fragment: str = "", **options: object) -> Page:
        context = browser.new_context(**{"viewport": DESKTOP, **options})
        contexts.append(context)
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=server)
        context.set_default_timeout(PATIENCE)
        context.add_init_script(LISTEN)
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.goto(server + fragment)
        expect(page.get_by_role("group", name="Genres", exact=True).get_by_role("button")).to_have_count(3)
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
def page(open_page) -> Page:
    return open_page()


def genres(page: Page) -> list[str]:
    group = page.get_by_role("group", name="Genres", exact=True)
    return [button.locator("span").inner_text() for button in group.get_by_role("button").all()]


def make(page: Page, press: object = None) -> np.ndarray:
    """Do something that makes a sound, wait until it plays, and give the samples that the page got."""
    before = page.evaluate("heard.length")

    def sounding(answer: Response) -> bool:
        return answer.headers.get("content-type") == "audio/wav"

    with page.expect_response(sounding) as answered:
        if press is None:
            page.keyboard.press("1")
        else:
            press()
    page.wait_for_function("before => heard.length > before", arg=before)
    samples, rate = soundfile.read(io.BytesIO(answered.value.body()))
    assert np.isfinite(samples).all()
    played = page.evaluate("heard.at(-1)")
    assert played["seconds"] == pytest.approx(len(samples) / rate, abs=0.01)
    assert played["level"] == pytest.approx(float(np.sqrt(np.square(samples).mean())), rel=0.01)
    assert played["level"] > AUDIBLE, "it is silent"
    return samples


def placed(page: Page) -> None:
    """Wait until the nearest training sounds are listed."""
    expect(page.get_by_role("list", name="Nearest training sounds").get_by_role("button")).to_have_count(6)


def at(page: Page, x: float, y: float) -> tuple[float, float]:
    """A place on the map, in parts of its size, in pixels of the page."""
    page.locator("#points").scroll_into_view_if_needed()
    box = page.locator("#points").bounding_box()
    assert box is not None
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def rows(page: Page) -> list[str]:
    return page.locator("#history .name").all_inner_texts()


def picture(page: Page, name: str) -> None:
    if PICTURES:
        shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        shown.quantize(256, dither=Image.Dither.NONE).save(Path(PICTURES) / f"{name}.png", optimize=True)


def test_a_genre_is_pressed_by_mouse_and_by_key(page):
    for index, genre in enumerate(genres(page)):
        make(page, page.get_by_role("group", name="Genres", exact=True).get_by_role("button", name=genre).click)
        expect(page.locator("#title")).to_contain_text(genre)
        make(page, lambda: page.keyboard.press(str(index + 1)))  # noqa: B023
        expect(page.locator("#title")).to_contain_text(genre)
    first = page.locator("#title").inner_text()
    make(page, lambda: page.keyboard.press("g"))
    expect(page.locator("#title")).not_to_have_text(first)
    placed(page)
    expect(page.get_by_role("status")).to_contain_text(first.split(" ")[0])


def test_space_plays_and_stops_and_a_click_on_the_spectrogram_seeks(page):
    make(page, page.locator(".genre").first.click)
    expect(page.locator("#play-label")).to_have_text("Play")  # it has ended
    before = page.evaluate("heard.length")
    page.keyboard.press("Space")
    page.wait_for_function("before => heard.length === before + 1", arg=before)
    page.locator("#spectrogram").click(position={"x": 300, "y": 60})
    page.wait_for_function("() => heard.at(-1).from > 0.1")
    page.keyboard.press("Space")
    expect(page.locator("#play-label")).to_have_text("Play")
    page.get_by_role("slider", name="Position in the sound").fill("0.5")
    page.keyboard.press("Space")
    assert page.evaluate("heard.length") > before
    assert page.locator("#playhead").is_visible()


def test_the_spectrogram_shows_the_sound(page):
    empty = page.evaluate("document.querySelector('#spectrogram').toDataURL()")
    make(page)
    colours = page.evaluate("""() => {
      const canvas = document.querySelector('#spectrogram');
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      return new Set(new Uint32Array(data.buffer)).size;
    }""")
    assert colours > 100
    assert page.evaluate("document.querySelector('#spectrogram').toDataURL()") != empty


def test_the_seed_can_be_typed_and_locked(page):
    page.get_by_label("Seed", exact=True).fill("42")
    assert page.get_by_label("Lock").is_checked()
    first = make(page, page.locator(".genre").first.click)
    again = make(page, page.locator(".genre").first.click)
    assert np.array_equal(first, again)
    expect(page.locator("#title")).to_contain_text("seed 42")
    page.keyboard.press("l")
    assert not page.get_by_label("Lock").is_checked()
    assert not np.array_equal(first, make(page, page.locator(".genre").first.click))
    page.get_by_label("Seed", exact=True).fill("many")
    page.locator(".genre").first.click()
    expect(page.get_by_role("status")).to_contain_text("whole number")


def test_temperature_and_vocoder_make_the_same_seed_sound_otherwise(page):
    first = make(page)

    def cooler() -> None:
        page.get_by_label("Temperature").focus()
        page.keyboard.press("Home")

    cold = make(page, cooler)
    assert not np.array_equal(first, cold)
    other = make(page, lambda: page.get_by_label("Vocoder").select_option("spsi"))
    assert not np.array_equal(cold, other)
    assert len({re.search(r"seed \d+", row)[0] for row in rows(page)}) == 1
    options = page.get_by_label("Vocoder").locator("option").all_inner_texts()
    assert "pghi" not in options


def test_the_download_is_the_command_lines_file_with_its_provenance(page, tmp_path):
    page.get_by_label("Seed", exact=True).fill("42")
    genre = genres(page)[-1]
    make(page, page.locator(".genre").last.click)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download").click()
    assert downloading.value.suggested_filename == f"{genre}-s42-000.wav"
    downloading.value.save_as(tmp_path / "sound.wav")
    told = read(tmp_path / "sound.wav")
    assert (told.genre, told.seed, told.index) == (genre, 42, 0)
    made = subprocess.run(
        [sys.executable, "-m", "genvae", "generate", "--genre", genre, "--seed", "42", "-o", "-"],
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    assert (tmp_path / "sound.wav").read_bytes() == made.stdout


def test_a_link_restores_the_sound_and_starts_none(page, open_page):
    page.get_by_label("Temperature").focus()
    page.keyboard.press("Home")
    make(page, lambda: page.locator(".genre").first.click())
    page.locator("#shape input[type=range]").first.focus()
    shaped = make(page, lambda: page.keyboard.press("End"))
    page.get_by_label("Projection").select_option("umap")
    placed(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.get_by_role("status")).to_contain_text("copied")
    link = page.evaluate("navigator.clipboard.readText()")

    other = open_page("#" + link.split("#")[1])
    expect(other.locator("#title")).to_have_text(page.locator("#title").inner_text())
    placed(other)
    assert other.evaluate("heard.length") == 0
    for label in ("Seed", "Temperature", "Vocoder", "Projection"):
        assert (
            other.get_by_label(label, exact=label == "Seed").input_value()
            == page.get_by_label(label, exact=label == "Seed").input_value()
        )
    assert other.locator("#shape .value").first.inner_text() == "4.0"
    expect(other.get_by_role("status")).to_contain_text("press Play")
    other.keyboard.press("Space")
    other.wait_for_function("() => heard.length === 1")
    assert other.evaluate("heard[0].level") == pytest.approx(float(np.sqrt(np.square(shaped).mean())), rel=0.01)


def test_a_click_on_the_map_plays_that_place_and_lists_what_is_near(page):
    make(page, lambda: page.mouse.click(*at(page, 0.5, 0.5)))
    placed(page)
    expect(page.locator("#title")).to_contain_text(" at ")
    expect(page.locator("#sparse")).to_be_hidden()
    near = page.get_by_role("list", name="Nearest training sounds").get_by_role("button").first
    make(page, near.click)
    picture(page, "page")
    make(page, lambda: page.mouse.click(*at(page, 0.02, 0.97)))
    expect(page.locator("#sparse")).to_be_visible()


def test_the_map_zooms_pans_filters_and_changes_its_projection(page):
    def pixels() -> str:
        page.wait_for_timeout(100)
        return page.evaluate("document.querySelector('#points').toDataURL()")

    seen = [pixels()]
    page.mouse.move(*at(page, 0.5, 0.5))
    page.mouse.wheel(0, -400)
    seen.append(pixels())
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(*at(page, 0.7, 0.6), steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    seen.append(pixels())
    page.get_by_role("button", name="Zoom in").click()
    seen.append(pixels())
    page.get_by_role("button", name="Whole map").click()
    assert pixels() == seen[0]
    page.get_by_role("group", name="Genres on the map").get_by_role("checkbox").first.click()
    seen.append(pixels())
    page.get_by_label("Projection").select_option("umap")
    page.wait_for_timeout(500)
    seen.append(pixels())
    assert len(set(seen)) == len(seen)
    assert page.evaluate("heard.length") == 0


def test_alt_and_moving_auditions_and_keeps_the_last(page):
    page.mouse.move(*at(page, 0.4, 0.4))
    page.keyboard.down("Alt")
    make(page, lambda: page.mouse.move(*at(page, 0.45, 0.5), steps=5))
    make(page, lambda: page.mouse.move(*at(page, 0.6, 0.5), steps=5))
    page.wait_for_timeout(300)
    assert rows(page) == []
    page.keyboard.up("Alt")
    expect(page.locator("#history .name")).to_have_count(1)


def test_dragging_makes_a_path_that_plays_and_downloads_as_one_file(page, tmp_path):
    def drag() -> None:
        page.mouse.move(*at(page, 0.35, 0.6))
        page.mouse.down()
        page.mouse.move(*at(page, 0.5, 0.5), steps=3)
        page.mouse.move(*at(page, 0.65, 0.4), steps=3)
        page.mouse.up()

    path = make(page, drag)
    expect(page.locator("#title")).to_contain_text("→")
    expect(page.locator("#a-name")).to_contain_text(" at ")
    picture(page, "path")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download").click()
    downloading.value.save_as(tmp_path / "path.wav")
    samples, rate = soundfile.read(tmp_path / "path.wav")
    assert np.array_equal(samples, path)
    assert len(samples) / rate > 2


def test_history_replays_pins_and_compares(page):
    make(page, lambda: page.keyboard.press("1"))
    oldest = rows(page)[0]
    make(page, lambda: page.keyboard.press("2"))
    middle = rows(page)[0]
    make(page, lambda: page.keyboard.press("3"))
    assert rows(page)[1:] == [middle, oldest]
    page.get_by_role("button", name=f"Pin: {oldest}").click()
    assert rows(page)[0] == oldest
    before = page.evaluate("heard.length")
    page.get_by_role("button", name=f"Play: {middle}").click()
    page.wait_for_function("before => heard.length === before + 1", arg=before)
    expect(page.locator("#title")).to_have_text(middle)
    page.get_by_role("button", name=f"Keep as A: {oldest}").click()
    page.get_by_role("button", name=f"Keep as B: {middle}").click()
    page.keyboard.press("a")
    expect(page.locator("#title")).to_have_text(oldest)
    page.keyboard.press("x")
    expect(page.locator("#title")).to_have_text(middle)
    page.get_by_label("Steps").fill("3")
    make(page, page.get_by_role("button", name="Play the path from A to B").click)
    assert "→" in rows(page)[1]


def test_the_sliders_shape_the_sound(page):
    first = make(page)
    page.locator("#shape input[type=range]").first.focus()
    shaped = make(page, lambda: page.keyboard.press("End"))
    assert not np.array_equal(first, shaped)
    expect(page.locator("#title")).to_contain_text("shaped")
    back = make(page, page.get_by_role("button", name="Reset").click)
    assert np.array_equal(first, back)


@pytest.mark.parametrize("kind", ["wav", "flac", "mp3", "ogg"])
def test_a_dropped_file_is_placed_and_reconstructed_and_can_end_a_path(page, tmp_path, kind):
    rate = 44100
    tone = 0.4 * np.sin(2 * np.pi * 220 * np.arange(2 * rate) / rate) * np.linspace(1, 0.2, 2 * rate)
    file = tmp_path / f"my tone.{kind}"
    soundfile.write(file, tone, rate)
    content = list(file.read_bytes())
    before = page.evaluate("heard.length")
    page.mouse.click(5, 5)  # browsers let a page play once it was used
    transfer = page.evaluate_handle(
        """([name, content]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([new Uint8Array(content)], name));
          return transfer;
        }""",
        [file.name, content],
    )
    page.dispatch_event("body", "dragover", {"dataTransfer": transfer})
    expect(page.locator("#veil")).to_be_visible()
    page.dispatch_event("body", "drop", {"dataTransfer": transfer})
    expect(page.locator("#history .name")).to_have_count(2)
    page.wait_for_function("before => heard.length > before", arg=before)
    assert page.evaluate("heard.at(-1).level") > AUDIBLE
    assert page.evaluate("heard.at(-1).seconds") == pytest.approx(2, abs=0.1)
    assert rows(page) == [file.name, f"{file.name} (original)"]
    assert page.get_by_role("button", name="Copy link").is_disabled()
    if kind == "ogg":
        page.get_by_role("button", name=f"Keep as A: {file.name}", exact=True).click()
        make(page)
        page.get_by_role("button", name="Keep as B", exact=True).last.click()
        make(page, page.get_by_role("button", name="Play the path from A to B").click)
        expect(page.locator("#title")).to_contain_text(file.name)


def test_a_file_that_is_no_sound_is_said_to_be_none(page, open_page, tmp_path):
    open_page.tolerated = "status of 400"
    (tmp_path / "notes.mp3").write_text("no sound")
    page.get_by_label("Choose a sound file").set_input_files(tmp_path / "notes.mp3")
    expect(page.get_by_role("status")).to_contain_text("notes.mp3: It can't be read")


def test_the_keyboard_alone_is_enough(page):
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the genres")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(page.locator(".genre").first).to_be_focused()
    make(page, lambda: page.keyboard.press("Space"))  # a focused button keeps its key
    placed(page)
    page.locator("#points").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown", "+", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    make(page, lambda: page.keyboard.press("Enter"))
    expect(page.locator("#title")).to_contain_text(" at ")
    make(page, lambda: page.keyboard.press("Alt+ArrowRight"))
    page.get_by_role("button", name="Keys").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Single keys are on").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    count = len(rows(page))
    page.keyboard.press("1")
    page.wait_for_timeout(300)
    assert len(rows(page)) == count


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, {"width": 390, "height": 844}], ids=["desktop", "phone"])
def test_it_is_accessible_and_fits_in_both_themes(open_page, scheme, size):
    page = open_page(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    make(page)
    placed(page)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    if scheme == "dark" and size is DESKTOP:
        picture(page, "dark")
    if scheme == "light" and size is not DESKTOP:
        picture(page, "phone")


def test_the_api_page_needs_nothing_from_elsewhere(page, server):
    page.goto(server + "api")
    expect(page.get_by_role("heading", name="GET /api/generate")).to_be_visible()
    assert page.get_by_role("heading", level=2).count() >= 8
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    picture(page, "api")


def test_a_busy_server_is_asked_again_and_a_missing_one_is_told(page, open_page):
    open_page.tolerated = "Failed to load resource"
    refused = []

    def busy(route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(True)
            route.fulfill(status=503, headers={"Retry-After": "1"}, body=json.dumps({"detail": "busy"}))

    page.route("**/api/generate*", busy)
    make(page)
    assert refused
    page.unroute("**/api/generate*")
    page.route("**/api/generate*", lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.get_by_role("status")).to_contain_text("does not answer")
