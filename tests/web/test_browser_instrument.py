"""The page as an instrument: vary, mix, pads, the beat, loop and volume."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from hands import (  # noqa: F401  # among them fixtures
    accessible,
    browser,
    genres,
    make,
    open_page,
    page,
    rows,
    server,
)
from playwright.sync_api import expect


def test_vary_makes_eight_sounds_nearby_that_can_be_heard_kept_and_varied_again(page):
    make(page)
    origin = rows(page)[0]
    page.get_by_role("button", name="Vary").click()
    shown = page.locator(".variation:enabled")
    expect(shown).to_have_count(8)
    accessible(page)
    assert rows(page)[0] == origin  # none is kept unasked
    pictures = shown.locator("canvas").evaluate_all("each => each.map((canvas) => canvas.toDataURL())")
    assert len(set(pictures)) == 8
    before = page.evaluate("heard.length")
    shown.nth(3).click()
    page.wait_for_function("before => heard.length > before", arg=before)
    expect(page.locator("#title")).to_contain_text("varied")
    assert rows(page)[1] == origin
    assert "vary=" in page.url
    link = page.url
    page.get_by_role("button", name="Vary").click()
    expect(page.locator("#wait")).to_be_visible()
    make(page, lambda: page.keyboard.press("2"))  # a genre comes before what is left of the eight
    expect(page.locator("#wait")).to_be_hidden()
    page.goto(link)
    expect(page.locator("#title")).to_contain_text("varied")


def test_genres_are_mixed_by_dragging_a_point_or_with_arrows(page):
    pad = page.locator("#mix-pad")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()

    def drag() -> None:
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2 + 20, box["y"] + box["height"] / 2 + 10, steps=3)
        page.mouse.up()

    make(page, drag)
    expect(page.locator("#title")).to_contain_text("%")
    assert all(genre in page.locator("#mix-now").inner_text() for genre in genres(page))
    pad.focus()
    make(page, lambda: page.keyboard.press("ArrowUp"))
    expect(page.locator("#history .name").first).to_contain_text("%")
    assert "mix=" in page.url


@pytest.mark.parametrize("count", [2, 3, 4, 7])
def test_the_weights_of_a_mix_add_up_and_are_one_genre_at_its_corner(page, count):
    told = page.evaluate(
        """async (count) => {
          const { cornersOf, inside, weights } = await import("/mixer.js");
          const corners = cornersOf(count);
          const spiral = (i) => [(Math.cos(i * 2.4) * i) / 25, (Math.sin(i * 2.4) * i) / 25];
          const spots = Array.from({ length: 50 }, (_, i) => inside(spiral(i), corners));
          const [at, inner] = [corners, spots].map((places) => places.map((place) => weights(place, corners)));
          return { at, spots: inner, middle: weights([0, 0], corners) };
        }""",
        count,
    )
    assert np.allclose(told["at"], np.eye(count), atol=1e-6)
    assert np.allclose(np.sum(told["spots"], axis=1), 1, atol=1e-2)
    assert np.min(told["spots"]) >= 0
    assert np.allclose(told["middle"], 1 / count)


def test_pads_are_played_by_touch_by_keys_and_at_pitches_and_stay_over_a_reload(page):
    make(page)
    name = rows(page)[0]
    page.get_by_role("button", name=f"Put on a pad: {name}").click()
    pad = page.get_by_role("button", name=f"Pad 1: {name}")
    before = page.evaluate("heard.length")
    pad.click()
    page.wait_for_function("before => heard.length === before + 1", arg=before)
    page.get_by_label("Single keys play").select_option("pads")
    page.locator("h1").click()
    page.keyboard.press("1")
    page.wait_for_function("before => heard.length === before + 2", arg=before)
    page.get_by_label("Single keys play").select_option("pitches")
    page.locator("h1").click()
    page.keyboard.press("m")  # eleven semitones up
    page.wait_for_function("before => heard.length === before + 3", arg=before)
    assert page.evaluate("heard.at(-1).rate") == pytest.approx(2 ** (11 / 12))
    page.locator("#pad-pitch").fill("-12")
    pad.click()
    page.wait_for_function("before => heard.length === before + 4", arg=before)
    assert page.evaluate("heard.at(-1).rate") == pytest.approx(0.5)
    page.reload()
    expect(page.get_by_role("button", name=f"Pad 1: {name}")).to_be_visible()
    page.get_by_role("button", name=f"Pad 1: {name}").click()
    page.wait_for_function("() => heard.length === 1")
    assert page.evaluate("heard.at(-1).rate") == pytest.approx(0.5)


def test_a_beat_is_played_recorded_and_saved_with_its_pads(page, tmp_path):
    for key in "13":
        make(page, lambda: page.keyboard.press(key))  # noqa: B023
        page.get_by_role("button", name=f"Put on a pad: {rows(page)[0]}").click()
    for step in (1, 5, 9, 13):
        page.get_by_role("button", name=f"Step {step} of pad 1", exact=True).click()
    page.get_by_role("button", name="Step 3 of pad 2", exact=True).click()
    accessible(page)
    before = page.evaluate("heard.length")
    page.get_by_role("button", name="Play the beat").click()
    page.wait_for_function("before => heard.length >= before + 4", arg=before)
    page.get_by_role("button", name="Stop the beat").click()
    page.get_by_label("Tempo").fill("150")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Record 4 bars").click()
    downloading.value.save_as(tmp_path / "beat.wav")
    samples, rate = soundfile.read(tmp_path / "beat.wav")
    assert len(samples) / rate == pytest.approx(4 * 4 * 60 / 150 + 1, abs=0.01)
    beat = round(60 / 150 * rate)  # bars are alike but for what rings on
    assert np.allclose(samples[4 * beat : 8 * beat][beat:], samples[8 * beat : 12 * beat][beat:], atol=2e-3)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save set").click()
    saving.value.save_as(tmp_path / "set.json")
    assert json.loads((tmp_path / "set.json").read_text())["tempo"] == 150
    page.get_by_role("button", name="Clear pad").click()
    expect(page.get_by_role("button", name="Pad 2: empty")).to_be_visible()
    page.get_by_label("Open set").set_input_files(tmp_path / "set.json")
    expect(page.get_by_role("button", name="Pad 2: empty")).to_be_hidden()
    expect(page.get_by_role("button", name="Step 3 of pad 2", exact=True)).to_have_attribute("aria-pressed", "true")
    (tmp_path / "wrong.json").write_text("{}")
    page.get_by_label("Open set").set_input_files(tmp_path / "wrong.json")
    expect(page.locator("#status")).to_contain_text("wrong.json can't be opened")


def test_swing_makes_every_second_step_late(page):
    times = page.evaluate("""async () => {
      const { hits } = await import("/beat.js");
      return hits([Array(16).fill(true)], { tempo: 120, swing: 0.5 }, 1).map(({ time }) => time);
    }""")
    steps = np.diff(times)
    assert np.allclose(steps[0::2], 0.125 * 1.25)
    assert np.allclose(steps[1::2], 0.125 * 0.75)


def test_a_loop_goes_on_without_a_seam_and_volume_and_loop_are_named(page):
    make(page)
    page.get_by_role("button", name="Loop").click()
    expect(page.get_by_role("button", name="Loop")).to_have_attribute("aria-pressed", "true")
    before = page.evaluate("heard.length")
    page.keyboard.press("2")
    page.wait_for_function("before => heard.length > before", arg=before)
    assert page.evaluate("heard.at(-1).loop")
    page.get_by_role("slider", name="Volume").fill("0.5")
    page.wait_for_function("""() => {
      const [before, now] = [window.position ?? 0, Number(document.querySelector("#seek").value)];
      window.position = now;
      return now < before; // it begins again
    }""")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Stop")
    page.keyboard.press("Space")
    jump = page.evaluate("""async () => {
      const { seamless } = await import("/player.js");
      const samples = Float32Array.from({ length: 22050 }, (_, i) => Math.sin(i * 0.05) * Math.exp(-i / 9000));
      const looped = seamless(samples, 22050);
      return [Math.abs(looped[0] - looped.at(-1)), Math.abs(samples[0] - samples.at(-1)) ];
    }""")
    assert jump[0] < 0.05


def test_sliders_are_named_for_what_they_do_and_never_alike(page):
    names = page.evaluate("""async () => {
      const { sliderNames } = await import("/slidernames.js");
      const does = [["louder", "darker"], ["louder"], [], ["louder", "darker"], []];
      return [sliderNames(does.map((does) => ({ does, measured: 1 }))), sliderNames([{ does: [], measured: 0.5 }])];
    }""")
    assert len(set(names[0])) == 5
    assert names[0][0] == "louder"
    assert "50 %" in names[1][0]
    label = page.locator("#sliders label > span:first-child").first
    expect(label).not_to_contain_text("Direction")
    expect(label).not_to_contain_text("listening")  # it has been measured by now
