"""What is measured before the first step: the transform's statistics, and what a model or a vocoder asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from genvae.clips.batches import in_order, spread
from genvae.pipeline import Pipeline
from genvae.training.data import Batches
from genvae.training.log import TrainingLog
from genvae.training.monitor import Inputs

_MOST = 200_000  # clips for the statistics of the features, which more would not change


def measure_for_model(
    pipeline: Pipeline, batches: Batches, *, device: torch.device, log: TrainingLog, heed: Callable[[], None]
) -> None:
    """Fit the transform to the training clips, then the model to those of the first epoch, none of them shifted.

    Of more than 200,000 clips the transform sees so many, at even distances. Every process finds the same.

    Args:
        pipeline: what is trained.
        batches: of the training.
        device: that the pipeline is on.
        log: is told how far it is.
        heed: raises if the user wants to stop.
    """
    store, numbers, size = batches.store, batches.numbers, batches.batch_size
    seen = spread(numbers, _MOST)
    tracked = log.track(in_order(store, seen, size), "measuring the spectra", -(-len(seen) // size))

    def waves() -> Iterator[Tensor]:
        for batch, _ in tracked:
            heed()
            yield batch.to(device)

    with pipeline.using("transform", "being fitted"):
        pipeline.transform.fit(waves())

    plain = Batches(store, numbers, batch_size=size, seed=batches.seed)
    log.begin("preparing the model")

    def features() -> Iterator[Tensor]:
        for step in range(plain.steps_per_epoch):
            log.show(0.0, f"{step * plain.batch_size} clips")
            heed()
            batch = plain.at(step).waves
            # not over the yield, which would leave it switched off for the caller
            with torch.no_grad():
                spectrograms = pipeline.features(batch.to(device))
            yield spectrograms

    with pipeline.using("model", "being fitted"):
        pipeline.model.fit(features())


def measure_for_vocoder(
    pipeline: Pipeline,
    inputs: Inputs,
    batches: Batches,
    *,
    device: torch.device,
    log: TrainingLog,
    heed: Callable[[], None],
) -> None:
    """Fit the vocoder to the training clips of the first epoch, none of them shifted.

    Args:
        pipeline: whose vocoder is trained.
        inputs: gives what its loss takes of waveforms and genres, with seeds of what is drawn.
        batches: of the training.
        device: that the pipeline is on.
        log: is told how far it is.
        heed: raises if the user wants to stop.
    """
    plain = Batches(batches.store, batches.numbers, batch_size=batches.batch_size, seed=batches.seed)
    log.begin("preparing the vocoder")

    def pairs() -> Iterator[tuple[Tensor, Tensor]]:
        for step in range(plain.steps_per_epoch):
            log.show(0.0, f"{step * plain.batch_size} clips")
            heed()
            batch = plain.at(step)
            yield inputs(batch.waves.to(device), batch.genres.to(device), [step])

    with pipeline.using("vocoder", "being fitted"):
        pipeline.vocoder.fit(pairs())
