"""From powers of a constant-Q transform to those of an STFT, as far as two resolutions let themselves be matched."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from genvae import FeatureSpec

_FINE = 16  # steps of the integration in a bin of the STFT
_REACH = 8  # bins beyond which nothing leaks through the STFT's window


def power_matrix(centres: Tensor, energies: Tensor, window: Tensor, spec: FeatureSpec) -> Tensor:
    """The matrix that takes powers of a constant-Q transform to powers of the STFT, for noise and for tones alike.

    A bin's power over its kernel's energy estimates the density of power at its frequency. Between bins the density is
    taken as linear in log frequency, beyond half a bin outside the range as 0. A bin of the STFT sees the density
    through the response of its window: P_j = integral of S(f) |W(f - f_j)|^2. Where the STFT is the finer of the two,
    its detail stays lost; where it is the coarser, this gathers what the finer has told apart.

    Args:
        centres: of the bins in Hz, rising, float64 [bins].
        energies: sums of the squares of their kernels, [bins].
        window: of the STFT, float64 [n_fft].
        spec: of the STFT.

    Returns:
        float64 [n_fft // 2 + 1, bins].
    """
    bins, reach = len(centres), _REACH * _FINE
    grid = torch.arange(-reach, (spec.bins - 1) * _FINE + reach + 1)
    pitch = (grid.double().clamp_min(1) * (spec.sample_rate / spec.n_fft / _FINE) / centres[0]).log2()
    per_octave = (bins - 1) / float((centres[-1] / centres[0]).log2()) if bins > 1 else 1.0
    place = pitch * per_octave  # in bins of the constant-Q transform
    below = place.floor().clamp(0, max(bins - 2, 0)).long()
    share = (place - below).clamp(0, 1)
    inside = (grid > 0) & (place > -0.5) & (place < bins - 0.5)
    density = torch.zeros(len(grid), bins, dtype=torch.float64)
    rows = torch.arange(len(grid))
    density[rows, below] = torch.where(inside, 1 - share, 0)
    density[rows, (below + 1).clamp_max(bins - 1)] += torch.where(inside, share, 0)

    response = torch.fft.fft(window, n=spec.n_fft * _FINE).abs().square()
    response = torch.cat([response[-reach:], response[: reach + 1]])
    response *= window.square().sum() / response.sum()  # the power that noise of density 1 gives
    powers = functional.conv1d(density.T.unsqueeze(1), response[None, None], stride=_FINE)  # [bins, 1, n_fft // 2 + 1]
    return powers.squeeze(1).T / energies
