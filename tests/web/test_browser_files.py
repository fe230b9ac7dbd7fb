"""Somebody's own file on the page: what is sent of it, and what it changes."""

from __future__ import annotations

import numpy as np
import soundfile
from hands import (  # noqa: F401  # among them fixtures
    accessible,
    advanced,
    browser,
    drop,
    make,
    open_page,
    page,
    rows,
    server,
    wave_file,
)
from playwright.sync_api import expect


def test_only_the_first_seconds_of_a_long_file_are_sent_and_once(page, tmp_path):
    rate, seconds = 22050, 180
    noise = np.random.default_rng(0)
    with soundfile.SoundFile(tmp_path / "long.ogg", "w", rate, 1) as file:  # libsndfile takes no long Ogg at once
        for _ in range(seconds):
            file.write(0.1 * noise.standard_normal(rate))
    assert (tmp_path / "long.ogg").stat().st_size > 1 << 20
    drop(page, tmp_path / "long.ogg")
    expect(page.locator("#status")).to_contain_text("first 10 s")
    sizes = page.evaluate(
        "sent.filter(({ address }) => /place[?]|reconstruct/.test(address)).map(({ bytes }) => bytes)"
    )
    assert sizes == [44 + 2 * 10 * 22050, 0]


def test_what_one_does_after_a_file_was_dropped_works_as_before(page, tmp_path):
    advanced(page)
    vocoder = page.get_by_label("Vocoder").input_value()
    drop(page, wave_file(tmp_path / "three.wav", 3))
    expect(page.locator("#title")).to_have_text("three.wav")
    expect(page.get_by_label("Vocoder")).to_have_value(vocoder)
    shaped = make(page, lambda: page.locator("#shape input[type=range]").first.fill("2"))
    assert len(shaped) == 3 * 22050  # all of it is shaped
    expect(page.locator("#title")).to_have_text("three.wav, shaped")
    page.get_by_role("button", name="Play: three.wav (original)").click()
    expect(page.get_by_label("Vocoder")).to_have_value(vocoder)
    make(page)


def test_a_dropped_sound_stands_beside_its_reconstruction_and_where_they_differ(page, tmp_path):
    drop(page, wave_file(tmp_path / "mine.wav", 1))
    expect(page.locator("#ab-caption")).to_contain_text("dB apart on average")
    pictures = page.locator("#trio canvas").evaluate_all("each => each.map((canvas) => canvas.toDataURL())")
    assert len(set(pictures)) == 3
    accessible(page)
    apart = page.evaluate("""async () => {
      const { drawDifference } = await import("/difference.js");
      const tone = (gain) => Float32Array.from({ length: 22050 }, (_, i) => gain * Math.sin(i * 0.3));
      const canvases = [1, 2, 3].map(() => document.body.appendChild(document.createElement("canvas")));
      const heard = (gain) => ({ samples: tone(gain), rate: 22050 });
      return [drawDifference(heard(0.5), heard(0.5), canvases), drawDifference(heard(0.5), heard(0.25), canvases)];
    }""")
    assert apart[0] == 0
    assert 0 < apart[1] <= 6.03  # half as loud is 6 dB less, but for what is too soft to be shown


def test_a_file_that_the_server_has_forgotten_is_sent_again(page, open_page, tmp_path):
    open_page.tolerated = "status of 400"
    drop(page, wave_file(tmp_path / "kept.wav", 1))
    expect(page.locator("#title")).to_have_text("kept.wav")

    def forgotten(route) -> None:
        route.fulfill(status=400, json={"detail": "That file is no longer remembered here: send it again."})

    page.route("**/api/reconstruct?*upload=*", forgotten)
    advanced(page)
    make(page, lambda: page.get_by_label("Vocoder").select_option("spsi"))


def test_a_damaged_file_is_said_to_be_damaged(page, open_page, tmp_path):
    open_page.tolerated = "status of 400"
    whole = wave_file(tmp_path / "whole.mp3", 1).read_bytes()
    (tmp_path / "damaged.mp3").write_bytes(b"ID3" + bytes(len(whole)))
    page.get_by_label("Choose a sound file").set_input_files(tmp_path / "damaged.mp3")
    expect(page.locator("#status")).to_contain_text("damaged.mp3: It can't be read: it is no wav, flac")
    assert rows(page)[0] != "damaged.mp3"


def test_the_temperature_of_a_place_is_no_reason_to_play_it_again(page):
    box = page.locator("#points").bounding_box()
    make(page, lambda: page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2))
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")
    before = page.evaluate("heard.length")
    advanced(page)
    page.get_by_label("Temperature").fill("0.5")
    expect(page.locator("#status")).to_contain_text("counts for new sounds")
    assert page.evaluate("heard.length") == before
    assert len(rows(page)) == 2


def test_sliders_follow_the_sound_that_is_heard_even_while_one_has_the_focus(page):
    slider = page.locator("#shape input[type=range]").first
    slider.focus()
    make(page, lambda: page.keyboard.press("End"))
    expect(page.locator("#shape .value").first).to_have_text("4.0")
    make(page, lambda: page.keyboard.press("2"))
    expect(slider).to_be_focused()
    expect(page.locator("#shape .value").first).to_have_text("0.0")
