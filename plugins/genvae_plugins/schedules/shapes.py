"""Shapes of a learning rate over a training."""

from __future__ import annotations

import math

import genvae


class Cosine(genvae.Schedule):
    """Half a cosine; Loshchilov & Hutter, SGDR, 2017, without restarts."""

    def scale(self, progress: float) -> float:
        """From 1 to 0."""
        return 0.5 * (1.0 + math.cos(math.pi * min(1.0, progress)))


class Trapezoid(genvae.Schedule):
    """Constant, then a straight line to zero; Hu et al., MiniCPM, 2024, section 4, call it warm-up-stable-decay."""

    def scale(self, progress: float) -> float:
        """1, and in the last part down to 0."""
        decay: float = self.options.decay
        return min(1.0, max(0.0, (1.0 - progress) / decay))


class Constant(genvae.Schedule):
    """One learning rate for all."""

    def scale(self, progress: float) -> float:
        """1."""
        return 1.0
