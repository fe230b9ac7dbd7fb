"""The page with several runs of one's own: to choose from, to compare, to learn about; and what plays the pads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import torch
from conftest import make_run
from hands import accessible, browser, make, opening, rows, serve  # noqa: F401  # among them fixtures
from playwright.sync_api import Page, expect
from safetensors.torch import load_file

from genvae.latents.fit import make_map
from genvae.tensor_files import save_tensors

MIDI = """
window.keyboard = { name: "A keyboard", onmidimessage: null };
navigator.requestMIDIAccess = async () => ({ inputs: new Map([["1", window.keyboard]]), onstatechange: null });
window.press = (note, velocity, kind = 0x90) =>
  window.keyboard.onmidimessage({ data: Uint8Array.from([kind, note, velocity]) });
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory, browser) -> Iterator[Callable[..., Page]]:
    """Pages of a server of two runs, of which the first keeps a log, an evaluation, and how its clips sound."""
    first, second = (make_run(tmp_path_factory.mktemp("runs") / name, seed) for name, seed in (("one", 0), ("two", 1)))
    for run, clips in ((first, 60), (second, 40)):
        generator = torch.Generator().manual_seed(clips)
        held = load_file(run.latents_path)
        mean = torch.randn(clips, held["mean"].shape[1], generator=generator)
        loudness = torch.linspace(-40, -10, clips).half()
        latents = {"mean": mean, "genre": torch.arange(clips) % 3, "clip": torch.arange(clips)}
        save_tensors(run.latents_path, {**latents, **({"loudness": loudness} if run is first else {})})
        make_map(run)
    lines = [{"kind": kind, "step": step, "loss": 9 / step} for step in (1, 2, 3) for kind in ("train", "validation")]
    first.metrics_path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    measured = {"name": "generated", "rank": 2, "members": {"statistics 1": {"frechet": {"value": 12.5}}}}
    (first.path / "evaluation.json").write_text(json.dumps({"rows": [measured]}))
    with serve("--run", first.path, "--run", second.path) as address, opening(address, browser) as open_it:
        yield open_it


@pytest.fixture(scope="module")
def opened(served) -> Page:
    return served(prepare=lambda page: page.add_init_script(MIDI))


@pytest.fixture
def two(opened) -> Page:
    """One page for all, with nothing open and nothing in focus."""
    opened.evaluate("document.querySelector('dialog[open]')?.close(); document.activeElement?.blur()")
    return opened


def test_about_shows_how_training_went_and_what_was_measured(two):
    two.get_by_role("button", name="About").click()
    curves = two.locator("#curves")
    expect(curves.locator("figcaption")).to_have_text("loss: train ends at 3.00, validation ends at 3.00")
    drawn = curves.locator("path").evaluate_all(
        "each => each.map((path) => path.getBBox()).map(({ width, height }) => [width, height])"
    )
    assert all(width > 150 and height > 40 for width, height in drawn)
    expect(two.get_by_role("region", name="Evaluation")).to_contain_text("12.5")
    accessible(two)
    two.keyboard.press("Escape")


def test_the_map_is_coloured_by_how_loud_its_clips_are(two):
    names = two.get_by_label("Colour by").locator("option").all_inner_texts()
    assert names == ["genre", "density", "loudness"]
    before = two.evaluate("document.querySelector('#points').toDataURL()")
    two.get_by_label("Colour by").select_option("loudness")
    expect(two.locator("#scale")).to_have_text("dark: -40 dB, pale: -11 dB")
    two.wait_for_function("before => document.querySelector('#points').toDataURL() !== before", arg=before)
    accessible(two)
    two.get_by_label("Colour by").select_option("genre")
    expect(two.locator("#scale")).to_be_hidden()
    two.wait_for_function("before => document.querySelector('#points').toDataURL() === before", arg=before)


