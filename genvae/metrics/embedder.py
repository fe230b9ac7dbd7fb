"""What turns clips into the points that most metrics compare: the embedder that we ship."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from genvae.errors import GenvaeError
from genvae.interfaces.embedder import Embedder as Embedder
from genvae.interfaces.embedder import Points as Points
from genvae.interfaces.embedder import Waves as Waves
from genvae.interfaces.embedder import resampled as resampled
from genvae.metrics.network import EmbedderNetwork
from genvae.metrics.spectrogram import SAMPLE_RATE

WEIGHTS = Path(__file__).parent / "embedder.safetensors"
_BATCH = 64


class ShippedEmbedder(Embedder):
    """A small convolutional network that was trained to hear genres and spoilt sound (`tools/train_embedder.py`).

    Its input is the log-mel spectrogram of the clip at equal loudness, so that level plays no part.

    Args:
        options: of the plugin, which has none.
        path: its weights.

    Raises:
        GenvaeError: they are missing or damaged.
    """

    sample_rate = SAMPLE_RATE

    def __init__(self, options: object = None, *, path: Path = WEIGHTS) -> None:
        super().__init__(options)
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
