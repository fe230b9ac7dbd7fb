"""Validation: loss parts on held-out clips, how far the reconstruction is off, and whether the posterior is alive."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from genvae.pipeline import Pipeline
from genvae.returned import require_tensor
from genvae.training.contract import loss_parts
from genvae.training.data import Batch

Inputs = Callable[[Tensor, Tensor, Sequence[int]], tuple[Tensor, Tensor]]
"""What a vocoder's loss takes, of waveforms, genres and seeds: see `Trainee.inputs`."""

ACTIVE_VARIANCE = 0.01
COLLAPSED = 0.05
DECIBELS_PER_NEPER = 20.0 / math.log(10.0)


def active_units(means: Tensor) -> int:
    """Number of latent dimensions whose posterior mean varies over the data.

    Burda, Grosse & Salakhutdinov, Importance Weighted Autoencoders, 2016, section 5.2 and its threshold.

    Args:
        means: [N, latent_dim], posterior means of N clips.
    """
    return int((means.var(dim=0, correction=0) > ACTIVE_VARIANCE).sum())


@torch.no_grad()
def validate_model(pipeline: Pipeline, batches: Iterable[Batch], *, seed: int) -> dict[str, float]:
    """Averages over all clips, each with the same draws at every validation.

    Returns:
        every part of the model's loss; `distance_db`, the root-mean-square difference of level between a clip's
        spectrogram and its reconstruction from the posterior mean (for features on a log scale); `active_units`.
    """
    device = next(pipeline.model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    training = pipeline.model.training
    pipeline.model.eval()
    sums: defaultdict[str, float] = defaultdict(float)
    means, count = [], 0
    for batch in batches:
        waves, genres = batch.waves.to(device), batch.genres.to(device)
        told: dict[str, Any] = {} if batch.attributes is None else {"attributes": batch.attributes.to(device)}
        features = pipeline.features(waves)  # [B, bins, frames]
        parts = pipeline.model.loss(features, genres, generator=generator, **told)
        for name, value in loss_parts(parts, pipeline.model.loss).items():
            sums[name] += float(value) * len(waves)
        posterior = pipeline.posterior(features, genres)
        if pipeline.transform.spec.scale == "log":
            decoded = pipeline.decoded(posterior.mean, genres, **told)
            apart = pipeline.spectrogram(decoded) - pipeline.spectrogram(features)
            sums["distance_db"] += float(apart.square().mean((1, 2)).sqrt().sum()) * DECIBELS_PER_NEPER
        means.append(posterior.mean.float().cpu())
        count += len(waves)
    pipeline.model.train(training)
    return {name: value / count for name, value in sums.items()} | {"active_units": active_units(torch.cat(means))}


@torch.no_grad()
def validate_vocoder(
    pipeline: Pipeline,
    inputs: Inputs,
    batches: Iterable[Batch],
    *,
    seed: int,
) -> dict[str, float]:
    """Averages over all clips, each with the same draws at every validation.

    Args:
        pipeline: whose vocoder is trained.
        inputs: gives what its loss takes of waveforms and genres, with seeds of what is drawn.
        batches: of clips.
        seed: of the draws.

    Returns:
        every part of the vocoder's loss, and `distance_db`, the root-mean-square difference of level between a clip's
        spectrogram and that of the waveform which the vocoder makes of it (for features on a log scale).
    """
    device = next(pipeline.vocoder.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    training = pipeline.vocoder.training
    pipeline.vocoder.eval()
    transform = pipeline.transform
    sums: defaultdict[str, float] = defaultdict(float)
    count = 0
    for batch in batches:
        spectrogram, waves = inputs(batch.waves.to(device), batch.genres.to(device), [seed + count])
        parts = pipeline.vocoder.loss(spectrogram, waves, generator=generator)
        for name, value in loss_parts(parts, pipeline.vocoder.loss).items():
            sums[name] += float(value) * len(waves)
        if transform.spec.scale == "log":
            made = pipeline.vocoder(spectrogram, length=waves.shape[1])
            require_tensor(made, waves.shape, pipeline.vocoder.forward, "waveforms")
            apart = transform.invert(transform(made)) - transform.invert(transform(waves))
            sums["distance_db"] += float(apart.square().mean((1, 2)).sqrt().sum()) * DECIBELS_PER_NEPER
        count += len(waves)
    pipeline.vocoder.train(training)
    return {name: value / count for name, value in sums.items()}
