"""How the clips of a map sound, as shades: a byte a clip, from 1 for the least to 255 for the most, 0 for none."""

from __future__ import annotations

import torch
from torch import Tensor

from genvae.web import schema

_EDGES = (0.02, 0.98)  # shares of the clips between which shades go; the few beyond have the last ones


def quality(name: str, values: Tensor) -> schema.Quality:
    """What the shades of a quality [N] go from and to."""
    low, high = _range(values)
    if name == "loudness":
        return schema.Quality(name=name, unit="dB", low=low, high=high)
    return schema.Quality(name=name, unit="Hz", low=2**low, high=2**high)


def shades(values: Tensor) -> bytes:
    """The shades of a quality [N]; a clip whose value is exactly 0 has none of it, such as no pitch."""
    low, high = _range(values)
    steps = (1 + 254 * ((values - low) / max(high - low, 1e-6)).clamp(0, 1)).round()
    content: bytes = torch.where(values == 0, torch.zeros_like(steps), steps).to(torch.uint8).numpy().tobytes()
    return content


def _range(values: Tensor) -> tuple[float, float]:
    some = values[values != 0]
    if not len(some):
        return 0.0, 1.0
    ordered = some.sort().values
    low, high = (float(ordered[round(share * (len(ordered) - 1))]) for share in _EDGES)
    return low, high
