"""From bottles to PNG files through genvae's commands, small; and a minute's training, measured (slow)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from genvae_designs.bottles import draw, random_factors
from PIL import Image

from genvae import ClipStore
from genvae.cli import main

SMALL = ["--set", "model.components=16", "--set", "model.width=16"]


def genvae(*words: object) -> str:
    """Run a command that must succeed; its standard output."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def refusal(*words: object) -> str:
    """What a command that must fail says."""
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code != 0
    return result.output + str(result.exception)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("designs") / "store"
    genvae("prepare", "any", "--out", path, "--dataset", "bottles", "--set", "dataset.count=192", "--workers", 1)
    return path


@pytest.fixture(scope="module", params=["bernoulli", "logistic"])
def run(request: pytest.FixtureRequest, store: Path) -> Path:
    path = store.parent / request.param
    genvae("train", store, "--run", path, "--steps", 4, "--set", f"model.likelihood={request.param}", *SMALL)
    return path


def test_a_store_holds_the_pictures_that_were_drawn_and_nothing_of_sound(store: Path) -> None:
    opened = ClipStore.open(store)
    kept = opened.values(np.arange(len(opened)))
    drawn = draw(random_factors(192, 0))
    assert all(np.abs(drawn - each).max(axis=(1, 2)).min() <= 0.5 / 255 + 1e-6 for each in kept[::20])
    head = json.loads((store / "store.json").read_text())
    assert not {"sample_rate", "clip_samples"} & (head.keys() | head["settings"].keys())
    assert head["item"] == {"shape": [128, 128], "dtype": "u1", "full_scale": 255}
    assert json.loads(genvae("info", store, "--json"))["shape"] == [128, 128]


def test_black_pictures_are_kept(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    Image.new("L", (128, 128), 0).save(tmp_path / "in" / "night.png")
    (tmp_path / "in" / "broken.png").write_bytes(b"no picture")
    genvae("prepare", tmp_path / "in", "--out", tmp_path / "store", "--dataset", "pictures", "--workers", 1)
    report = ClipStore.open(tmp_path / "store").report
    assert report["clips"] == {"kept": 17, "refused": 0}
    assert "can't be read as a picture" in report["skipped"][0]["reason"]


def test_designs_are_png_files_that_a_seed_makes_again(run: Path, tmp_path: Path) -> None:
    bottles = ("generate", "--run", run, "--genre", "bottle", "--seed", 7)
    first = genvae(*bottles, "--count", 2, "-o", tmp_path / "a").splitlines()
    again = genvae(*bottles, "-o", tmp_path / "b.png").splitlines()
    assert Path(first[0]).read_bytes() == Path(again[0]).read_bytes() != Path(first[1]).read_bytes()
    with Image.open(first[1]) as picture:
        assert (picture.size, picture.mode) == ((128, 128), "L")
        assert json.loads(picture.info["Comment"])["index"] == 1
        assert np.asarray(picture).mean() > 128  # bottles on white, even untrained
    assert json.loads(genvae("info", first[1], "--json"))["seed"] == 7
    assert genvae("regenerate", first[1], "--run", run).strip() == first[1]


def test_what_only_sounds_have_is_refused(run: Path, tmp_path: Path) -> None:
    bottles = ("generate", "--run", run, "--genre", "bottle", "-o", tmp_path)
    assert "for sounds" in refusal(*bottles, "--seconds", 3)
    assert "for sounds" in refusal(*bottles, "--play")
    assert "picture files are .png" in refusal(*bottles[:-1], tmp_path / "a.wav")
    assert "for sounds" in refusal("prepare", "x", "--out", tmp_path / "s", "--dataset", "bottles", "--clip-ms", 5)


def test_evaluate_says_what_measures_pictures(run: Path, store: Path) -> None:
    said = refusal("evaluate", run, "--store", store)
    assert "measures sounds" in said
    assert "genvae designs score RUN STORE" in said
    assert "genvae designs score RUN STORE" in refusal("evaluate", run, "--store", store, "--critic")


def test_the_map_shows_what_is_decoded_where(run: Path, tmp_path: Path) -> None:
    genvae("plot", "latent", run, "-o", tmp_path / "map.png", "--mark", "bottle@1")
    inside = np.asarray(Image.open(tmp_path / "map.png").convert("L"))[60:400:4, 100:600:4]
    assert len(np.unique(inside)) > 40  # greys of bottles, where a plot of dots has few


def test_the_way_between_two_designs_is_files_a_strip_or_a_gif(run: Path, tmp_path: Path) -> None:
    way = ("interpolate", "--run", run, "--from", "bottle@1", "--to", "bottle@2", "--steps", 4, "-o")
    files = genvae(*way, tmp_path / "way").splitlines()
    genvae(*way, tmp_path / "way.png")
    genvae(*way, tmp_path / "way.gif")
    strip = np.asarray(Image.open(tmp_path / "way.png"))
    assert strip.shape == (128, 512)
    assert np.array_equal(np.concatenate([np.asarray(Image.open(each)) for each in files], axis=1), strip)
    with Image.open(tmp_path / "way.gif") as moving:
        assert (moving.size, moving.n_frames) == ((128, 128), 6)


def test_a_picture_of_any_size_is_reconstructed(run: Path, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), "grey").save(tmp_path / "mine.jpg")
    [made] = genvae("reconstruct", tmp_path / "mine.jpg", "--run", run, "-o", tmp_path).splitlines()
    with Image.open(made) as picture:
        assert picture.size == (128, 128)


def test_directions_are_a_row_of_designs_for_each_factor(run: Path, tmp_path: Path) -> None:
    said = json.loads(genvae("designs", "directions", run, "--count", 30, "--steps", 3, "-o", tmp_path / "a.png"))
    assert len(said["explained"]) == 10
    assert Image.open(tmp_path / "a.png").size == (3 * 128, 10 * 128)


@pytest.mark.slow
@pytest.mark.parametrize("latents", [2, 8])
def test_a_minute_of_training_recovers_height_and_width(latents: int, tmp_path: Path) -> None:
    genvae("prepare", "any", "--out", tmp_path / "store", "--dataset", "bottles")
    began = time.process_time()
    more = ("--set", f"model.latent_dim={latents}")
    genvae("train", tmp_path / "store", "--run", tmp_path / "run", "--steps", 700, *more)
    print(f"{time.process_time() - began:.0f} s of processor time")
    scores = json.loads(genvae("designs", "score", tmp_path / "run", tmp_path / "store", "--count", 300))
    print(json.dumps(scores, indent=1))
    # |r| along the best direction in the plane: the loss does not change when the plane is turned, so a latent's may.
    assert min(scores["explained"][factor] ** 0.5 for factor in ("height", "width")) > 0.6
    assert scores["novelty"] > 0.01
