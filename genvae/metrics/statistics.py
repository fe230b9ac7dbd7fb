"""Signal statistics of a clip: what blur, smearing, noise between partials and wrong phases change in it.

Each has a name, a unit and a band, so that a difference can be told in words. Levels are relative to the clip's own
root mean square (RMS), so that how loud a clip is plays no part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from genvae.metrics.embedder import Embedder, Points, Waves
from genvae.metrics.envelopes import envelope_statistics
from genvae.metrics.fine_structure import fine_structure_statistics
from genvae.metrics.waveform import waveform_statistics

SAMPLE_RATE = 22_050
VERSION = 1
_SHORTEST = 8192  # samples; shorter clips are filled with silence
_BATCH = 32
_SILENCE = 1e-10  # mean square: nothing is made of 16-bit rounding


@dataclass(frozen=True)
class Statistic:
    """One number of a clip.

    Attributes:
        family: what is measured, such as "noise floor".
        band: of which frequencies, such as "3-9 kHz"; empty for the whole.
        unit: such as "dB"; empty for a ratio.
    """

    family: str
    band: str
    unit: str

    @property
    def name(self) -> str:
        """Family and band."""
        return f"{self.family} {self.band}".rstrip()

    def written(self, shift: float) -> str:
        """A difference with its sign and unit, such as "+14 dB"."""
        if self.unit == "dB":
            return f"{shift:+.1f} dB" if abs(shift) < 10 else f"{shift:+.0f} dB"
        return f"{shift:+.2f}" + (f" {self.unit}" if self.unit else "")


class SignalStatistics(Embedder):
    """The statistics of a clip as its point: an embedder that has learnt nothing, and says what it hears.

    Attributes:
        statistics: what each of the D numbers of a point is.
    """

    sample_rate = SAMPLE_RATE
    has_units = True

    def __init__(self, options: object = None) -> None:
        super().__init__(options)
        self.statistics = _statistics()
        listing = "\n".join(f"{each.name} [{each.unit}]" for each in self.statistics)
        self.name = f"genvae-statistics {VERSION} ({hashlib.blake2b(listing.encode(), digest_size=4).hexdigest()})"

    def embed(self, waves: Waves) -> Points:
        """Waveforms [N, samples] in ±1 at `sample_rate` -> statistics [N, D], each in its unit."""
        blocks = (waves[start : start + _BATCH] for start in range(0, len(waves), _BATCH))
        return np.concatenate([_measured(block) for block in blocks])


@cache
def signal_statistics() -> SignalStatistics:
    """The statistics, made once."""
    return SignalStatistics()


@torch.no_grad()
def _measured(waves: Waves) -> Points:
    wave = torch.from_numpy(np.ascontiguousarray(waves, dtype=np.float32))
    wave = torch.nn.functional.pad(wave, (0, max(0, _SHORTEST - wave.shape[1])))
    wave = wave / wave.square().mean(dim=1, keepdim=True).clamp_min(_SILENCE).sqrt()
    columns = [values for _, values in _all(wave)]
    points: Points = torch.stack(columns, dim=1).double().numpy()
    return points


def _all(wave: Tensor) -> Iterator[tuple[tuple[str, str, str], Tensor]]:
    """Every statistic of waveforms [N, samples] of unit RMS: family, band and unit, and the values [N]."""
    yield from fine_structure_statistics(wave, SAMPLE_RATE)
    yield from envelope_statistics(wave, SAMPLE_RATE)
    yield from waveform_statistics(wave, SAMPLE_RATE)


@cache
def _statistics() -> tuple[Statistic, ...]:
    return tuple(Statistic(*about) for about, _ in _all(torch.zeros(1, _SHORTEST)))
