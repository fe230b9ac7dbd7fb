"""The page of a run that makes pictures, in a browser: sliders, the map as a pad, zoom, downloads, compare, history.

With GENVAE_PICTURES=docs/pictures the run is trained as docs/vae/images.md says, and the picture of the page is made.
"""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from xml.etree import ElementTree

import numpy as np
import pytest
from hands import DESKTOP, PATIENCE, PICTURES, accessible, browser, picture  # noqa: F401  # among them fixtures
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from genvae.web.looks import WORDS

DESIGNS = Path(__file__).parents[2] / "examples" / "genvae-designs" / "genvae_designs"


def genvae(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "genvae", *map(str, words), "--plugin", str(DESIGNS)], check=True)


@pytest.fixture(scope="module")
def designs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of a run of bottles, a small one."""
    folder = tmp_path_factory.mktemp("designs")
    store, run = folder / "store", folder / "run"
    count = () if PICTURES else ("--set", "dataset.count=192")
    genvae("prepare", "any", "--out", store, "--dataset", "bottles", *count, "--workers", 1)
    small = ("--set", "model.width=32", "--set", "model.components=32", "--set", "model.beta=0.05")
    genvae("train", store, "--run", run, "--steps", *((700,) if PICTURES else (40, *small)))
    words = ["serve", "--run", str(run), "--port", "0", "--plugin", str(DESIGNS)]
    process = subprocess.Popen([sys.executable, "-m", "genvae", *words], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = process.stderr.readline()
    address = re.search(r"http://\S+", said)
    if address is None:
        process.kill()
        raise AssertionError(said + process.stderr.read())
    yield address[0]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


@pytest.fixture
def page(designs: str, browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP)
    context.set_default_timeout(PATIENCE)
    asked: list[str] = []
    complaints: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    opened = context.new_page()
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    expect.set_options(timeout=PATIENCE)
    opened.goto(designs)
    shown(opened)
    opened.wait_for_function("() => performance.getEntriesByName('genvae:plane').length > 0")
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith((designs, "blob:"))] == []
    assert complaints == []


def shown(page: Page) -> np.ndarray:
    """The picture of the design that is shown, once there is one."""
    expect(page.locator("#design")).to_have_attribute("aria-label", re.compile("^Design at"))
    return pixels(page, "#design")


def pixels(page: Page, canvas: str) -> np.ndarray:
    said = page.evaluate(
        """(name) => {
          const canvas = document.querySelector(name);
          const { width, height } = canvas;
          const context = canvas.getContext("2d", { willReadFrequently: true });
          return [height, width, ...context.getImageData(0, 0, width, height).data];
        }""",
        canvas,
    )
    return np.array(said[2:], np.uint8).reshape(said[0], said[1], 4)[..., 0]


def changed(page: Page, do: object) -> np.ndarray:
    """Do something, wait until the design says that it lies elsewhere, and give its picture."""
    before = page.locator("#design").get_attribute("aria-label")
    assert callable(do)
    do()
    expect(page.locator("#design")).not_to_have_attribute("aria-label", str(before))
    return pixels(page, "#design")


def press(page: Page, x: float, y: float) -> None:
    box = page.locator("#plane").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_sliders_and_the_map_redraw_the_design(page: Page) -> None:
    first = shown(page)
    sliders = page.get_by_role("group", name="Latents").get_by_role("slider")
    assert sliders.count() == 2
    low, high = (float(sliders.nth(0).get_attribute(name) or "nan") for name in ("min", "max"))
    by_slider = changed(page, lambda: sliders.nth(0).fill(str(low)))
    assert not np.array_equal(first, by_slider)
    by_pad = changed(page, lambda: press(page, 0.9, 0.2))
    assert not np.array_equal(by_slider, by_pad)
    assert float(sliders.nth(0).input_value()) == pytest.approx(low + 0.9 * (high - low), abs=0.02 * (high - low))
    page.locator("#plane").focus()
    changed(page, lambda: page.keyboard.press("ArrowLeft"))
    changed(page, lambda: page.keyboard.press("g"))


def test_sliders_are_named_for_what_they_do_to_a_design(page: Page) -> None:
    named = page.locator("#sliders .what")
    expect(named.first).not_to_contain_text("looking what it does")
    names = [name.rpartition(" (")[0] for name in named.all_inner_texts()]
    assert len(set(names)) == 2
    known = {word for pair in WORDS for word in pair}
    assert known & {word for name in names for word in name.split(", ")}


def test_the_map_shows_designs_and_more_of_them_closer(page: Page) -> None:
    whole, part = pixels(page, "#plane"), page.locator("#plane").get_attribute("data-part")
    assert len(np.unique(whole)) > 40
    press(page, 0.5, 0.5)
    page.get_by_role("button", name="Zoom in").click()
    expect(page.locator("#plane")).not_to_have_attribute("data-part", str(part))
    left, _, right, _ = map(float, (page.locator("#plane").get_attribute("data-part") or "").split())
    before = [float(each) for each in str(part).split()]
    assert right - left == pytest.approx((before[2] - before[0]) / 2, rel=0.01)
    page.get_by_role("button", name="Whole map").click()
    expect(page.locator("#plane")).to_have_attribute("data-part", str(part))


def test_a_design_is_saved_as_png_with_what_made_it_and_as_an_outline(page: Page) -> None:
    picture = changed(page, lambda: press(page, 0.4, 0.4))
    with page.expect_download() as saved:
        page.get_by_role("button", name="PNG").click()
    content = Path(saved.value.path()).read_bytes()
    with Image.open(io.BytesIO(content)) as opened:
        assert np.array_equal(np.asarray(opened), picture)
        assert json.loads(opened.info["Comment"])["genre"] == "bottle"
    with page.expect_download() as saved:
        page.get_by_role("button", name="SVG outline").click()
    root = ElementTree.fromstring(Path(saved.value.path()).read_text())
    assert root.get("viewBox") == "0 0 128 128"
    places = np.array(re.findall(r"[-.\d]+", root[0].get("d") or ""), float).reshape(-1, 2)
    rows, columns = np.nonzero(picture < 230)
    for axis, dark in ((0, columns), (1, rows)):  # the outline reaches as far as what is darker than its level
        assert places[:, axis].min() == pytest.approx(dark.min(), abs=1)
        assert places[:, axis].max() == pytest.approx(dark.max() + 1, abs=1)


def test_two_designs_are_compared(page: Page) -> None:
    first = changed(page, lambda: press(page, 0.32, 0.62)).astype(float)
    page.get_by_role("button", name="Keep as A").click()
    second = changed(page, lambda: press(page, 0.5, 0.27)).astype(float)
    page.get_by_role("button", name="Keep as B").click()
    apart = 100 * float(np.sqrt(np.square(first - second).mean())) / 255
    expect(page.locator("#apart")).to_contain_text(f"{apart:.1f} %")
    np.testing.assert_array_equal(pixels(page, "#difference"), 255 - np.abs(first - second))
    expect(page.get_by_role("group", name="Designs so far").get_by_role("button")).not_to_have_count(0)
    picture(page, "designs")


def test_the_history_leads_back_and_stays_when_the_page_is_opened_again(page: Page) -> None:
    past = page.get_by_role("group", name="Designs so far").get_by_role("button")
    expect(past).to_have_count(1)
    first = shown(page)
    changed(page, lambda: press(page, 0.8, 0.3))
    expect(past).to_have_count(2)
    again = changed(page, past.nth(1).click)
    assert np.array_equal(first, again)
    expect(past).to_have_count(3)
    page.reload()
    assert np.array_equal(shown(page), again)  # the address holds the design
    expect(past).to_have_count(3)
    page.get_by_role("button", name="Clear").click()
    expect(past).to_have_count(0)


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (820, "dark"), (390, "light")])
def test_the_page_of_designs_is_accessible_and_fits(page: Page, width: int, scheme: Literal["light", "dark"]) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for canvas in ("#design", "#plane", "#a", "#b", "#difference"):  # as designs are, so that none is shown squashed
        box = page.locator(canvas).bounding_box()
        assert box is not None
        assert box["width"] == pytest.approx(box["height"], abs=1)
    accessible(page)
