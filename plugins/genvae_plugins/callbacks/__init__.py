"""Declares what may be told how a training goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated

import genvae


@dataclass(frozen=True, kw_only=True)
class SamplesOptions:
    """Options of `samples`."""

    clips: Annotated[int, genvae.Option("of each genre", least=1, most=100)] = 1


@dataclass(frozen=True, kw_only=True)
class EarlyStoppingOptions:
    """Options of `early-stopping`."""

    of: Annotated[str, genvae.Option("what is watched, a value of the validation; less is better")] = "loss"
    patience: Annotated[int, genvae.Option("validations without a better value", least=1)] = 10
    margin: Annotated[float, genvae.Option("by which a value must be lower to be better", least=0)] = 0.0


@dataclass(frozen=True, kw_only=True)
class BestOptions:
    """Options of `best`."""

    of: Annotated[str, genvae.Option("what is watched, a value of the validation; less is better")] = "loss"


def _no_tensorboard() -> str | None:
    return None if find_spec("tensorboard") else "tensorboard is not installed: pip install tensorboard"


@genvae.hookimpl
def genvae_callbacks() -> Iterator[genvae.CallbackPlugin]:
    """Declare the callbacks that come with genvae."""
    yield genvae.CallbackPlugin(
        name="tensorboard",
        summary="RUN/tensorboard: every value that is logged, for TensorBoard.",
        factory="genvae_plugins.callbacks.tensorboard:TensorBoard",
        unavailable=_no_tensorboard,
    )
    yield genvae.CallbackPlugin(
        name="csv",
        summary="RUN/metrics.csv: every value that is logged, a row each.",
        factory="genvae_plugins.callbacks.csv_rows:CsvRows",
    )
    yield genvae.CallbackPlugin(
        name="samples",
        summary="RUN/samples: what the model makes of held-out clips, at each validation.",
        factory="genvae_plugins.callbacks.samples:Samples",
        options=SamplesOptions,
    )
    yield genvae.CallbackPlugin(
        name="early-stopping",
        summary="Ends the training when a validation is no longer better than those before it.",
        factory="genvae_plugins.callbacks.watching:EarlyStopping",
        options=EarlyStoppingOptions,
    )
    yield genvae.CallbackPlugin(
        name="best",
        summary="Keeps the weights of the best validation rather than the last ones.",
        factory="genvae_plugins.callbacks.watching:Best",
        options=BestOptions,
    )
