"""Checks of embedders: finite points, the same for a clip alone and in a batch, and a name with version and digest."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from genvae.interfaces.embedder import Embedder
from genvae.testing.check import check
from genvae.testing.failure import expect
from genvae.testing.sounds import music, noise, tone
from genvae.testing.subject import Subject


def _ready(subject: Subject) -> tuple[Embedder, NDArray[np.float32]]:
    embedder: Embedder = subject.make()
    rate: Any = embedder.sample_rate
    expect(isinstance(rate, int) and rate > 0, "`sample_rate` in Hz", repr(rate))
    sounds = [tone(440.0, rate, rate), noise(1, rate), music(rate, rate), noise(1, rate, 1), 0 * noise(1, rate)]
    return embedder, np.concatenate([each.numpy() for each in sounds])


@check
def name_says_version_and_digest(subject: Subject) -> None:
    """`name` is a name, a version and eight hexadecimal digits: what stands under it is compared with its own alone."""
    name: Any = subject.make().name
    right = isinstance(name, str) and re.fullmatch(r"[\w.-]+ [\w.]+ \([0-9a-f]{8}\)", name)
    expect(bool(right), "`name` such as `my-ear 1 (0123abcd)`", repr(name))
    expect(subject.make().name == name, "the same name each time", f"{subject.make().name!r}")


@check
def gives_points(subject: Subject) -> None:
    """Waveforms [N, samples], silent ones too, give finite points [N, D], another one for another sound."""
    embedder, waves = _ready(subject)
    for count in (1, len(waves)):
        points: Any = embedder.embed(waves[:count])
        shape = list(getattr(points, "shape", []))
        expect(len(shape) == 2 and shape[0] == count, f"points [{count}, D]", f"{type(points).__name__} {shape}")
        expect(bool(np.isfinite(points).all()), "finite points", "some are not")
    expect(len(np.unique(points.round(6), axis=0)) > 2, "other points for other sounds", "the same for most")


@check
def hears_a_clip_alone(subject: Subject) -> None:
    """A clip gives the same point alone and among others, and each time; the waveforms are left as they were."""
    embedder, waves = _ready(subject)
    before = waves.copy()
    together = np.asarray(embedder.embed(waves))
    expect(bool(np.array_equal(waves, before)), "the waveforms as they were", "they were changed in place")
    alone = np.concatenate([np.asarray(embedder.embed(wave[None])) for wave in waves])
    apart = float(np.abs(together - alone).max() / max(float(np.abs(together).max()), 1e-12))
    expect(apart < 1e-4, "the same points alone and in a batch", f"they differ by {apart:.2g} of the largest value")
