"""Which precision a training computes in: bfloat16 where the device is quicker with it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from copy import deepcopy
from typing import Any, Literal

import torch

from genvae.errors import PluginError
from genvae.pipeline import Pipeline
from genvae.training.trainee import TRAINEES

Precision = Literal["32-true", "bf16-mixed"]

WORTH = 0.8  # of the time in single precision, that bfloat16 must stay below
_CLIPS = 8  # in a batch that is timed
_FIRST = 2  # in one that shows whether that is worth its time
_HOPELESS = 2.0  # times the time in single precision
_ROUNDS = 3


def quicker(pipeline: Pipeline, device: torch.device, section: str = "model") -> Precision:
    """The precision in which a batch's loss and gradient take less time; single precision where it is much the same.

    A GPU that knows bfloat16 takes it. A processor may have no instructions for it, and then it takes longer; what has
    them gains with one model and loses with another: so some batches of noise are timed, in a second or so. Two clips
    come first, as a processor without such instructions may take ten times as long. What fails in bfloat16 is trained
    in single precision. The pipeline stays as it is.

    Args:
        pipeline: whose part is trained.
        device: on which.
        section: the part, `model` or `vocoder`.
    """
    if device.type == "cuda":
        return "bf16-mixed" if torch.cuda.is_bf16_supported() else "32-true"
    if device.type != "cpu":
        return "32-true"
    pipeline = deepcopy(pipeline).to(device)
    config = pipeline.config
    waves = 0.1 * torch.randn(_CLIPS, *pipeline.kind.shape)
    genres = torch.arange(_CLIPS) % len(config.genres)
    trainee = TRAINEES[section](pipeline)
    some, all_of_them = (trainee.inputs(waves[:count], genres[:count], [0]) for count in (_FIRST, _CLIPS))

    def seconds(inputs: Sequence[Any], bfloat16: bool) -> float:
        began = time.perf_counter()
        with pipeline.using(section, "training"):
            with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
                loss = trainee.module.loss(*inputs, generator=torch.Generator().manual_seed(0))["loss"]
            torch.autograd.backward(loss)
        return time.perf_counter() - began

    try:
        seconds(some, False)  # what runs for the first time is slower
        if seconds(some, True) > _HOPELESS * seconds(some, False):
            return "32-true"
        rounds = [(seconds(all_of_them, False), seconds(all_of_them, True)) for _ in range(_ROUNDS)]
    except PluginError:  # if it fails in single precision too, training says so
        return "32-true"
    single, half = (min(times) for times in zip(*rounds, strict=True))
    return "bf16-mixed" if half < WORTH * single else "32-true"
