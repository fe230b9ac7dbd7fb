"""What checks of vocoders begin with: one at a rate that it serves, and a transform that it accepts."""

from __future__ import annotations

from typing import Any

from genvae.interfaces.vocoder import Vocoder
from genvae.plugin.declarations import VocoderPlugin
from genvae.testing.partners import Feeder, feeder
from genvae.testing.subject import Subject
from genvae.training.vocoder_job import trainable

RATE = 22050  # Hz, where a vocoder serves it


def rate_of(subject: Subject, preferred: int = RATE) -> int:
    """The rate at which a plugin is checked: of those that a vocoder serves, the nearest to the preferred one."""
    served = subject.plugin.sample_rates if isinstance(subject.plugin, VocoderPlugin) else ()
    return min(served or (preferred,), key=lambda rate: abs(rate - preferred))


def must_learn(subject: Subject) -> bool:
    """Whether a vocoder says that it makes no sound before it is trained."""
    return isinstance(subject.plugin, VocoderPlugin) and subject.plugin.learns


def learns(subject: Subject) -> bool:
    """Whether a vocoder has a loss."""
    return trainable(subject.factory)


def ready(subject: Subject) -> tuple[Any, Feeder]:
    """A vocoder set to inference, and a transform that it accepts."""
    if "feeder" not in subject.cache:
        subject.cache["feeder"] = feeder(subject, rate_of(subject))
    feed: Feeder = subject.cache["feeder"]
    return subject.make(spec=feed.spec).eval(), feed


def alike(subject: Subject) -> tuple[Vocoder, Feeder]:
    """As `ready`, with first weights that are the same every time."""
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ready(subject)
