"""The pretrained run: it makes sound of each genre, offline, from a seed alone, and its card credits the music."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from genvae.latents import LatentMap
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

GENRES = ("piano", "rock", "techno")


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer(Run(pretrained_run()), installed())


@pytest.fixture(scope="module")
def clips(synthesizer: Synthesizer) -> dict[str, np.ndarray]:
    """Twelve clips of each genre, [12, samples]."""
    return {
        genre: torch.stack([synthesizer.generate(genre, seed=7, index=i).wave for i in range(12)]).numpy()
        for genre in synthesizer.genres
    }


def test_it_knows_three_genres_and_makes_one_second_at_22050_hz(synthesizer, clips):
    assert synthesizer.genres == GENRES
    assert synthesizer.sample_rate == 22050
    assert all(waves.shape == (12, 22050) for waves in clips.values())


def test_none_of_its_clips_is_silent_few_are_quiet_and_no_two_are_alike(clips):
    """`genvae prepare` calls silent what stays below -60 dBFS; one training clip in 200 has a level below -50."""
    for waves in clips.values():
        level = np.sqrt(np.square(waves).mean(axis=1))
        assert (20 * np.log10(np.abs(waves).max(axis=1)) > -60).all()
        assert np.sort(20 * np.log10(level))[1] > -50
        spectra = np.log(np.abs(np.fft.rfft(waves)) + 1e-3)
        assert np.corrcoef(spectra)[np.triu_indices(12, 1)].max() < 0.99


def test_its_genres_differ_as_the_music_does(clips):
    """In the training music the piano is the quietest, with the least of its power in the bass and in the treble."""
    frequencies = np.fft.rfftfreq(22050, 1 / 22050)
    power = {genre: np.square(np.abs(np.fft.rfft(waves))) for genre, waves in clips.items()}
    # Medians, as one loud clip would outweigh the eleven others in a sum.
    bass = {g: np.median(p[:, frequencies < 100].sum(axis=1) / p.sum(axis=1)) for g, p in power.items()}
    treble = {g: np.median(p[:, frequencies > 4000].sum(axis=1) / p.sum(axis=1)) for g, p in power.items()}
    level = {g: np.median(np.square(waves).mean(axis=1)) for g, waves in clips.items()}
    for measure in (bass, treble, level):
        assert measure["piano"] < min(measure["rock"], measure["techno"])


def test_generating_touches_no_network_and_reads_no_latents(tmp_path):
    guard = (
        "import sys\n"
        "def guard(event, arguments):\n"
        "    if event.startswith('socket.'): raise SystemExit(f'network: {event} {arguments}')\n"
        "    if event == 'open' and 'latents' in str(arguments[0]): raise SystemExit(f'latents: {arguments}')\n"
        "sys.addaudithook(guard)\n"
        "from genvae.cli import main\n"
        "main(['generate', '--genre', 'techno', '--seed', '3', '-o', 'clip.wav'])\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", guard], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "clip.wav").stat().st_size > 44_000
    assert not (pretrained_run() / "latents.safetensors").exists()


def test_its_card_credits_every_recording_with_its_authors_and_licence():
    folder = pretrained_run()
    rows = list(csv.DictReader((folder / "CREDITS.csv").open(encoding="utf-8")))
    assert len(rows) == 249
    assert all(row["source_package"] and row["author"] and row["licence"] and row["path_in_package"] for row in rows)
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert [row["recording"] for row in rows if row["author"] not in card] == []
    cells = {cell.strip() for cell in card.replace("|", "\n").split("\n")}
    assert {row["source_package"] for row in rows} <= cells


def test_its_card_names_the_weights_it_describes():
    folder = pretrained_run()
    card = (folder / "MODEL_CARD.md").read_text(encoding="utf-8")
    run = Run(folder)
    assert run.digest() in card
    [budget] = [value for value in run.training["budget"].values() if value is not None]
    assert f"{budget:g}" in card
    assert json.dumps(run.training["seed"]) in card


@pytest.mark.parametrize("method", ["pca", "umap"])
def test_its_maps_hold_every_training_clip_and_know_where_new_ones_lie(synthesizer, method):
    run = Run(pretrained_run())
    held = LatentMap.load(run, method)
    assert len(held.points) == run.data["clips"]["train"]
    assert torch.bincount(held.genre).shape == (3,)
    drawn = [synthesizer.latent(genre, seed=1, index=i) for genre in GENRES for i in range(10)]
    assert held.sparse(held.place(torch.stack(drawn))).float().mean() < 0.5


def test_it_is_small_enough_for_a_wheel():
    assert sum(file.stat().st_size for file in Path(pretrained_run()).iterdir()) <= 30e6
