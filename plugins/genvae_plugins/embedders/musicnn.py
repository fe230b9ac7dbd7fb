"""A published music tagger as an embedder: an ear that genvae had no part in making, and that no run is trained by."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from genvae.errors import GenvaeError
from genvae.interfaces.embedder import Embedder, Points, Waves
from genvae_plugins.peers import TORCHAUDIO, load

WEIGHTS = Path(__file__).parent / "musicnn.safetensors"
VERSION = "0.1.0"  # of the package that the weights are from
BANDS, N_FFT, HOP = 96, 512, 256  # samples: 32 and 16 ms
TIMBRES, TIMBRE, TIMBRE_FRAMES = (38, 67), 204, 7  # bands that the filters span, how many there are of each, frames
TEMPI, TEMPO = (128, 64, 32), 51  # frames that the filters span, and how many there are of each
MIDDLE, NARROW, TAGS = 64, 200, 50
_EPSILON = 1e-3  # of the normalisations that the weights were trained with
_BATCH = 16


class TaggerNetwork(nn.Module):
    """MTT_musicnn: spectrograms to scores of the 50 tags of MagnaTagATune that are used most.

    Pons & Serra, musicnn: pre-trained convolutional neural networks for music audio tagging, 2019; the layers are those
    of Pons et al., End-to-end learning for music audio tagging at scale, 2018. Wide filters hear timbres wherever they
    lie in pitch, long ones hear how things change; three layers bring these together, and pooling over time makes one
    vector of a clip of any length.
    """

    def __init__(self) -> None:
        super().__init__()
        found = len(TIMBRES) * TIMBRE + len(TEMPI) * TEMPO
        self.enter = nn.BatchNorm2d(1, _EPSILON)
        self.timbres = nn.ModuleList(nn.Conv2d(1, TIMBRE, (TIMBRE_FRAMES, bands)) for bands in TIMBRES)
        self.timbres_normed = nn.ModuleList(nn.BatchNorm2d(TIMBRE, _EPSILON) for _ in TIMBRES)
        self.tempi = nn.ModuleList(nn.Conv2d(1, TEMPO, (frames, 1)) for frames in TEMPI)
        self.tempi_normed = nn.ModuleList(nn.BatchNorm2d(TEMPO, _EPSILON) for _ in TEMPI)
        self.middle = nn.ModuleList(nn.Conv1d(width, MIDDLE, 7, padding=3) for width in (found, MIDDLE, MIDDLE))
        self.middle_normed = nn.ModuleList(nn.BatchNorm1d(MIDDLE, _EPSILON) for _ in range(3))
        self.pooled_normed = nn.BatchNorm1d(2 * (found + 3 * MIDDLE), _EPSILON)
        self.narrow = nn.Linear(2 * (found + 3 * MIDDLE), NARROW)
        self.narrow_normed = nn.BatchNorm1d(NARROW, _EPSILON)
        self.tags = nn.Linear(NARROW, TAGS)

    def forward(self, maps: Tensor) -> Tensor:
        """Spectrograms [B, frames, BANDS] -> the last layer before the tags, [B, NARROW]."""
        scaled = self.enter(maps[:, None])
        found = []
        convolutions, norms = [*self.timbres, *self.tempi], [*self.timbres_normed, *self.tempi_normed]
        for convolution, normed in zip(convolutions, norms, strict=True):
            frames = convolution.kernel_size[0]
            padded = F.pad(scaled, (0, 0, (frames - 1) // 2, frames // 2)).to(memory_format=torch.channels_last)
            found.append(normed(F.relu(convolution(padded))).amax(dim=3))
        layers = [torch.cat(found, dim=1)]  # [B, channels, frames] each
        for convolution, normed in zip(self.middle, self.middle_normed, strict=True):
            made = normed(F.relu(convolution(layers[-1])))
            layers.append(made if len(layers) == 1 else made + layers[-1])
        every = torch.cat(layers, dim=1)
        pooled = torch.stack([every.amax(dim=2), every.mean(dim=2)], dim=2).flatten(1)
        narrow: Tensor = self.narrow_normed(F.relu(self.narrow(self.pooled_normed(pooled))))
        return narrow


class Musicnn(Embedder):
    """What a published tagger finds in a clip just before it decides on tags.

    Level plays a part, as it did when the network was trained.

    Args:
        options: of the plugin, which has none.
        path: its weights, as `tools/convert_musicnn.py` writes them.

    Raises:
        GenvaeError: they are missing or damaged.
    """

    sample_rate = 16_000

    def __init__(self, options: object = None, *, path: Path = WEIGHTS) -> None:
        super().__init__(options)
        self.network = TaggerNetwork()
        try:
            self.network.load_state_dict(load_file(path))
            digest = hashlib.blake2b(path.read_bytes(), digest_size=4).hexdigest()
        except (SafetensorError, OSError, RuntimeError) as error:
            raise GenvaeError(f"The embedder {path} is missing or damaged ({error}). Install genvae again.") from error
        self.network.eval()
        mel = load(*TORCHAUDIO).MelSpectrogram
        self._power = mel(self.sample_rate, N_FFT, hop_length=HOP, n_mels=BANDS, mel_scale="slaney", norm="slaney")
        self.name = f"musicnn {VERSION} ({digest})"

    def maps_of(self, waves: Waves) -> Tensor:
        """Waveforms [N, samples] in ±1 at `sample_rate` -> what the network is given, [N, frames, BANDS]."""
        maps: Tensor = torch.log10(10_000 * self._power(torch.from_numpy(waves)) + 1).mT
        return maps

    @torch.no_grad()
    def embed(self, waves: Waves) -> Points:
        """Waveforms [N, samples] in ±1 at `sample_rate` -> points [N, NARROW]."""
        parts = [self.network(self.maps_of(waves[i : i + _BATCH])) for i in range(0, len(waves), _BATCH)]
        points: Points = torch.cat(parts).double().numpy()
        return points
