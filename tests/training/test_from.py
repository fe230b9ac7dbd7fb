"""`genvae train --from RUN`: a new run begins with another's weights, and genres go by their names."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner
from safetensors.torch import load_file
from training_runs import train

import genvae
from genvae.cli import main
from genvae.run import Run

RATE = 4000


@pytest.fixture(scope="module")
def other_store(tmp_path_factory):
    """Half-second clips of one genre that the trained run knows and of one that it does not."""
    root = tmp_path_factory.mktemp("other")
    times = np.arange(8 * RATE) / RATE
    for genre, pitch in {"low": 200, "middle": 500}.items():
        (root / "music" / genre).mkdir(parents=True)
        for number in range(3):
            wave = 0.4 * np.sin(2 * np.pi * (pitch + 20 * number) * times)
            soundfile.write(root / "music" / genre / f"{number}.wav", wave, RATE)
    arguments = ["prepare", root / "music", "--out", root / "store", "--sample-rate", RATE, "--clip-ms", 500]
    assert CliRunner().invoke(main, [*map(str, arguments), "--workers", "1"]).exit_code == 0
    return root / "store"


def test_a_run_begins_with_the_other_ones_weights_and_genres_keep_what_was_known_of_them(
    trained, other_store, tmp_path
):
    done = train(
        other_store, "--run", tmp_path / "new", "--from", trained, "--steps", 1, "--set", "model.learning_rate=1e-12"
    )
    assert done.returncode == 0, done.stderr
    before, after = load_file(trained / "weights.safetensors"), load_file(tmp_path / "new" / "weights.safetensors")
    old, new = Run(trained), Run(tmp_path / "new")
    assert new.config.genres == ("low", "middle")
    assert new.training["from"] == old.digest()
    assert {**new.config.model.options, "learning_rate": 0} == {**old.config.model.options, "learning_rate": 0}
    np.testing.assert_allclose(after["model.encoder.stem.weight"], before["model.encoder.stem.weight"], atol=1e-6)
    rows = before["model.genre.weight"]
    np.testing.assert_allclose(after["model.genre.weight"][0], rows[old.config.genres.index("low")], atol=1e-6)
    np.testing.assert_allclose(after["model.genre.weight"][1], rows.mean(0), atol=1e-6)
    statistics = [name for name in before if name.startswith("transform.")]
    assert statistics
    assert all((after[name] == before[name]).all() for name in statistics)


def test_no_steps_fit_another_prior_and_leave_the_weights_as_they_are(trained, tone_store, tmp_path):
    arguments = ["--run", tmp_path / "new", "--from", trained, "--prior", "gaussian", "--steps", 0]
    done = train(tone_store, *arguments)
    assert done.returncode == 0, done.stderr
    assert "the weights stay as they are" in done.stderr
    before, after = load_file(trained / "weights.safetensors"), load_file(tmp_path / "new" / "weights.safetensors")
    kept = [name for name in before if not name.startswith("prior.")]
    assert kept
    assert all((after[name] == before[name]).all() for name in kept)
    new, old = Run(tmp_path / "new"), Run(trained)
    assert new.config.prior.name != old.config.prior.name
    made = genvae.load(new).generate("low", seed=1).wave
    assert made.isfinite().all()
    latents = [load_file(run / "latents.safetensors") for run in (trained, tmp_path / "new")]
    assert {name: tensor.shape for name, tensor in latents[0].items()} == {
        name: tensor.shape for name, tensor in latents[1].items()
    }


def test_no_steps_are_refused_where_there_are_no_weights_to_keep(tone_store, tmp_path):
    done = train(tone_store, "--run", tmp_path / "new", "--steps", 0)
    assert done.returncode == 2
    assert "another's weights" in done.stderr
    assert not (tmp_path / "new").exists()


def test_no_steps_are_refused_where_a_training_is_resumed(trained, tone_store):
    done = train(tone_store, "--run", trained, "--resume", "--steps", 0)
    assert done.returncode == 2
    assert "resume nothing" in done.stderr


def test_clips_of_another_rate_are_refused_with_both_rates(trained, other_store, tmp_path):
    arguments = ["prepare", other_store.parent / "music", "--out", tmp_path / "store", "--sample-rate", "8000"]
    assert CliRunner().invoke(main, [*map(str, arguments), "--workers", "1"]).exit_code == 0
    done = train(tmp_path / "store", "--run", tmp_path / "new", "--from", trained, "--steps", 1)
    assert done.returncode == 4
    assert "4000 Hz" in done.stderr
    assert "8000 Hz" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_preset_says_what_to_expect_and_gives_way_to_what_is_said_beside_it(tone_store, small, tmp_path):
    at = next(place for place, word in enumerate(small) if word.startswith("train.validate_every"))
    silent = small[: at - 1] + small[at + 1 :]  # about what the preset says too
    done = train(tone_store, "--run", tmp_path / "run", "--preset", "quick", "--steps", 2, *silent)
    assert done.returncode == 0, done.stderr
    run = Run(tmp_path / "run")
    assert run.training["options"]["validate_every"] == 100  # of the preset
    assert run.config.model.options["width"] == 32
    assert run.training["budget"]["steps"] == 2
    assert run.training["options"]["warmup_steps"] == 2
