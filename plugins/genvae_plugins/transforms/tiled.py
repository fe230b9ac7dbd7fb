"""Magnitudes of the STFT on a CPU, a few frames at a time, so that they stay in a core's cache until they are done.

torch.stft goes through all of a batch's memory for every step of it; here framing, window, FFT, magnitude and what
follows are done for one tile after the other, in memory that is used again.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from genvae_plugins.threads import over_threads

_TILE = 1 << 18  # samples in a tile's frames: a megabyte, measured fastest

Finish = Callable[[Tensor, Tensor], object]
"""Called with the magnitudes of a tile [n, frames, bins], which it may overwrite, and where to write the values."""


def applies(wave: Tensor) -> bool:
    """Whether waveforms [B, samples] can go this way: on a CPU, in float32, without gradients."""
    needs_gradient = torch.is_grad_enabled() and wave.requires_grad
    return wave.device.type == "cpu" and wave.dtype == torch.float32 and not needs_gradient and wave.numel() > 0


def magnitudes(wave: Tensor, window: Tensor, hop: int, finish: Finish) -> Tensor:
    """Waveforms [B, samples] -> values [B, n_fft // 2 + 1, frames] that `finish` makes of the magnitudes.

    Frames are centred on multiples of the hop, over a signal padded with zeros, as in `spectrum`.
    """
    wave = wave.detach()
    (clips, samples), n_fft = wave.shape, len(window)
    frames, at_once = 1 + samples // hop, max(1, _TILE // n_fft)
    rows = max(1, at_once // frames)  # clips in a tile, or one clip in several
    at_once = min(at_once, frames)
    values = wave.new_empty(clips, frames, n_fft // 2 + 1)
    own = threading.local()

    def work(first: int) -> None:
        if not hasattr(own, "padded"):
            own.padded = wave.new_zeros(rows, (frames - 1) * hop + n_fft)
            own.pieces = wave.new_empty(rows, at_once, n_fft)
            own.gains = wave.new_empty(rows, at_once, n_fft // 2 + 1)
        part = wave[first : first + rows]
        n, inside = len(part), min(samples, own.padded.shape[1] - n_fft // 2)
        own.padded[:n, n_fft // 2 : n_fft // 2 + inside] = part[:, :inside]
        unfolded = own.padded[:n].unfold(1, n_fft, hop)
        for start in range(0, frames, at_once):
            count = min(at_once, frames - start)
            pieces = torch.mul(unfolded[:, start : start + count], window, out=own.pieces[:n, :count])
            gains = own.gains[:n, :count]
            np.abs(torch.fft.rfft(pieces).numpy(), out=gains.numpy())  # six times faster than torch's on a CPU
            finish(gains, values[first : first + n, start : start + count])

    over_threads(work, range(0, clips, rows))
    return values.transpose(1, 2)
