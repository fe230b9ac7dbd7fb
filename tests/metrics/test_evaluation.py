from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from click.testing import Result
from torch import Tensor

from genvae.cli.errors import command_line
from genvae.clips.store import ClipStore
from genvae.errors import StoreError
from genvae.metrics.comparison import compare
from genvae.metrics.embedder import Embedder, Points, Waves
from genvae.metrics.evaluation import Evaluation
from genvae.metrics.judge import Judge
from genvae.plugin.registry import installed
from genvae.run import Run

Genvae = Callable[..., Result]


class Bands(Embedder):
    """A stranger's embedder: levels of eight bands."""

    name = "bands 1"
    sample_rate = 4000

    def embed(self, waves: Waves) -> Points:
        power = np.square(np.abs(np.fft.rfft(waves)))[:, 1:]
        bands = np.add.reduceat(power, np.arange(0, power.shape[1], power.shape[1] // 8)[:8], axis=1)
        return np.log10(bands.astype(np.float64) + 1e-6)


@pytest.fixture(scope="module")
def store(tone_store: Path) -> ClipStore:
    return ClipStore.open(tone_store)


@pytest.fixture(scope="module")
def tone_run(tone_store: Path, small: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    from click.testing import CliRunner

    from genvae.cli import main

    path = tmp_path_factory.mktemp("evaluated") / "run"
    CliRunner().invoke(
        main, ["train", str(tone_store), "--run", str(path), "--steps", "4", *small], catch_exceptions=False
    )
    return path


@pytest.fixture(scope="module")
def evaluation(tone_run: Path, store: ClipStore) -> Evaluation:
    return Evaluation(Run(tone_run), installed(), store, members=[Bands()])


def test_held_out_clips_are_of_validation_recordings_and_no_reference_holds_those_that_it_is_compared_with(
    store: ClipStore,
) -> None:
    judge = Judge(store, members=[Bands()])
    for genre in store.genres:
        held_out = set(judge.held_out[genre].tolist())
        assert len(held_out) == 2 * judge.clips
        assert held_out <= set(store.select(split="validation", genre=genre).tolist())
        assert set(judge.training[genre].tolist()) <= set(store.select(split="train", genre=genre).tolist())


def tones(generator: np.random.Generator, count: int = 40) -> dict[str, Waves]:
    """Half-second clips of tones of two genres, with a little noise."""
    times = np.arange(2000) / 4000
    return {
        genre: (
            generator.uniform(0.1, 0.4, (count, 1)) * np.sin(2 * np.pi * generator.uniform(*range_, (count, 1)) * times)
            + 0.01 * generator.standard_normal((count, 2000))
        ).astype(np.float32)
        for genre, range_ in {"low": (100, 400), "high": (900, 1500)}.items()
    }


def test_clips_of_the_same_source_are_nearer_than_noise_and_silence() -> None:
    generator = np.random.default_rng(0)
    real, training = tones(generator), tones(generator)
    noise = {genre: generator.normal(0, 0.1, (40, 2000)).astype(np.float32) for genre in real}
    silence = {genre: np.zeros((40, 2000), np.float32) for genre in real}
    found = {
        name: compare(real, other, sample_rate=4000, training=training, members=[Bands()])["bands 1"]
        for name, other in {"same": tones(generator), "noise": noise, "silence": silence}.items()
    }
    same = found["same"].value
    assert same.accuracy == 1.0
    assert same.coverage > 0.85
    assert same.diversity == pytest.approx(1, abs=0.15)
    assert same.auc == pytest.approx(0.5, abs=0.15)
    for name in ("noise", "silence"):
        other = found[name].value
        assert other.accuracy == pytest.approx(0.5, abs=0.1)
        assert other.coverage < 0.2
        assert other.frechet > 10 * abs(same.frechet)
        assert other.kid > 10 * abs(same.kid)
        assert other.auc > 0.95


def test_exchanged_genres_are_neither_taken_for_their_own_nor_near_it() -> None:
    generator = np.random.default_rng(0)
    real, other, training = tones(generator), tones(generator), tones(generator)
    exchanged = {"low": other["high"], "high": other["low"]}
    found = compare(real, exchanged, sample_rate=4000, training=training, members=[Bands()])["bands 1"]
    assert found.value.accuracy == 0
    assert found.value.coverage < 0.2
    assert found.value.auc > 0.95


def test_training_clips_from_any_offset_are_known_again(evaluation: Evaluation) -> None:
    replayed = evaluation.row("real, training recordings").novelty
    assert replayed is not None
    assert replayed.best > 0.99


def test_a_baseline_of_other_genres_is_refused(tone_run: Path, tiny_run_path: Path, store: ClipStore) -> None:
    with pytest.raises(StoreError, match="other genres"):
        Evaluation(Run(tone_run), installed(), store, baseline=Run(tiny_run_path))


def test_a_store_of_another_rate_is_refused_with_the_command_that_makes_one(
    tiny_run_path: Path, store: ClipStore
) -> None:
    with pytest.raises(StoreError, match="4096 at 8000 Hz") as refused:
        Evaluation(Run(tiny_run_path), installed(), store)
    assert refused.value.cure is not None
    assert command_line(refused.value.cure).endswith("--sample-rate 8000 --clip-ms 512")


def test_the_command_prints_every_row_and_names_its_embedder(genvae: Genvae, tone_run: Path, tone_store: Path) -> None:
    result = genvae("evaluate", tone_run, "--store", tone_store, "--clips", 4, "--baseline", tone_run)
    assert result.exit_code == 0
    names = [rf"{name} [\d.]+ \(\w{{8}}\)" for name in ("genvae-statistics", "musicnn", "genvae-embedder")]
    assert re.search(", ".join(names), result.stdout)
    assert "agree by" in result.stdout
    for row in ("real, unseen", "generated", "unseen, posterior", "PCA-128", "baseline, conv-vae", "noise"):
        assert row in result.stdout


def test_the_same_seed_gives_the_same_numbers(evaluation: Evaluation, tone_run: Path, store: ClipStore) -> None:
    again = Evaluation(Run(tone_run), installed(), store, members=[Bands()])
    other = Evaluation(Run(tone_run), installed(), store, members=[Bands()], seed=1)
    first = evaluation.row("generated")
    assert again.row("generated") == first
    assert other.row("generated") != first


def test_a_folder_of_copied_training_clips_is_caught(
    genvae: Genvae, tone_run: Path, store: ClipStore, tmp_path: Path
) -> None:
    for genre in store.genres:
        (tmp_path / "clips" / genre).mkdir(parents=True)
        for number in store.select(split="train", genre=genre)[:4]:
            file = tmp_path / "clips" / genre / f"{number}.wav"
            soundfile.write(file, 0.5 * store.waves([number])[0], store.sample_rate)
    worst = tmp_path / "worst"
    result = genvae(
        "evaluate", tone_run, "--store", store.path, "--generated", tmp_path / "clips", "--json", "--worst", worst
    )
    said = json.loads(result.stdout)
    rows = {row["name"]: row for row in said["rows"]}
    generated, unseen = rows["generated"], rows["real, unseen recordings"]
    assert set(generated["telling"]) == set(store.genres)
    assert len(said["worst"]) == 3 * 4
    for file in said["worst"]:
        assert soundfile.info(file).samplerate == store.sample_rate
    assert generated["novelty"]["best"] == pytest.approx(1, abs=0.01)
    # Not 0, as a copy at half the level is rounded otherwise, which is heard beside pure tones.
    assert generated["novelty"]["distance"] < 0.5 * unseen["novelty"]["distance"]


def test_a_folder_that_lacks_a_genre_is_an_error_for_people(
    genvae: Genvae, tone_run: Path, tone_store: Path, tmp_path: Path
) -> None:
    (tmp_path / "high").mkdir()
    result = genvae("evaluate", tone_run, "--store", tone_store, "--generated", tmp_path)
    assert result.exit_code == 3
    assert "0 sound files" in result.stderr
    shutil.rmtree(tmp_path / "high")
    result = genvae("evaluate", tone_run, "--store", tone_store, "--generated", tmp_path)
    assert f"{tmp_path / 'high'} is not there" in result.stderr


def test_the_best_of_some_candidates_can_be_made_again(genvae: Genvae, tone_run: Path, tone_store: Path) -> None:
    arguments = ("generate", "--run", tone_run, "--genre", "low", "--seed", 7, "--json")
    refused = genvae(*arguments, "--candidates", 4)
    assert refused.exit_code == 3
    assert "--critic" in refused.stderr
    assert genvae("evaluate", tone_run, "--store", tone_store, "--critic").exit_code == 0
    made = json.loads(genvae(*arguments, "--candidates", 4, "--count", 3, "-o", "best").stdout)
    assert [0 <= clip["index"] - 4 * number < 4 for number, clip in enumerate(made)] == [True] * 3
    assert genvae("regenerate", made[2]["path"], "--run", tone_run).exit_code == 0
    again = genvae(*arguments, "--candidates", 4, "--count", 3, "-o", "best")
    assert again.exit_code == 0  # the files are known again, though only the choice says which candidate each holds
    table = genvae("evaluate", tone_run, "--store", tone_store, "--clips", 2, "--candidates", 2)
    assert "generated, best of 2" in table.stdout


def test_the_stages_that_a_model_names_are_rows_and_what_is_lost_at_one_is_heard(
    tone_run: Path, store: ClipStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genvae_plugins.models.conv_vae import ConvVAE

    def stages(self: ConvVAE, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        blurred = torch.nn.functional.avg_pool1d(features, 5, stride=1, padding=2)
        return {"nothing": features, "blur": blurred, "mean": features.mean(dim=2, keepdim=True).expand_as(features)}

    monkeypatch.setattr(ConvVAE, "stages", stages)
    evaluation = Evaluation(Run(tone_run), installed(), store, reference="same recordings")
    names = ["front end and vocoder", "nothing", "blur", "mean"]
    assert [name for name in evaluation.sources if name.startswith("unseen, ")][:4] == [f"unseen, {n}" for n in names]
    rows = [evaluation.row(f"unseen, {name}").rating for name in names[1:]]
    member = evaluation.judge.members[0].name
    nothing, blurred, averaged = (rating[member].genres["noisy"].frechet for rating in rows)
    assert nothing < 0.5 * min(blurred, averaged)


def test_sounds_of_some_seconds_are_rows_of_their_own(genvae: Genvae, tone_run: Path, tone_store: Path) -> None:
    result = genvae("evaluate", tone_run, "--store", tone_store, "--clips", 2, "--seconds", 2, "--json")
    held = json.loads(result.stdout)["continuity"]
    assert held["seconds"] == 2
    assert set(held["rows"]) == {"real, unseen recordings", "the same, cut and shuffled", "generated"}
    real, shuffled = held["rows"]["real, unseen recordings"], held["rows"]["the same, cut and shuffled"]
    assert real["low"]["seams"] < shuffled["low"]["seams"]
    refused = genvae("evaluate", tone_run, "--store", tone_store, "--clips", 2, "--seconds", 30)
    assert refused.exit_code == 3
    assert "lasts 30 s" in refused.stderr
