"""The windows that a FeatureSpec can name, as tensors."""

from __future__ import annotations

import torch
from torch import Tensor

from genvae.spec import FeatureSpec

_MAKERS = {"hann": torch.hann_window, "hamming": torch.hamming_window, "blackman": torch.blackman_window}

NAMES = tuple(_MAKERS)
"""Every name that `make` knows."""


def make(name: str, samples: int) -> Tensor:
    """The periodic window of that name, float32 [samples].

    >>> make("hann", 4)  # periodic: the zero at the end is the beginning of the next period
    tensor([0.0000, 0.5000, 1.0000, 0.5000])

    Raises:
        KeyError: the name is none of NAMES.
    """
    return _MAKERS[name](samples, periodic=True)


def of(spec: FeatureSpec) -> Tensor:
    """The window of a spec's frames, float32 [n_fft]."""
    return make(spec.window, spec.n_fft)
