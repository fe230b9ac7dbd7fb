"""The network of `pghi-polished`: what rounds of projection did to a sound, undone by what real sounds are like."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae import FeatureSpec, windows

FLOOR = 1e-5  # of full scale, below which nothing is heard: -100 dB
MIDDLE, SPREAD = -6.0, 2.5  # of logarithms of magnitudes, roughly: the networks see numbers of unit size
LOUDER = 3.0  # nepers by which a magnitude may change, at most
HALFWAY = 0.5  # of the way to the magnitudes that were asked for, which the second network starts from


class Block(nn.Module):
    """A convolution over time for each channel, and a layer over the channels; at first it adds nothing.

    Liu et al., A ConvNet for the 2020s, 2022, section 2, in one dimension.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.over_time = nn.Conv1d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width)
        self.enter, self.leave = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        _silence(self.leave)

    def forward(self, hidden: Tensor) -> Tensor:
        """[B, frames, width] -> [B, frames, width]."""
        added: Tensor = self.leave(F.gelu(self.enter(self.norm(self.over_time(hidden.mT).mT))))
        return hidden + added


class Spectra:
    """Short-time Fourier transforms of one size.

    Args:
        n_fft: samples of a frame.
        hop: between frames.
        window: of that many samples.

    Attributes:
        full_scale: the magnitude of a full-scale sine.
    """

    def __init__(self, n_fft: int, hop: int, window: Tensor) -> None:
        self.n_fft, self.hop, self.window, self.full_scale = n_fft, hop, window, 0.5 * float(window.sum())

    def of(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples], zero outside their ends -> spectra [B, bins, frames]."""
        return torch.stft(
            wave, self.n_fft, self.hop, window=self.window.to(wave), pad_mode="constant", return_complex=True
        )

    def wave(self, spectra: Tensor, samples: int) -> Tensor:
        """Spectra [B, bins, frames] -> waveforms [B, samples]."""
        window = self.window.to(spectra.real)
        return torch.istft(spectra, self.n_fft, self.hop, window=window, length=samples)

    def levels(self, spectra: Tensor) -> Tensor:
        """Spectra -> logarithms of their magnitudes, as the networks see them."""
        return ((spectra.abs() / self.full_scale + FLOOR).log() - MIDDLE) / SPREAD

    def asked(self, logs: Tensor) -> Tensor:
        """Natural-log magnitudes -> the same."""
        return ((logs - math.log(self.full_scale)).clamp_min(math.log(FLOOR)) - MIDDLE) / SPREAD


class Polish(nn.Module):
    """Moves the spectra of a waveform to where those of real sounds are, twice.

    First in frames of half the size, in which an attack stands where it is and not somewhere in a longer frame: each
    value is made louder or softer and turned. Then in frames of the size that the magnitudes were asked for in, from
    halfway between those of the waveform and those.

    Args:
        spec: of the magnitudes that are asked for.
        width: channels of the first network.
        depth: its blocks.
    """

    def __init__(self, spec: FeatureSpec, *, width: int, depth: int) -> None:
        super().__init__()
        self.spec = spec
        half = spec.n_fft // 2
        # Where frames overlap by less than three quarters, the last one has faded out before the waveform ends: others
        # follow it, which stay as they are.
        self.room = spec.n_fft if 4 * spec.hop > spec.n_fft else 0
        self.short = Spectra(half, spec.hop // 2, torch.hann_window(half))
        self.long = Spectra(spec.n_fft, spec.hop, windows.of(spec))
        bins = half // 2 + 1
        self.enter, self.asked = nn.Linear(3 * bins, width), nn.Linear(spec.bins, width)
        self.blocks, self.norm = nn.Sequential(*(Block(width) for _ in range(depth))), nn.LayerNorm(width)
        self.leave = nn.Linear(width, 2 * bins)
        self.enter_long = nn.Linear(2 * spec.bins, width)
        self.blocks_long = nn.Sequential(*(Block(width) for _ in range(depth - depth // 2)))
        self.norm_long, self.leave_long = nn.LayerNorm(width), nn.Linear(width, spec.bins)
        _silence(self.leave)
        _silence(self.leave_long)

    def forward(self, wave: Tensor, logs: Tensor) -> Tensor:
        """Waveforms [B, samples] and the natural-log magnitudes [B, bins, frames] that were asked for -> waveforms.

        The magnitudes have as many frames as the waveforms do.
        """
        samples, frames = wave.shape[1], logs.shape[2]
        wave = F.pad(wave, (0, self.room))
        more = self.spec.frames(wave.shape[1]) - frames
        asked = F.pad(self.long.asked(logs), (0, more), value=(math.log(FLOOR) - MIDDLE) / SPREAD)
        wave = self._sharpened(wave, asked)
        spectra = self.long.of(wave)
        levels = self.long.levels(spectra)
        hidden = self.blocks_long(self.enter_long(torch.cat([levels, asked], dim=1).mT))
        louder = HALFWAY * SPREAD * (asked - levels) + _bounded(self.leave_long(self.norm_long(hidden)).float().mT)
        louder = F.pad(louder[..., :frames], (0, more))
        return self.long.wave(spectra * louder.exp(), wave.shape[1])[:, :samples]

    def _sharpened(self, wave: Tensor, asked: Tensor) -> Tensor:
        """Waveforms [B, samples] and what is asked for [B, bins, frames] -> waveforms, by the first network."""
        spectra = self.short.of(wave)
        # From bin to bin the phase turns by where in its frame a sound lies.
        turns = F.normalize(torch.view_as_real(spectra[:, 1:] * spectra[:, :-1].conj()), dim=3, eps=1e-9)
        turns = F.pad(turns, (0, 0, 0, 0, 0, 1))  # [B, bins, frames, 2]
        seen = torch.cat([self.short.levels(spectra), -turns[..., 0], -turns[..., 1]], dim=1)
        hidden = self.enter(seen.mT) + _twice_as_many(self.asked(asked.mT), spectra.shape[2])
        louder, turned = self.leave(self.norm(self.blocks(hidden))).float().mT.chunk(2, dim=1)
        return self.short.wave(spectra * torch.polar(_bounded(louder).exp(), turned), wave.shape[1])


def _twice_as_many(frames: Tensor, count: int) -> Tensor:
    """Frames [B, frames, width] with others halfway between them, as many as are asked for, [B, count, width]."""
    later = torch.cat([frames[:, 1:], frames[:, -1:]], dim=1)
    twice = torch.stack([frames, (frames + later) / 2], dim=2).flatten(1, 2)
    return twice[:, :count]


def _bounded(louder: Tensor) -> Tensor:
    """Changes of a logarithm, brought within bounds."""
    return LOUDER * torch.tanh(louder / LOUDER)


def _silence(layer: nn.Linear) -> None:
    """Let a layer give zero."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
