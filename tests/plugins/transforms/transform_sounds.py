"""What the tests of the transforms share: every declared transform by name, and sounds to give them."""

from __future__ import annotations

import math
from typing import Any

import torch

from genvae import Transform
from genvae.plugin import options
from genvae.plugin.registry import load_factory
from genvae_plugins.transforms import genvae_transforms

RATE = 22050
PLUGINS = {plugin.name: plugin for plugin in genvae_transforms()}
SCALED = [name for name in PLUGINS if name != "waveform"]
LOGARITHMIC = [name for name in SCALED if name != "complex"]


def make(name: str, sample_rate: int = RATE, **values: Any) -> Transform:
    """A transform as a pipeline makes it, of options given by name."""
    plugin = PLUGINS[name]
    made = load_factory(plugin)(options.build(plugin.options, values, where="transform"), sample_rate=sample_rate)
    assert isinstance(made, Transform)
    return made


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return 0.3 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def tone(hertz: float, samples: int = RATE, amplitude: float = 0.5) -> torch.Tensor:
    """A sine, [1, samples]."""
    time = torch.arange(samples, dtype=torch.float64) / RATE
    return (amplitude * torch.sin(2 * math.pi * hertz * time)).float()[None]


def music(samples: int = RATE) -> torch.Tensor:
    """Plucked chords with harmonics over a quiet bed of noise, [2, samples]."""
    generator = torch.Generator().manual_seed(1)
    time = torch.arange(samples, dtype=torch.float64) / RATE
    clips = []
    for chord in ((110.0, 164.8, 220.0, 277.2), (196.0, 246.9, 293.7, 880.0)):
        wave = 0.003 * torch.randn(samples, generator=generator, dtype=torch.float64)
        for start, hertz in zip((0.0, 0.2, 0.45, 0.6), chord, strict=True):
            since = (time - start).clamp_min(0)
            for harmonic in range(1, 9):
                decay = (-3.0 * harmonic**0.5 * since).exp() * (since > 0) / harmonic
                wave += 0.15 * decay * torch.sin(2 * math.pi * hertz * harmonic * since)
        clips.append(wave.float())
    return torch.stack(clips)


def convergence_db(wanted: torch.Tensor, got: torch.Tensor) -> float:
    """The distance of magnitudes relative to the wanted ones."""
    return 20 * math.log10(float((wanted - got).norm() / wanted.norm()))
