"""The page on a phone, on other screens, and with other runs than the pretrained one."""

from __future__ import annotations

import json

import pytest
from hands import (  # noqa: F401  # among them fixtures
    DESKTOP,
    accessible,
    at,
    browser,
    make,
    open_page,
    page,
    picture,
    placed,
    server,
)
from playwright.sync_api import expect

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def phone(open_page):
    return open_page(**PHONE)


def test_on_a_phone_what_plays_and_what_is_said_stay_in_sight(phone, open_page):
    open_page.tolerated = "Failed to load resource"
    expect(phone.locator("header p")).to_be_in_viewport(ratio=1)
    clipped = "() => { const p = document.querySelector('header p'); return p.scrollWidth > p.clientWidth; }"
    assert not phone.evaluate(clipped)
    phone.route("**/api/decode", lambda route: route.abort())
    phone.touchscreen.tap(*at(phone, 0.5, 0.5))
    expect(phone.locator("#status")).to_contain_text("does not answer")
    expect(phone.locator("#status")).to_be_in_viewport(ratio=1)
    expect(phone.locator("#play")).to_be_in_viewport(ratio=1)


def test_on_a_phone_a_steep_line_on_the_map_is_drawn_and_does_not_scroll(phone):
    assert phone.evaluate("getComputedStyle(document.querySelector('#points')).touchAction") == "none"
    x, y = at(phone, 0.5, 0.3)
    scrolled = phone.evaluate("scrollY")
    session = phone.context.new_cdp_session(phone)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [{"x": left, "y": top} for left, top in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    def draw() -> None:
        touch("touchStart", (x, y))
        for step in range(1, 8):
            touch("touchMove", (x + step, y + 12 * step))
        touch("touchEnd")

    make(phone, draw)
    expect(phone.locator("#title")).to_contain_text("→")
    assert phone.evaluate("scrollY") == scrolled


def test_on_a_phone_all_targets_are_large_and_no_field_makes_it_zoom(phone):
    make(phone, lambda: phone.locator(".genre").first.tap())
    placed(phone)
    phone.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    small = phone.evaluate("""() => {
      const fields = "input:not([type=range], [type=file])";
      const targets = [...document.querySelectorAll(`button, select, summary, a:not(.skip), label.button, ${fields}`)];
      return targets.filter((each) => each.checkVisibility({ visibilityProperty: true })).map((each) => {
        const box = (each.matches("[type=checkbox]") ? each.closest("label") : each).getBoundingClientRect();
        return [each.id || each.textContent, Math.round(box.width), Math.round(box.height)];
      }).filter(([, width, height]) => width < 44 || height < 44);
    }""")
    assert small == []
    fields = phone.evaluate("""() => [...document.querySelectorAll("input[type=text], input[type=number], select")]
      .filter((each) => parseFloat(getComputedStyle(each).fontSize) < 16).map((each) => each.id)""")
    assert fields == []


NAMES = [
    "drum & bass",
    "piano",
    "techno",
    "musique concrète instrumentale",
    "rock",
    "ambient",
    "jazz",
    "folk",
    "house",
    "opera",
    "polka",
    "trance",
]


@pytest.mark.parametrize("options", [{"viewport": DESKTOP}, PHONE], ids=["desktop", "phone"])
def test_a_dozen_genres_keep_their_words_whole_and_their_colours_apart(open_page, options):
    def with_many(route) -> None:
        told = route.fetch().json()
        route.fulfill(body=json.dumps({**told, "genres": NAMES}), content_type="application/json")

    page = open_page(ready=False, prepare=lambda page: page.route("**/api/info*", with_many), **options)
    open_page.tolerated = "Failed to load resource"  # the run knows no polka
    expect(page.locator(".genre")).to_have_count(12)
    lines = page.evaluate("""() => [...document.querySelectorAll(".genre span")]
      .map((each) => Math.round(each.offsetHeight / parseFloat(getComputedStyle(each).lineHeight)))""")
    assert set(lines) == {1}
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours = page.evaluate(
            """() => [...document.querySelectorAll(".genre")].map((each) => each.style.getPropertyValue("--g"))"""
        )
        assert len(set(colours)) == 12
    accessible(page)


@pytest.mark.parametrize("width", [1440, 1100, 800])
def test_it_fits_on_other_screens(page, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    accessible(page)


def test_the_nearest_training_sounds_are_ringed_above_the_dot(page):
    """Rings that are drawn below the dot of the sound itself could not be seen where it matters."""
    page.emulate_media(color_scheme="light")
    upwards = page.evaluate("""async () => {
      const { LatentMap } = await import("/map.js");
      const canvas = document.createElement("canvas");
      canvas.style.cssText = "width: 200px; height: 200px";
      document.body.append(canvas);
      const map = new LatentMap(canvas);
      map.load({ points: new Float32Array([0, 0, 1, 1]), genres: new Uint16Array([0, 0]) }, ["", ""]);
      map.mark({ current: { point: [0.5, 0.5], genre: 1, playing: false }, neighbours: [{ point: [0.5, 0.5] }] });
      map.draw();
      const { data } = canvas.getContext("2d").getImageData(100, 92, 1, 8); // from the rim to the middle
      return Array.from({ length: 8 }, (_, i) => [...data.slice(4 * i, 4 * i + 3)]);
    }""")
    inner = upwards[2:]  # the dot's own rim is dark as well
    assert any(max(pixel) < 110 for pixel in inner), upwards
    assert any(min(pixel) > 150 for pixel in inner), upwards
