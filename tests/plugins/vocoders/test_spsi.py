"""Single pass spectrogram inversion against a slow version of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from vocoder_sounds import RATE, SPEC, log_magnitude, music, spec_of, spectrum, tone

from genvae_plugins.vocoders import spsi


def slow(magnitude: np.ndarray, hop: int, n_fft: int) -> np.ndarray:
    """Peak by peak, outwards from each until the magnitude rises again; edges as ours."""
    frames, bins = magnitude.shape
    turns = np.zeros((frames, bins))
    for t in range(frames):
        before = turns[t - 1] if t else np.zeros(bins)
        m = np.concatenate([[0], magnitude[t], [0]])
        for k in range(bins):
            low, here, high = m[k : k + 3]
            if not ((here > low or k == 0) and (here >= high or k == bins - 1)):
                continue
            curvature = low - 2 * here + high
            offset = 0.5 * (low - high) / curvature if curvature else 0
            phase = before[k] + (k + offset) * hop / n_fft
            turns[t, k] = phase
            for way in (-1, 1):
                j = k + way
                while 0 <= j < bins and magnitude[t, j] <= magnitude[t, j - way]:
                    behind, ahead = m[j + 1 - way], m[j + 1 + way]
                    if ahead > behind or (ahead == behind and way < 0):
                        break  # the bottom of a valley, which goes to the side with the larger neighbour
                    turns[t, j] = phase + 0.5 * ((j - k) % 2)
                    j += way
    turns[:, [0, -1]] = 0
    return turns


@pytest.mark.parametrize(("n_fft", "hop"), [(256, 64), (128, 50)])
def test_it_is_what_the_slow_version_finds(n_fft: int, hop: int) -> None:
    spec = spec_of(n_fft, hop)
    noise = torch.randn(4000, generator=torch.Generator().manual_seed(0))  # nothing is flat but for rounding
    magnitude = log_magnitude(music(4000) + 0.1 * noise, spec).transpose(1, 2).exp()
    expected = torch.from_numpy(slow(magnitude[0].double().numpy(), hop, n_fft))
    found = spsi.phases(magnitude, spec)[0]
    error = found - expected
    assert float((error - error.round()).abs().max()) < 1e-3


def test_a_tone_advances_by_its_frequency() -> None:
    wave = tone(40.3 * RATE / 1024)
    turns = spsi.phases(log_magnitude(wave).transpose(1, 2).exp(), SPEC)[0]
    true = spectrum(wave)[0].angle().T / (2 * math.pi)
    steps = (turns - true)[10:-10, 40].diff()
    assert float((steps - steps.round()).abs().max()) < 0.02
