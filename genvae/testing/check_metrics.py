"""Checks of metrics: a finite number for any clips, the same each time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from genvae.interfaces.metric import Metric
from genvae.testing.check import check
from genvae.testing.failure import expect
from genvae.testing.sounds import music, noise, tone
from genvae.testing.subject import Subject

RATE = 8000


@check
def gives_a_number(subject: Subject) -> None:
    """Clips and real ones, as many or not, silent ones too, give a finite number, and are left as they were."""
    metric: Metric = subject.make()
    expect(metric.better in ("lower", "higher", "alike"), "`better` to be lower, higher or alike", repr(metric.better))
    sounds = torch.cat([tone(440.0, RATE, RATE), noise(1, RATE), music(RATE, RATE), noise(1, RATE, 1)]).numpy()
    for name, clips in {"clips": sounds, "two clips": sounds[:2], "silence": np.zeros_like(sounds)}.items():
        before = clips.copy(), sounds.copy()
        values: list[Any] = [metric.measure(clips, sounds, sample_rate=RATE) for _ in range(2)]
        right = isinstance(values[0], int | float) and math.isfinite(values[0])
        expect(right, f"a finite number for {name}", repr(values[0]))
        expect(values[0] == values[1], f"the same number for {name} each time", f"{values[0]} and {values[1]}")
        same = np.array_equal(clips, before[0]) and np.array_equal(sounds, before[1])
        expect(bool(same), "the waveforms as they were", "they were changed in place")
