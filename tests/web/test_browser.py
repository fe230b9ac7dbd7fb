"""The page in a real browser, used as a person would: by clicking, dragging, typing and dropping."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import soundfile
from hands import (  # noqa: F401  # among them fixtures
    AUDIBLE,
    DESKTOP,
    PICTURES,
    accessible,
    advanced,
    at,
    browser,
    drawn,
    drop,
    genres,
    make,
    open_page,
    page,
    picture,
    placed,
    resting,
    rows,
    server,
    wave_file,
)
from playwright.sync_api import expect

from genvae.synthesis.provenance import read


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
    expect(page.locator("#status")).to_contain_text(first.split(" ")[0])


def test_space_plays_and_stops_and_a_click_on_the_spectrogram_seeks(page):
    make(page, page.locator(".genre").first.click)
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")  # it has ended
    before = page.evaluate("heard.length")
    page.keyboard.press("Space")
    page.wait_for_function("before => heard.length === before + 1", arg=before)
    page.locator("#spectrogram").click(position={"x": 300, "y": 60})
    page.wait_for_function("() => heard.at(-1).from > 0.1")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")
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
    advanced(page)
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
    expect(page.locator("#status")).to_contain_text("whole number")


def test_temperature_and_vocoder_make_the_same_seed_sound_otherwise(page):
    advanced(page)
    first = make(page)
    seed = page.get_by_label("Seed", exact=True).input_value()

    def cooler() -> None:
        page.get_by_label("Temperature").focus()
        page.keyboard.press("Home")

    cold = make(page, cooler)
    assert not np.array_equal(first, cold)
    other = make(page, lambda: page.get_by_label("Vocoder").select_option("spsi"))
    assert not np.array_equal(cold, other)
    assert page.get_by_label("Seed", exact=True).input_value() == seed
    options = page.get_by_label("Vocoder").locator("option").all_inner_texts()
    assert "pghi" not in options


def test_the_download_is_the_command_lines_file_with_its_provenance(page, tmp_path):
    advanced(page)
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
        stdout=subprocess.PIPE,
        check=True,
    )
    assert (tmp_path / "sound.wav").read_bytes() == made.stdout


def test_a_link_restores_the_sound_and_starts_none(page, open_page):
    advanced(page)
    page.get_by_label("Temperature").fill("0")
    make(page, lambda: page.locator(".genre").first.click())
    page.locator("#shape input[type=range]").first.focus()
    shaped = make(page, lambda: page.keyboard.press("End"))
    page.get_by_label("Projection").select_option("pca")
    placed(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#status")).to_contain_text("copied")
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
    expect(other.locator("#shape .value").first).to_have_text("4.0")
    expect(other.locator("#status")).to_contain_text("press Play")
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
    expect(page.locator("#status")).to_contain_text("training sound")  # it has its mark
    picture(page, "page")
    make(page, lambda: page.mouse.click(*at(page, 0.02, 0.97)))
    expect(page.locator("#sparse")).to_be_visible()


def test_the_map_zooms_pans_filters_and_changes_its_projection(page):
    def pixels() -> str:
        drawn(page)
        return page.evaluate("document.querySelector('#points').toDataURL()")

    placed(page)  # the first sound has its mark
    page.get_by_role("button", name="Whole map").click()
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
    advanced(page)
    page.get_by_label("Projection").select_option("pca")
    page.wait_for_function("before => document.querySelector('#points').toDataURL() !== before", arg=seen[-1])
    seen.append(pixels())
    assert len(set(seen)) == len(seen)
    assert page.evaluate("heard.length") == 0


def test_the_map_names_what_is_under_the_pointer_and_colours_by_density(page):
    at_clip = page.evaluate("""async () => {
      const { getInfo, getMap } = await import("/api.js");
      const { density, densityAt } = await import("/density.js");
      const info = await getInfo();
      const { points } = await getMap(info.maps[0], info.run);
      const lone = Float32Array.from([0, 0, 0, 0, 0, 0, 10, 10]);
      const surface = density(lone, { x: 5, y: 5, width: 12, height: 12 });
      return { count: points.length / 2, ratio: densityAt(surface, 10, 10) / densityAt(surface, 0, 0) };
    }""")
    assert at_clip["count"] > 1000
    assert abs(at_clip["ratio"] - 1 / 3) < 0.02
    before = page.evaluate("document.querySelector('#points').toDataURL()")
    page.get_by_label("Colour by").select_option("density")
    page.wait_for_function("before => document.querySelector('#points').toDataURL() !== before", arg=before)
    x, y = at(page, 0.5, 0.5)
    for step in range(60):  # somewhere near the middle lies a clip
        page.mouse.move(x + 3 * step - 90, y + step)
        if page.locator("#hover").is_visible():
            break
    expect(page.locator("#hover")).to_contain_text("a training sound: ")


def test_about_says_which_run_it_is_and_shows_the_model_card(page):
    page.get_by_role("button", name="About").click()
    expect(page.locator("#about-facts")).to_contain_text("flow-vae")
    expect(page.locator("#card")).to_contain_text("licence", ignore_case=True)
    page.get_by_text("Options of its parts").click()
    row = page.locator("#options tr", has=page.get_by_role("rowheader", name="model.latent_dim", exact=True))
    expect(row).to_contain_text("dimensions of the latent space")
    accessible(page)


def test_alt_and_moving_auditions_and_keeps_the_last(page):
    page.mouse.move(*at(page, 0.4, 0.4))
    page.keyboard.down("Alt")
    make(page, lambda: page.mouse.move(*at(page, 0.45, 0.5), steps=5))
    make(page, lambda: page.mouse.move(*at(page, 0.6, 0.5), steps=5))
    resting(page)
    expect(page.locator("#history .name")).to_have_count(1)  # the first one
    page.keyboard.up("Alt")
    expect(page.locator("#history .name")).to_have_count(2)


def test_a_line_drawn_by_hand_is_a_path_through_its_bend_that_plays_and_downloads_as_one_file(page, tmp_path):
    def drag() -> None:
        page.mouse.move(*at(page, 0.35, 0.6))
        page.mouse.down()
        page.mouse.move(*at(page, 0.5, 0.35), steps=3)
        page.mouse.move(*at(page, 0.65, 0.4), steps=3)
        page.mouse.up()

    with page.expect_request("**/api/interpolate") as asking:
        path = make(page, drag)
    asked = asking.value.post_data_json
    [bend] = asked["via"]
    left, right = asked["start"]["point"], asked["end"]["point"]
    assert left[0] < bend["point"][0] < right[0]
    assert bend["point"][1] > max(left[1], right[1])
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
    assert rows(page)[1:3] == [middle, oldest]
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
    advanced(page)
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


@pytest.mark.parametrize("kind", ["wav", "ogg"])
def test_a_dropped_file_is_placed_and_reconstructed_and_can_end_a_path(page, tmp_path, kind):
    file = wave_file(tmp_path / f"my tone.{kind}", 2)
    before = page.evaluate("heard.length")
    drop(page, file)
    expect(page.locator("#history .name")).to_have_count(3)
    page.wait_for_function("before => heard.length > before", arg=before)
    assert page.evaluate("heard.at(-1).level") > AUDIBLE
    assert page.evaluate("heard.at(-1).seconds") == pytest.approx(2, abs=0.1)
    assert rows(page)[:2] == [file.name, f"{file.name} (original)"]
    assert page.get_by_role("button", name="Copy link").is_disabled()
    expect(page.locator("#a-name")).to_have_text(f"{file.name} (original)")
    expect(page.locator("#b-name")).to_have_text(file.name)
    if kind == "ogg":
        make(page)
        page.get_by_role("button", name="Keep as A", exact=True).first.click()
        advanced(page)
        page.get_by_label("Steps").fill("3")
        make(page, page.get_by_role("button", name="Play the path from A to B").click)
        expect(page.locator("#title")).to_contain_text(file.name)


def test_a_file_that_is_no_sound_is_said_to_be_none(page, open_page, tmp_path):
    open_page.tolerated = "status of 400"
    (tmp_path / "notes.mp3").write_text("no sound")
    page.get_by_label("Choose a sound file").set_input_files(tmp_path / "notes.mp3")
    expect(page.locator("#status")).to_contain_text("notes.mp3: It can't be read")


def test_the_keyboard_alone_is_enough(page):
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the genres")).to_be_focused()
    for _ in range(page.locator("nav > *").count() + 1):
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
    expect(page.locator("#history .name")).to_have_count(4)
    page.get_by_role("button", name="Keys").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Single keys are on").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Escape")
    asked = page.evaluate("sent.length")
    page.keyboard.press("1")
    drawn(page)
    assert page.evaluate("sent.length") == asked
    expect(page.locator("#history .name")).to_have_count(4)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, {"width": 390, "height": 844}], ids=["desktop", "phone"])
def test_it_is_accessible_and_fits_in_both_themes(page, scheme, size):
    page.set_viewport_size(size)
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    make(page)
    placed(page)
    accessible(page)
    if scheme == "dark" and size is DESKTOP:
        picture(page, "dark")
    if scheme == "light" and size is not DESKTOP:
        picture(page, "phone")


def test_the_api_page_needs_nothing_from_elsewhere(page, server):
    page.goto(server + "api")
    expect(page.get_by_role("heading", name="GET /api/generate")).to_be_visible()
    assert page.get_by_role("heading", level=2).count() >= 8
    accessible(page)
    picture(page, "api")
