"""Teaching a run which of its latents sound good: what is written, what is heard, and what is refused."""

from __future__ import annotations

import shlex
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from numpy.typing import NDArray
from safetensors.torch import load_file

import genvae
from genvae.cli import main
from genvae.errors import OptionError, RunError
from genvae.metrics import preferences
from genvae.metrics.embedder import Waves
from genvae.metrics.preferences import Judged, agreement
from genvae.progress import Message, Progress
from genvae_plugins.priors.standard_normal import StandardNormal

CLIPS = 120


@pytest.fixture(scope="module")
def source(tone_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with the default prior, whose clips follow from their latents, and a critic."""
    path = tmp_path_factory.mktemp("source") / "run"
    options = {
        "transform.n_fft": 256,
        "transform.hop": 128,
        "model.width": 32,
        "model.latent_dim": 4,
        "model.texture": 0.0,
    }
    genvae.train(tone_store, path, model="conv-vae", steps=150, options=options, progress=False)
    with mock.patch("genvae.metrics.candidates.CLIPS", 60):
        genvae.make_critic(path, tone_store, progress=False)
    return path


@pytest.fixture(scope="module")
def told(tone_store: Path, source: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A run that was taught from it, and what was said meanwhile."""
    path = tmp_path_factory.mktemp("taught") / "run"
    said: list[str] = []

    def listen(event: Progress | Message) -> None:
        if isinstance(event, Message):
            said.append(event.text)

    genvae.train_preference(tone_store, path, source=source, clips=CLIPS, progress=listen)
    return path, said


def test_the_run_has_all_other_parts_and_what_lies_beside_them(told: tuple[Path, list[str]], source: Path) -> None:
    before, after = (load_file(path / "weights.safetensors") for path in (source, told[0]))
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert {name.partition(".")[0] for name in after.keys() - before.keys()} == {"prior"}
    for name in ("latents.safetensors", "map.safetensors", "critic.safetensors"):
        assert (told[0] / name).read_bytes() == (source / name).read_bytes()
    assert genvae.verify(told[0]) == []


def test_its_description_says_how_it_was_taught_and_how_well(told: tuple[Path, list[str]], source: Path) -> None:
    run = genvae.Run(told[0])
    learnt = run.training["preference"]
    assert learnt["of"] == genvae.Run(source).digest()
    assert (learnt["draws"], learnt["clips"], learnt["seed"]) == (4, CLIPS, 0)
    assert run.config.prior.options["draws"] == 4
    assert list(learnt["agreement"]) == list(run.config.genres)
    assert all(-1 <= value <= 1 for value in learnt["agreement"].values())
    [line] = [text for text in told[1] if "agrees with the critic" in text]
    assert all(f"{value:.2f} in {genre}" in line for genre, value in learnt["agreement"].items())


class Brightness:
    """In place of a critic: it likes a clip the better the higher the middle of its spectrum lies."""

    def score(self, points: dict[str, Waves], genre: str, *, odds: float) -> NDArray[np.float64]:
        del genre, odds
        return np.array([centroid(wave) for wave in points["waves"]])


def centroid(wave: NDArray[np.float32]) -> float:
    """The mean frequency of a sound's power, as a share of the highest."""
    power = np.square(np.abs(np.fft.rfft(wave)))
    return float((power * np.linspace(0, 1, len(power))).sum() / power.sum())


def test_the_new_run_makes_more_of_what_was_liked(
    source: Path, tone_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preferences.Critic, "load", lambda _: Brightness())
    monkeypatch.setattr(preferences, "heard", lambda waves, *_: {"waves": waves})
    genvae.train_preference(tone_store, tmp_path / "bright", source=source, clips=300, progress=False)
    before, after = genvae.load(source), genvae.load(tmp_path / "bright")
    for genre in before.genres:
        plain, bright = (
            np.array([centroid(clip.wave.numpy()) for clip in each.generate(genre, seed=1, count=80)])
            for each in (before, after)
        )
        assert bright.mean() > plain.mean() + 0.4 * plain.std()


def test_a_seed_gives_the_same_bytes_alone_and_among_others(told: tuple[Path, list[str]]) -> None:
    synthesizer = genvae.load(told[0])
    together = synthesizer.generate("low", seed=4, count=3)
    alone = synthesizer.generate("low", seed=4, index=2)
    assert torch.equal(together[2].wave, alone.wave)
    assert torch.equal(synthesizer.remake(alone.provenance).wave, alone.wave)


def test_training_it_further_forgets(told: tuple[Path, list[str]], tone_store: Path, tmp_path: Path) -> None:
    genvae.train(tone_store, tmp_path / "further", source=told[0], steps=2, progress=False)
    prior = genvae.load(tmp_path / "further").pipeline.prior
    assert not prior.preference(torch.randn(5, prior.means.shape[-1]), torch.zeros(5, dtype=torch.int64)).any()


def test_taught_from_it_again_it_learns_as_if_for_the_first_time(
    told: tuple[Path, list[str]], tone_store: Path, tmp_path: Path
) -> None:
    genvae.train_preference(tone_store, tmp_path / "again", source=told[0], clips=CLIPS, progress=False)
    first, second = (load_file(path / "weights.safetensors") for path in (told[0], tmp_path / "again"))
    assert all(torch.equal(second[name], value) for name, value in first.items())
    assert genvae.Run(tmp_path / "again").training["preference"]["of"] == genvae.Run(told[0]).digest()


def test_a_prior_that_cannot_prefer_is_told_which_can_and_the_command_that_gives_it_works(
    tone_store: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    genvae.train(tone_store, "plain", source=trained, prior="gmm", steps=0, progress=False)
    taught = ["train-preference", str(tone_store), "--run", "taught", "--clips", "10", "--for"]
    refused = CliRunner().invoke(main, [*taught, "plain"])
    assert refused.exit_code == 2
    assert "'gmm' can't prefer one latent to another. These can: " in refused.stderr
    assert not Path("taught").exists()
    [cure] = [line.removeprefix("Try: genvae ") for line in refused.stderr.splitlines() if line.startswith("Try: ")]
    for command in (shlex.split(cure), [*taught, "NEW"]):
        result = CliRunner().invoke(main, command, catch_exceptions=False)
        assert result.exit_code == 0, result.output
    assert genvae.Run(Path("taught")).config.prior.plugin == "local"


def test_numbers_that_make_no_sense_and_folders_that_are_full_are_refused_before_anything_is_made(
    tone_store: Path, source: Path, tmp_path: Path
) -> None:
    for numbers in ({"draws": 1}, {"clips": 9}):
        with pytest.raises(OptionError, match=r"2 `draws` or more, and 10 `clips`"):
            genvae.train_preference(tone_store, tmp_path / "new", source=source, progress=False, **numbers)
    with pytest.raises(RunError, match="holds a run already"):
        genvae.train_preference(tone_store, source, source=source, clips=CLIPS, progress=False)


def test_the_command_prints_the_run_and_a_wrong_number_is_one_line(
    tone_store: Path, source: Path, tmp_path: Path
) -> None:
    command = ["train-preference", str(tone_store), "--for", str(source), "--run", str(tmp_path / "new")]
    result = CliRunner().invoke(main, [*command, "--clips", "10"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{tmp_path / 'new'}\n"
    result = CliRunner().invoke(main, [*command, "--draws", "1"])
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


def test_no_agreement_is_zero_and_not_nan() -> None:
    judged = Judged(torch.randn(8, 3), torch.arange(8) % 2, torch.randn(8))
    assert agreement(StandardNormal(object(), latent_dim=3, genres=["a", "b"]), judged) == [0.0, 0.0]
