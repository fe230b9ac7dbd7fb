"""What turns clips into the points that most metrics compare: the interface of an embedder, and the one we ship."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from functools import cache
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from genvae.errors import GenvaeError
from genvae.metrics.network import EmbedderNetwork
from genvae.metrics.spectrogram import SAMPLE_RATE

Waves = NDArray[np.float32]
Points = NDArray[np.float64]

WEIGHTS = Path(__file__).parent / "embedder.safetensors"
_BATCH = 64


class Embedder(ABC):
    """Maps clips to points, so that clips which sound alike lie near each other.

    To compare by a network of your own, subclass this and hand an instance to `genvae.metrics.compare`.

    Attributes:
        name: with a version, as it stands in every table.
        sample_rate: of the waveforms that `embed` takes, in Hz.
        has_units: whether each coordinate has a unit of its own, so that each must count in its own deviations.
    """

    name: str
    sample_rate: int
    has_units: bool = False

    @abstractmethod
    def embed(self, waves: Waves) -> Points:
        """Waveforms [N, samples] in ±1 at `sample_rate` -> points [N, D]."""

    def embed_at(self, waves: Waves, sample_rate: int) -> Points:
        """Waveforms [N, samples] at any rate in Hz -> points [N, D]."""
        return self.embed(resampled(waves, sample_rate, self.sample_rate))


class ShippedEmbedder(Embedder):
    """A small convolutional network that was trained to hear genres and spoilt sound (`tools/train_embedder.py`).

    Its input is the log-mel spectrogram of the clip at equal loudness, so that level plays no part.

    Args:
        path: its weights.

    Raises:
        GenvaeError: they are missing or damaged.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, path: Path = WEIGHTS) -> None:
        try:
            with safe_open(path, framework="pt") as file:
                version = file.metadata()["version"]
            self._network = EmbedderNetwork()
            self._network.load_state_dict(load_file(path))
            digest = hashlib.blake2b(path.read_bytes(), digest_size=4).hexdigest()
        except (SafetensorError, OSError, KeyError, TypeError, RuntimeError) as error:
            raise GenvaeError(f"The embedder {path} is missing or damaged ({error}). Install genvae again.") from error
        self._network.eval()
        self.name = f"genvae-embedder {version} ({digest})"

    def embed(self, waves: Waves) -> Points:
        """Waveforms [N, samples] in ±1 at `sample_rate` -> points [N, 256]."""
        with torch.no_grad():
            parts = [self._network(torch.from_numpy(waves[i : i + _BATCH])) for i in range(0, len(waves), _BATCH)]
        points: Points = torch.cat(parts).double().numpy()
        return points


@cache
def default_embedder() -> Embedder:
    """The embedder that genvae ships, loaded once."""
    return ShippedEmbedder()


def resampled(waves: Waves, given: int, wanted: int) -> Waves:
    """Waveforms [N, samples] at one rate -> [N, samples * wanted / given] at another."""
    if given == wanted:
        return waves
    made: Waves = soxr.resample(np.ascontiguousarray(waves.T), given, wanted).T
    return np.ascontiguousarray(made)
