"""The published tagger among the embedders: it hears what its authors' network hears."""

from __future__ import annotations

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

import genvae
from genvae.errors import GenvaeError
from genvae.interfaces.embedder import Waves, resampled
from genvae_plugins.embedders.musicnn import BANDS, HOP, N_FFT, WEIGHTS, Musicnn

TAGS = {"techno": 3, "rock": 7, "piano": 9}  # their places among the fifty of MagnaTagATune that are used most
RATE = Musicnn.sample_rate


@pytest.fixture(scope="module")
def tagger() -> Musicnn:
    return Musicnn()


@pytest.fixture(scope="module")
def noise() -> Waves:
    return np.random.default_rng(0).normal(0, 0.1, (3, RATE)).astype(np.float32)


def test_sounds_of_a_genre_are_tagged_with_it_more_than_those_of_others(tagger: Musicnn) -> None:
    synthesizer = genvae.load()
    scores = {}
    for genre in TAGS:
        waves = np.stack([synthesizer.generate(genre, seed=0, index=i).wave.numpy() for i in range(8)])
        points = torch.from_numpy(tagger.embed_at(waves, synthesizer.sample_rate)).float()
        with torch.no_grad():
            scores[genre] = tagger.network.tags(points).sigmoid().mean(dim=0)
    for genre, tag in TAGS.items():
        assert max(scores, key=lambda other: float(scores[other][tag])) == genre


def test_its_spectrograms_are_librosas(tagger: Musicnn, noise: Waves) -> None:
    power = librosa.feature.melspectrogram(
        y=noise[0], sr=RATE, n_fft=N_FFT, hop_length=HOP, n_mels=BANDS, pad_mode="reflect"
    )
    assert tagger.maps_of(noise[:1])[0].numpy() == pytest.approx(np.log10(10_000 * power.T + 1), abs=1e-4)


def test_clips_of_any_length_and_rate_have_points_and_silence_too(tagger: Musicnn, noise: Waves) -> None:
    assert tagger.embed(np.zeros((1, 3 * RATE), np.float32)).shape == (1, 200)
    points = tagger.embed(noise)
    moved = np.linalg.norm(tagger.embed_at(resampled(noise, RATE, 44_100), 44_100) - points, axis=1)
    assert moved.max() < 0.1 * np.linalg.norm(points, axis=1).min()


def test_damaged_weights_are_an_error_for_people(tmp_path: Path) -> None:
    (tmp_path / "cut.safetensors").write_bytes(WEIGHTS.read_bytes()[:-100])
    with pytest.raises(GenvaeError, match="damaged"):
        Musicnn(path=tmp_path / "cut.safetensors")
