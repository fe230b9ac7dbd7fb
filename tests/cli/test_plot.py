from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile
from PIL import Image
from safetensors.torch import load_file

from genvae.latents.fit import make_map
from genvae.tensor_files import save_tensors


def is_picture(path: str) -> bool:
    """Whether it is a picture in which something is drawn."""
    if path.endswith(".svg"):
        return len(list(ElementTree.parse(path).iter())) > 50
    pixels = np.asarray(Image.open(path).convert("L"))
    return pixels.shape[1] >= 600 and 0.01 < (pixels < 250).mean() < 1


@pytest.mark.parametrize("kind", ["waveform", "spectrum", "spectrogram"])
@pytest.mark.parametrize("suffix", ["png", "svg"])
def test_a_generated_clip_is_drawn(genvae, tiny_run_path, kind, suffix):
    result = genvae("plot", kind, "rock@1", "--run", tiny_run_path, "-o", f"a.{suffix}")
    assert result.exit_code == 0, result.output
    assert result.stdout.strip() == f"a.{suffix}"
    assert is_picture(f"a.{suffix}")
    before = Path(f"a.{suffix}").read_bytes()
    assert genvae("plot", kind, "rock@1", "--run", tiny_run_path, "-o", f"a.{suffix}").exit_code == 0
    assert Path(f"a.{suffix}").read_bytes() == before


@pytest.mark.parametrize(
    "options",
    [
        ("spectrogram", "--scale", "log"),
        ("spectrogram", "--scale", "mel"),
        ("waveform", "--at", "1.5"),
        ("spectrum", "--start", "1", "--seconds", "0.01"),
    ],
)
def test_a_file_is_drawn_at_its_own_rate(genvae, options):
    soundfile.write("a.flac", 0.5 * np.sin(np.arange(96000) * 0.1), 48000)
    kind, *rest = options
    result = genvae("plot", kind, "a.flac", *rest, "-o", "a.png")
    assert result.exit_code == 0, result.output
    assert is_picture("a.png")


def test_a_map_of_a_single_clip_is_drawn_without_a_word(genvae, tiny_run, recwarn):
    latents = load_file(tiny_run.latents_path)
    save_tensors(tiny_run.latents_path, {name: tensor[:1].clone() for name, tensor in latents.items()})
    make_map(tiny_run)
    result = genvae("plot", "latent", tiny_run.path, "-o", "map.svg")
    assert result.exit_code == 0, result.output
    assert "PCA of 1 clip<" in Path("map.svg").read_text(encoding="utf-8")
    assert [str(each.message) for each in recwarn if each.category is UserWarning] == []


def test_the_map_is_drawn_with_marks(genvae, tiny_run):
    make_map(tiny_run)
    soundfile.write("mine.wav", 0.5 * np.sin(np.arange(8000) * 0.1), 8000)
    result = genvae("plot", "latent", tiny_run.path, "--mark", "rock@1", "--mark", "mine.wav", "-o", "map.svg")
    assert result.exit_code == 0, result.output
    drawn = Path("map.svg").read_text(encoding="utf-8")
    assert all(text in drawn for text in ("PCA of 12 clips", "of variance", "drum &amp; bass", "rock@1", "mine.wav"))


def test_a_run_without_a_map_says_how_to_make_it(genvae, tiny_run):
    result = genvae("plot", "latent", tiny_run.path, "-o", "map.png")
    assert result.exit_code == 4
    assert "genvae map" in result.stderr


def test_a_training_is_drawn_from_its_log(genvae, tiny_run):
    lines = [
        {"kind": "train", "step": n, "loss": 9 - n, "kl": n, "seconds": n, "clips_per_second": 1} for n in range(9)
    ]
    lines += [{"kind": "validation", "step": 8, "loss": 2.0, "kl": 7.0, "active_units": 3}]
    lines += [{"kind": "warning", "step": 8, "message": "collapsing"}]
    tiny_run.metrics_path.write_text("\n".join(map(json.dumps, lines)))
    result = genvae("plot", "training", tiny_run.path, "-o", "training.svg")
    assert result.exit_code == 0, result.output
    drawn = Path("training.svg").read_text(encoding="utf-8")
    assert all(text in drawn for text in ("loss", "kl", "active units", "train", "validation", "step"))
    assert "clips per second" not in drawn


def logged(value: str) -> str:
    return f'{{"kind": "train", "step": 1, "loss": {value}}}'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ("", "no step"),
        *((text, "is damaged") for text in ("{", "[" * 10**5, "[]", logged("1" + "0" * 400), logged("{}"))),
        ('{"kind": "train", "step": Infinity, "loss": 1}', "is damaged"),
    ],
)
def test_a_log_that_can_not_be_drawn_is_named(genvae, tiny_run, content, message):
    if content is not None:
        tiny_run.metrics_path.write_text(content)
    result = genvae("plot", "training", tiny_run.path, "-o", "training.png")
    assert result.exit_code == 4
    assert "metrics.jsonl" in result.stderr
    assert message in result.stderr


def test_a_grid_shows_every_genre(genvae, tone_store, small, tmp_path):
    assert genvae("train", tone_store, "--run", tmp_path / "run", "--steps", 2, *small).exit_code == 0
    result = genvae("plot", "grid", tone_store, "--run", tmp_path / "run", "-o", "grid.svg")
    assert result.exit_code == 0, result.output
    drawn = Path("grid.svg").read_text(encoding="utf-8")
    assert all(text in drawn for text in ("high", "low", "noisy", "original", "reconstruction", "new, s0-001"))


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("waveform", "rock@1", "-o", "a.gif"), 3, "pictures are written as .png or .svg"),
        (("waveform", "rock@1", "-o", "no/a.png"), 7, "The folder no does not exist"),
        (("waveform", "nothing", "-o", "a.png"), 3, "neither a sound file nor a genre and a seed"),
        (("spectrum", "rock@1", "--start", "5", "-o", "a.png"), 3, "holds no sound after 5 s"),
        (("training", "nothing", "-o", "a.png"), 4, "is not a run"),
    ],
)
def test_what_can_not_be_drawn_is_one_line(genvae, tiny_run_path, arguments, code, message):
    run = () if arguments[0] == "training" else ("--run", tiny_run_path)
    result = genvae("plot", *arguments, *run)
    assert result.exit_code == code
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 2
    assert not Path("a.png").exists()
