"""How many clips are all but the same as another one: what a model does that has forgotten how to vary."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

import genvae

_FRAME = 512  # samples
_FLOOR = 1e-4


class Duplicates(genvae.Metric):
    """Share of clips whose spectrogram correlates with that of another one, frame by frame, above a bound.

    A steady tone correlates with itself at any time, so of real music too some share is found.
    """

    better = "lower"

    def measure(self, clips: NDArray[np.float32], real: NDArray[np.float32], *, sample_rate: int) -> float:
        """Clips [N, samples] -> a share, 0 to 1."""
        waves = torch.from_numpy(np.ascontiguousarray(clips, dtype=np.float32))
        if len(waves) < 2:
            return 0.0
        window = torch.hann_window(_FRAME)
        spectra = torch.stft(waves, _FRAME, _FRAME // 2, window=window, pad_mode="constant", return_complex=True)
        values = (spectra.abs() + _FLOOR).log().flatten(1)  # [N, bins * frames]
        values = values - values.mean(dim=1, keepdim=True)
        values = values / values.norm(dim=1, keepdim=True).clamp_min(1e-12)
        alike = values @ values.T
        alike.fill_diagonal_(-1.0)
        return float((alike.amax(dim=1) >= self.options.alike).float().mean())
