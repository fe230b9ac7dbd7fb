"""What follows training: latents of the training clips, a prior fitted to them, weights that can generate, a map."""

from __future__ import annotations

import numpy as np
import torch

from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError, RunError
from genvae.latents.fit import make_map
from genvae.pipeline import Pipeline
from genvae.run import Run
from genvae.tensor_files import save_tensors
from genvae.training.data import in_order
from genvae.training.interrupt import Interrupted, Wish
from genvae.training.log import TrainingLog


@torch.no_grad()
def finish(
    run: Run, pipeline: Pipeline, store: ClipStore, log: TrainingLog, wish: Wish, *, seed: int, batch_size: int
) -> None:
    """Fit the prior, write `latents.safetensors`, then the weights and the map; the checkpoint is no longer needed.

    The prior sees draws from the posteriors rather than their means, because draws are what the decoder has learned
    to decode.

    Raises:
        RunError: a latent is not finite, or the prior can't be fitted.
        Interrupted: a signal came while the clips were encoded; the checkpoint of the last step stays.
    """
    pipeline.eval()
    device = next(pipeline.model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    numbers = store.select(split="train")
    means, draws, genres = [], [], []
    batches = in_order(store, numbers, batch_size)
    for waves, genre in log.track(batches, "encoding the training clips", -(-len(numbers) // batch_size)):
        if wish.signal:
            raise Interrupted(wish.signal, "after the last step", store.path, run.path)
        with pipeline.using("model", "encoding"):
            posterior = pipeline.model.encode(pipeline.transform(waves.to(device)), genre.to(device))
        means.append(posterior.mean.float().cpu())
        draws.append(posterior.sample(generator).float().cpu())
        genres.append(genre)
    pipeline.to("cpu")
    genre = torch.cat(genres)
    log.begin("fitting the prior")
    with pipeline.using("prior", "being fitted"):
        try:
            pipeline.prior.fit(torch.cat(draws), genre, generator=torch.Generator().manual_seed(seed))
        except ValueError as error:
            raise RunError(f"The prior can't be fitted: {error}") from error
    clips = torch.from_numpy(numbers.astype(np.int64))
    save_tensors(run.latents_path, {"mean": torch.cat(means), "genre": genre, "clip": clips})
    run.save_weights(pipeline)
    run.checkpoint_path.unlink(missing_ok=True)
    log.begin("making the map")
    try:
        make_map(run, "pca", seed=seed)
    except GenvaeError as error:  # the run can generate all the same
        log.say(f"There is no map of this run: {error}")
