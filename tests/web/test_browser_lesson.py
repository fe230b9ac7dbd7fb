"""The lesson in a real browser: each step is tried and heard, by mouse and by keyboard, and read without any script."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hands import (  # noqa: F401  # among them fixtures
    AUDIBLE,
    accessible,
    browser,
    hold,
    open_page,
    opening,
    picture,
    server,
)
from playwright.sync_api import Page, expect


@pytest.fixture(scope="module")
def opened(server, browser) -> Iterator[Page]:
    with opening(server, browser) as open_it:
        page = open_it("explain", ready=False)
        expect(page.locator("#said")).to_contain_text("One sound goes through all steps")
        yield page


@pytest.fixture
def lesson(opened) -> Page:
    """The lesson, where what another test did there doesn't matter."""
    opened.evaluate("scrollTo(0, 0)")
    return opened


def hear(page: Page, act: object) -> dict[str, float]:
    """Do something that is heard; what is played."""
    before = page.evaluate("heard.length")
    act()
    page.wait_for_function("before => heard.length > before", arg=before)
    played = page.evaluate("heard.at(-1)")
    assert played["level"] > AUDIBLE
    return played


def test_each_step_is_heard(lesson):
    page = lesson
    assert hear(page, page.get_by_role("button", name="Play the sound").click)["seconds"] == pytest.approx(1, abs=0.01)
    for name in (
        "Hear the tone's samples",
        "Hear the sound at this rate, unfiltered",
        "Hear the sum",
        "Back to the sound",
        "Hear another point of the sound's cloud",
        "Hear a draw of the standard normal",
        "Hear a draw of the fitted prior",
    ):
        hear(page, page.get_by_role("button", name=name).click)
    expect(page.locator("#said")).to_contain_text("fitted prior")
    levels = [hear(page, button.click)["level"] for button in page.locator("#stages button").all()]
    assert len(levels) >= 2
    assert len({round(level, 6) for level in levels}) == len(levels)
    expect(page.locator("#stages-told")).to_contain_text("As it is made")
    for button in page.locator("#guidance button").all():
        hear(page, button.click)
        expect(button).to_have_attribute("aria-pressed", "true")
    before = page.locator("#cost-told").inner_text()
    hear(page, page.get_by_role("button", name="Another sound").click)
    expect(page.locator("#cost-told")).not_to_have_text(before)
    accessible(page)


def test_a_tone_above_the_nyquist_frequency_is_heard_as_its_alias(lesson):
    lesson.get_by_role("slider", name="Tone").fill("3500")
    lesson.get_by_role("slider", name="Sample rate").fill("5000")
    expect(lesson.locator("#sampling-told")).to_contain_text("is heard as 1,500 Hz")
    lesson.get_by_role("slider", name="Sample rate").fill("9000")
    expect(lesson.locator("#sampling-told")).to_contain_text("is kept")
    aliases = lesson.evaluate("""async () => {
      const { alias } = await import("/lesson/signal.js");
      return [100, 1900, 2100, 3000, 7900].map((hertz) => alias(hertz, 4000));
    }""")
    times = np.arange(50) / 4000
    for hertz, heard in zip((100, 1900, 2100, 3000, 7900), aliases, strict=True):
        assert abs(heard) <= 2000
        assert np.allclose(np.sin(2 * np.pi * hertz * times), np.sin(2 * np.pi * heard * times), atol=1e-9)


def test_the_sum_of_all_sines_is_the_sound_and_of_one_is_a_sine(lesson):
    off, power, part = lesson.evaluate("""async () => {
      const { Sines } = await import("/lesson/signal.js");
      const samples = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i * i * 0.001) + 0.1);
      const sines = new Sines(samples);
      const { samples: all, part } = sines.sum(sines.count);
      const off = samples.reduce((most, each, i) => Math.max(most, Math.abs(each - all[i])), 0);
      const pure = new Sines(Float32Array.from({ length: 1024 }, (_, i) => Math.sin((2 * Math.PI * 20 * i) / 1024)));
      return [off, pure.sum(1).part, part];
    }""")
    assert off < 1e-5
    assert power == pytest.approx(1, abs=1e-9)
    assert part == pytest.approx(1, abs=1e-9)


