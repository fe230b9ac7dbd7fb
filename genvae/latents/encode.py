"""Encodes the training clips of a store with a trained run, for one that holds no latents of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from genvae.clips.store import ClipStore
from genvae.errors import RunError
from genvae.plugin.registry import Registry
from genvae.progress import Listener, ignore, tracked
from genvae.run import Run
from genvae.tensor_files import save_tensors

_BATCH = 64


@torch.no_grad()
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
    numbers = store.select(split="train")
    means: list[Tensor] = []
    starts = range(0, len(numbers), _BATCH)
    for batch in tracked([numbers[start : start + _BATCH] for start in starts], "encoding", listener):
        waves = torch.from_numpy(store.waves(batch))
        genre = torch.from_numpy(store.index["genre"][batch].astype(np.int64))
        means.append(pipeline.model.encode(pipeline.transform(waves), genre).mean.float())
    genres = torch.from_numpy(store.index["genre"][numbers].astype(np.int64))
    save_tensors(run.latents_path, {"mean": torch.cat(means), "genre": genres, "clip": torch.from_numpy(numbers)})
