"""From bottles to PNG files through genvae's commands, small; and a minute's training, measured (slow)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from genvae.cli import main

TRAIN = ["--transform", "waveform", "--model", "design-vae", "--vocoder", "identity"]


def genvae(*words: object) -> str:
    """Run a command that must succeed; its output."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("designs") / "store"
    genvae(
        "prepare",
        "any",
        "--out",
        path,
        "--dataset",
        "bottles",
        "--set",
        "dataset.count=192",
        "--workers",
        1,
        "--sample-rate",
        16384,
    )
    return path


@pytest.fixture(scope="module", params=["bernoulli", "logistic"])
def run(request: pytest.FixtureRequest, store: Path) -> Path:
    path = store.parent / request.param
    genvae(
        "train",
        store,
        "--run",
        path,
        *TRAIN,
        "--steps",
        4,
        "--set",
        f"model.likelihood={request.param}",
        "--set",
        "model.components=16",
        "--set",
        "model.width=16",
    )
    return path


def test_designs_are_png_files_that_a_seed_makes_again(run: Path, tmp_path: Path) -> None:
    first = genvae("designs", "generate", run, "--seed", 7, "--count", 2, "-o", tmp_path / "a").splitlines()
    again = genvae("designs", "generate", run, "--seed", 7, "--count", 1, "-o", tmp_path / "b").splitlines()
    assert Path(first[0]).read_bytes() == Path(again[0]).read_bytes() != Path(first[1]).read_bytes()
    with Image.open(first[1]) as picture:
        assert (picture.size, picture.mode) == ((128, 128), "L")
        assert json.loads(picture.text["genvae"])["index"] == 1
        assert np.asarray(picture).mean() > 128  # bottles on white, even untrained


def test_a_grid_and_a_way_are_pictures(run: Path, tmp_path: Path) -> None:
    genvae("designs", "grid", run, "--cells", 3, "-o", tmp_path / "grid.png")
    genvae("designs", "strip", run, "--from", 1, "--to", 2, "--steps", 4, "-o", tmp_path / "way.png")
    genvae("designs", "strip", run, "--from", 1, "--to", 2, "--steps", 4, "-o", tmp_path / "way.gif")
    sizes = [Image.open(tmp_path / name).size for name in ("grid.png", "way.png", "way.gif")]
    assert sizes == [(384, 384), (512, 128), (128, 128)]
    assert Image.open(tmp_path / "way.gif").n_frames == 6


def test_wrong_axes_are_refused_with_what_there_is(run: Path) -> None:
    result = CliRunner().invoke(main, ["designs", "grid", str(run), "--axes", "1", "3"])
    assert result.exit_code != 0
    assert "from 1 to 2" in result.output + str(result.exception)


@pytest.mark.slow
def test_a_minute_of_training_recovers_height_and_width(tmp_path: Path) -> None:
    genvae("prepare", "any", "--out", tmp_path / "store", "--dataset", "bottles", "--sample-rate", 16384)
    began = time.process_time()
    genvae("train", tmp_path / "store", "--run", tmp_path / "run", *TRAIN, "--steps", 700)
    print(f"{time.process_time() - began:.0f} s of processor time")
    scores = json.loads(genvae("designs", "score", tmp_path / "run", tmp_path / "store", "--count", 300))
    print(json.dumps(scores, indent=1))
    # |r| along the best direction in the plane: the loss does not change when the plane is turned, so a latent's may.
    assert min(scores["explained"][factor] ** 0.5 for factor in ("height", "width")) > 0.6
    assert scores["novelty"] > 0.01
