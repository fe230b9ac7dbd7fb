"""Several processes that train one run, as torchrun starts them: how a batch is shared out, and what ends them all."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.strategy import Strategy

from genvae.clips.store import ClipStore
from genvae.errors import Cure, OptionError, RunError
from genvae.interfaces.model import Model
from genvae.interfaces.vocoder import Vocoder
from genvae.plugin.registry import load_factory
from genvae.run import Run
from genvae.training.interrupt import Interrupted, Wish
from genvae.training.job import Job

_SIGNS = ("gloo", "nccl", "connection closed by peer", "connection reset by peer", "broken pipe")
"""What messages of torch.distributed have in them when another process is gone."""


def local() -> int:
    """How many processes share the work on this machine: one, unless torchrun has started this one beside others."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def world() -> int:
    """How many processes train the run, on all machines."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def has_own_step(module: object) -> bool:
    """Whether a class, or what makes a part, has a training step of its own, that takes a batch as a whole."""
    return getattr(module, "training_step", None) not in (Model.training_step, Vocoder.training_step)


def strategy(job: Job) -> Strategy | str:
    """How the processes work together: each has all weights, and gradients are averaged."""
    if world() == 1:
        return "auto"
    some = has_own_step(load_factory(job.registry.plugin(job.section, getattr(job.config, job.section).name)))
    return DDPStrategy(find_unused_parameters=some)


def with_parts(job: Job) -> Job:
    """The job with a batch in as many parts as its processes can share out alike; a new run is described with that.

    Raises:
        RunError: a run that is resumed has its batches in another number of parts.
    """
    own, sharing = job.options.accumulate, world()
    if job.create is not None:
        return replace(job, options=replace(job.options, accumulate=math.ceil(own / sharing) * sharing))
    if own % sharing:
        raise RunError(
            f"{job.path} computes its batches in {_counted(own, 'part')} (train.accumulate), each of which draws for "
            f"itself, and {sharing} processes can't share {'it' if own == 1 else 'them'} out alike. Go on with "
            f"{_divisors(own)} of them."
        )
    return job


def require_shareable(job: Job, module: Model | Vocoder, batch_size: int) -> None:
    """Make sure that each process has as much to do as each other.

    Raises:
        OptionError: a batch can't be shared out alike.
        RunError: a training step that takes its part as a whole would get several.
    """
    parts = job.options.accumulate
    if world() > 1 and batch_size % parts:
        raise OptionError(
            f"train.batch_size: a batch of {batch_size} clips can't be shared out alike in {parts} parts among "
            f"{world()} processes. Take a multiple of {parts}."
        )
    if parts > world() and has_own_step(type(module)):
        raise RunError(
            f"{job.path} was begun by {parts} processes, and its {job.section} has a training step of its own, which "
            f"takes what a process has as a whole: go on with {parts} of them."
        )


@contextmanager
def losing_another(run: Run, store: ClipStore, wish: Wish, rescue: Callable[[], None]) -> Iterator[None]:
    """End in a sentence when another process has ended, and keep what can be kept.

    Raises:
        RunError: another process has ended.
        Interrupted: a signal came as well.
    """
    try:
        yield
    except Exception as error:
        if world() == 1 or not _is_loss(error):
            raise
        rescue()
        if wish.signal:  # by which torchrun ends the others
            raise Interrupted(wish.signal, "as another process has ended", store.path, run.path) from error
        raise RunError(
            "Another process of this training has ended, so this one ends as well.",
            cure=Cure.of("train", store=store.path, run=run.path, resume=True),
        ) from error


def _is_loss(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, tells of another process that is gone."""
    while error is not None:
        text = str(error).lower()
        if isinstance(error, torch.distributed.DistError) or (
            isinstance(error, RuntimeError) and any(sign in text for sign in _SIGNS)
        ):
            return True
        error = error.__cause__
    return False


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' * (count > 1)}"


def _divisors(number: int) -> str:
    found = [str(each) for each in range(1, number + 1) if number % each == 0]
    return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} or {found[-1]}"
