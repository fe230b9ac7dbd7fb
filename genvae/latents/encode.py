"""Encodes the clips of a store with a trained pipeline, and keeps their latents in the run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.clips.batches import genres_of, in_order, spread
from genvae.clips.store import ClipStore
from genvae.errors import RunError
from genvae.interfaces.model import Posterior
from genvae.latents.heard import measure_store
from genvae.pipeline import Pipeline
from genvae.plugin.declarations import SOUNDS
from genvae.plugin.registry import Registry
from genvae.progress import Listener, ignore, tracked
from genvae.run import Run
from genvae.tensor_files import save_tensors

MOST = 500_000
"""Training clips whose latents a run holds: enough for any prior, and what fits into memory."""
_BATCH = 64


def kept(store: ClipStore) -> NDArray[np.int64]:
    """The training clips whose latents a run holds, [N]: all of them, or MOST at even distances."""
    return spread(store.select(split="train"), MOST)


def encode(
    pipeline: Pipeline, store: ClipStore, numbers: NDArray[np.int64], *, batch_size: int = _BATCH
) -> Iterator[Posterior]:
    """Yield the posteriors of clips, a batch at a time, in the order of `numbers` [N]; on the model's device."""
    device = next(pipeline.model.parameters()).device
    for waves, genre in in_order(store, numbers, batch_size):
        with torch.no_grad():
            posterior = pipeline.posterior(pipeline.features(waves.to(device)), genre.to(device))
        yield posterior


def save_latents(run: Run, mean: Tensor, store: ClipStore, numbers: NDArray[np.int64]) -> None:
    """Keep the posterior means [N, latent_dim] of the training clips in a run: with their genres, and how sounds sound.

    Args:
        run: whose they are.
        mean: [N, latent_dim].
        store: that holds the clips.
        numbers: of the clips there, [N].
    """
    clip, genre = torch.from_numpy(numbers.astype(np.int64)), genres_of(store, numbers)
    heard = measure_store(store, numbers) if store.items == SOUNDS else {}
    save_tensors(run.latents_path, {"mean": mean, "genre": genre, "clip": clip, **heard})


def encode_store(run: Run, store: ClipStore, registry: Registry, *, listener: Listener = ignore) -> None:
    """Write the run's `latents.safetensors`, as the end of its training does.

    Args:
        run: that has no latents of its training clips.
        store: the one that it was trained on.
        registry: where its plugins come from.
        listener: is told how far it is.

    Raises:
        RunError: the store is not the one that the run was trained on, or the run is unfinished or damaged.
    """
    if run.data.get("store") != store.digest:
        raise RunError(f"{run.path} was trained on another store than {store.path}, or that one has changed since.")
    pipeline = run.load(registry)
    numbers = kept(store)
    batches = tracked(encode(pipeline, store, numbers), "encoding", listener, total=-(-len(numbers) // _BATCH))
    means = [posterior.mean.float() for posterior in batches]
    save_latents(run, torch.cat(means), store, numbers)