def test_the_spectrogram_follows_its_window_padding_and_scale(lesson):
    def seen() -> str:
        return lesson.evaluate("document.querySelector('#stft-picture').toDataURL()")

    pictures = [seen()]
    for act in (
        lambda: lesson.get_by_role("slider", name="Window").fill("8"),
        lambda: lesson.get_by_label("Shape").select_option("rectangular"),
        lambda: lesson.get_by_label("Scale").select_option("plain"),
    ):
        act()
        lesson.wait_for_function(
            "before => document.querySelector('#stft-picture').toDataURL() !== before", arg=pictures[-1]
        )
        pictures.append(seen())
    assert len(set(pictures)) == 4
    before = lesson.locator("#stft-told").inner_text()
    lesson.get_by_label("Padding").select_option("none")
    expect(lesson.locator("#stft-told")).not_to_have_text(before)


def test_a_number_of_the_latent_is_changed_by_keys_and_by_dragging_and_heard(lesson):
    bar = lesson.get_by_role("slider", name="One number of the latent")
    bar.focus()
    lesson.keyboard.press("ArrowRight")
    told = bar.get_attribute("aria-valuetext")
    assert told.startswith("Number 2 of ")
    before = float(bar.get_attribute("aria-valuenow"))
    hear(lesson, lambda: lesson.keyboard.press("ArrowUp"))
    assert float(bar.get_attribute("aria-valuenow")) == pytest.approx(min(4, before + 0.5), abs=0.011)
    box = bar.bounding_box()

    def drag() -> None:
        x = box["x"] + box["width"] / 2
        lesson.mouse.move(x, box["y"] + box["height"] / 2)
        lesson.mouse.down()
        lesson.mouse.move(x, box["y"] + 4, steps=4)
        lesson.mouse.up()

    hear(lesson, drag)
    assert float(bar.get_attribute("aria-valuenow")) > 3
    expect(lesson.locator("#latent-told")).to_contain_text("the encoder wrote")


def test_what_a_cloud_costs_is_told(lesson):
    lesson.get_by_role("slider", name="Mean μ").fill("1")
    lesson.get_by_role("slider", name="Width σ").fill("1")
    expect(lesson.locator("#cloud-told")).to_contain_text("0.50 nats")
    lesson.get_by_role("slider", name="Mean μ").fill("0")
    expect(lesson.locator("#cloud-told")).to_contain_text("0.00 nats")


def test_the_temperature_is_heard_when_the_slider_rests(lesson):
    slider = lesson.get_by_role("slider", name="Temperature τ")
    slider.focus()
    hear(lesson, lambda: lesson.keyboard.press("Home"))
    expect(lesson.locator("#temperature-told")).to_have_text("Temperature 0.0.")


def test_a_wait_in_the_lesson_is_seen_and_can_be_stopped(lesson):
    hold(lesson, "**/api/lesson/stage*")
    lesson.locator("#stages button").first.click()
    expect(lesson.locator("#said")).to_contain_text("…")
    accessible(lesson)
    lesson.get_by_role("button", name="Stop waiting").click()
    expect(lesson.locator("#said")).to_have_text("Stopped.")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (820, "dark"), (390, "light")])
def test_the_lesson_is_accessible_and_fits(open_page, width, scheme):
    page = open_page("explain", ready=False, viewport={"width": width, "height": 900}, color_scheme=scheme)
    expect(page.locator("#said")).to_contain_text("One sound goes through all steps")
    accessible(page)
    if width == 1280 and scheme == "light":
        picture(page, "lesson")


def test_without_a_script_there_are_text_pictures_formulas_and_code(open_page):
    page = open_page("explain", ready=False, java_script_enabled=False)
    assert page.locator("math").count() >= 9
    assert page.locator("svg.figure").count() >= 8
    for shown in page.locator("svg.figure").all():
        assert shown.bounding_box()["height"] > 40
    expect(page.locator("pre").first).to_be_visible()
    assert page.locator("button:visible").count() == 0
