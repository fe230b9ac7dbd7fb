"""Suite `train`: a training step of every installed model, as samples a second and as a share of the machine's peak."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from genvae.bench.contest import Call, Case, Contender, Scale
from genvae.bench.harness import measure
from genvae.bench.sounds import RATE
from genvae.bench.suites import Context
from genvae.interfaces.training_step import TrainingStep
from genvae.pipeline import Pipeline, PipelineConfig

_GENRES = ("a", "b", "c")
_HEAVY = 5e9  # floating-point operations a sample from which batches are small
_SIZE = 1024  # rows and columns of the matrices whose product is taken for the peak


def cases(context: Context, only: str = "") -> Iterator[Case]:
    """The peak first, then a case for each model, or for one."""
    product = _peak_case(context)
    yield product
    measurement, *_ = measure(product, replace(context.conditions, seconds=0.5))
    peak = (measurement.value or 0.0) * 1e9
    waves = torch.from_numpy(context.sounds.clips(64 if context.thorough else 16)).to(context.conditions.device)
    for row in context.registry.rows:
        name = row.short_name
        if row.kind == "model" and row.plugin is not None and only in ("", name):
            yield _model_case(context, name, waves, peak)


def _model_case(context: Context, name: str, waves: Tensor, peak: float) -> Case:
    flops, batch = 0.0, len(waves)
    try:
        flops = _flops(context, name, waves[:1])
        batch = min(batch, 4) if flops > _HEAVY else batch
    except Exception:  # told by the contenders, which fail likewise
        pass
    waves = waves[:batch]
    share = [Scale("of the peak", "%", 100 * batch * flops / peak, rate=True)] if peak and flops else []

    def contender(title: str, make: Callable[[], Call], extra: list[Scale] = share) -> Contender:
        return Contender(name=title, make=make, extra=extra)

    half = context.conditions.device != "cpu"  # most CPUs have no arithmetic for it
    return Case(
        suite="train",
        name=f"{name}, batch {batch}, {flops / 1e9:.1f} GFLOP a sample",
        baseline="eager PyTorch",
        scales=[Scale("speed", "samples/s", batch, rate=True)],
        contenders=[
            contender("eager PyTorch", partial(_eager, context, name, waves)),
            contender("genvae's step, front end included", partial(_step, context, name, waves)),
            *([contender("genvae's step, bfloat16", partial(_step, context, name, waves, half=True), [])] * half),
            contender("the front end alone", partial(_front_end, context, name, waves), []),
            contender("reading a batch from memory", partial(_read, waves), []),
        ],
    )


def _pipeline(context: Context, name: str) -> Pipeline:
    config = PipelineConfig.assemble(
        context.registry, sample_rate=RATE, clip_samples=RATE, genres=_GENRES, plugins={"model": name}
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pipeline = Pipeline.build(config, context.registry).to(context.conditions.device)
    pipeline.model.train()
    return pipeline


def _genres(waves: Tensor) -> Tensor:
    return torch.arange(len(waves), device=waves.device) % len(_GENRES)


def _generator(waves: Tensor) -> torch.Generator:
    return torch.Generator(waves.device).manual_seed(0)


def _eager(context: Context, name: str, waves: Tensor) -> Call:
    """The loop that anybody would write around the network, on features that are there already."""
    pipeline = _pipeline(context, name)
    with torch.no_grad():
        features = pipeline.transform(waves)
    genre, generator, optimizers = _genres(waves), _generator(waves), pipeline.model.optimizers()

    def call() -> object:
        loss = pipeline.model.loss(features, genre, generator=generator)["loss"]
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for optimizer in optimizers:
            optimizer.step()
        return loss

    return call


def _step(context: Context, name: str, waves: Tensor, *, half: bool = False) -> Call:
    pipeline = _pipeline(context, name)
    genre, generator, optimizers = _genres(waves), _generator(waves), pipeline.model.optimizers()
    precision: Callable[[], AbstractContextManager[Any]] = partial(
        torch.autocast, waves.device.type, dtype=torch.bfloat16, enabled=half
    )

    def loss(features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        with precision():
            return pipeline.model.loss(features, genre, generator=generator)

    def backward(value: Tensor) -> None:
        value.backward()  # type: ignore[no-untyped-call]

    def call() -> object:
        with torch.no_grad():
            features = pipeline.transform(waves)
        return pipeline.model.training_step(features, genre, TrainingStep(optimizers, backward, loss, generator))

    return call


def _front_end(context: Context, name: str, waves: Tensor) -> Call:
    transform = _pipeline(context, name).transform

    def call() -> object:
        with torch.no_grad():
            return transform(waves)

    return call


def _read(waves: Tensor) -> Call:
    """What the loader does with a batch whose shards are in memory: gather rows of int16, and scale them."""
    rows = (np.resize(waves.cpu().numpy(), (1024, waves.shape[1])) * 32767).astype(np.int16)
    order = np.random.default_rng(0).permutation(1024)[: len(waves)]
    return lambda: torch.from_numpy(rows[order].astype(np.float32) * np.float32(1 / 32768))


def _flops(context: Context, name: str, waves: Tensor) -> float:
    """Floating-point operations of a step forward and back."""
    pipeline = _pipeline(context, name)
    with torch.no_grad():
        features = pipeline.transform(waves)
    counter = FlopCounterMode(display=False)
    with counter:
        loss = pipeline.model.loss(features, _genres(waves), generator=_generator(waves))["loss"]
        loss.backward()  # type: ignore[no-untyped-call]
    return float(counter.get_total_flops())


def _peak_case(context: Context) -> Case:
    def make() -> Call:
        a, b = torch.randn(2, _SIZE, _SIZE, generator=torch.Generator().manual_seed(0)).to(context.conditions.device)
        return lambda: a @ b

    return Case(
        suite="train",
        name="the peak",
        scales=[Scale("speed", "GFLOP/s", 2 * _SIZE**3 / 1e9, rate=True)],
        contenders=[Contender(name=f"product of two float32 matrices of {_SIZE} x {_SIZE}", make=make)],
    )