def test_the_same_seed_is_heard_in_another_run_and_stands_beside_the_first(two):
    make(two)
    name = two.locator("#title").inner_text()
    button = two.get_by_role("button", name="Hear the same seed there")
    make(two, button.click)
    expect(two.locator("#title")).to_have_text(f"{name} (two)")
    expect(two.locator("#a-name")).to_have_text(name)
    expect(two.locator("#b-name")).to_have_text(f"{name} (two)")
    expect(two.locator("#ab-caption")).to_contain_text("dB apart")
    assert rows(two)[0] == name  # the other run's is not kept in this one's history
    expect(two.get_by_role("button", name="Play the path from A to B")).to_be_disabled()
    expect(button).to_be_disabled()
    make(two)
    expect(button).to_be_enabled()


def test_notes_of_a_midi_keyboard_play_the_pads_and_the_chosen_one_at_a_pitch(two):
    make(two)
    name = rows(two)[0]
    two.get_by_role("button", name=f"Put on a pad: {name}").click()
    expect(two.get_by_role("button", name=f"Pad 1: {name}")).to_be_visible()
    two.get_by_role("button", name="Connect MIDI").click()
    expect(two.locator("#midi-state")).to_have_text("Listening to A keyboard.")
    before = two.evaluate("heard.length")
    two.evaluate("press(36, 100)")
    assert two.evaluate("heard.length") == before + 1
    for note, velocity, kind in (
        (36, 0, 0x90),
        (36, 64, 0x80),
        (37, 100, 0x90),
        (20, 100, 0x90),
    ):  # let go; an empty pad
        two.evaluate("([note, velocity, kind]) => press(note, velocity, kind)", [note, velocity, kind])
    assert two.evaluate("heard.length") == before + 1
    two.evaluate("press(36, 1)")  # which is the chosen one now
    two.get_by_label("Single keys play").select_option("pitches")
    two.evaluate("press(67, 100)")
    assert two.evaluate("heard.at(-1).rate") == pytest.approx(2 ** (7 / 12))
    two.get_by_label("Single keys play").select_option("page")


def test_a_sound_is_dragged_out_as_a_wav_file_and_onto_a_pad(two):
    make(two)
    name = rows(two)[0]
    carried = two.evaluate("""async () => {
      const [transfer, offered, plain] = [new DataTransfer(), [], URL.createObjectURL];
      URL.createObjectURL = (blob) => { offered.push(blob); return plain(blob); };
      const item = document.querySelector("#history li");
      item.dispatchEvent(new DragEvent("dragstart", { dataTransfer: transfer, bubbles: true }));
      URL.createObjectURL = plain;
      const [type, file, address] = transfer.getData("DownloadURL").split(":");
      const bytes = new Uint8Array(await offered[0].arrayBuffer());
      const pad = document.querySelectorAll("#pad-grid button")[5];
      pad.dispatchEvent(new DragEvent("dragover", { dataTransfer: transfer, bubbles: true, cancelable: true }));
      pad.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
      const start = String.fromCharCode(...bytes.slice(0, 4));
      return { type, file, address, start, bytes: bytes.length, draggable: item.draggable };
    }""")
    assert (carried["type"], carried["start"], carried["draggable"]) == ("audio/wav", "RIFF", True)
    assert carried["address"] == "blob"
    assert carried["file"].endswith(".wav")
    assert carried["bytes"] > 2 * 4096
    expect(two.get_by_role("button", name=f"Pad 6: {name}")).to_be_visible()


def test_a_run_is_chosen_and_a_link_names_its_run(served):
    page = served()
    chooser = page.locator("#run")
    assert chooser.locator("option").all_inner_texts() == ["one", "two"]
    first = chooser.input_value()
    chooser.select_option(label="two")
    page.wait_for_url("**/?run=*")
    expect(page.locator("#title")).not_to_have_text("No sound yet")
    expect(page.locator("#run")).not_to_have_value(first)
    make(page)
    second = page.locator("#run").input_value()
    assert second[:12] in page.url.split("#")[1]
    page.get_by_role("link", name="Learn").click()
    expect(page.locator("#said")).to_contain_text("One sound goes through all steps")
    assert f"run={second}" in page.url
