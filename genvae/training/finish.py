"""What follows training: weights that can generate; of a model also latents, a prior fitted to them, and a map."""

from __future__ import annotations

import torch

from genvae.clips.batches import genres_of
from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError, RunError
from genvae.interfaces.model import Posterior
from genvae.latents.encode import encode, kept, save_latents
from genvae.latents.fit import make_map
from genvae.pipeline import Pipeline
from genvae.plugin.declarations import SOUNDS
from genvae.run import Run
from genvae.training.interrupt import Interrupted, Wish
from genvae.training.log import TrainingLog


@torch.no_grad()
def finish_model(
    run: Run, pipeline: Pipeline, store: ClipStore, log: TrainingLog, wish: Wish, *, seed: int, batch_size: int
) -> None:
    """Fit the prior, write `latents.safetensors` with how the clips sound, then the weights and the map.

    The checkpoint is no longer needed then.

    What the prior learns from are draws rather than means, because draws are what the decoder has learned to decode;
    one that asks for more sees the posteriors themselves.

    Raises:
        RunError: a latent is not finite, or the prior can't be fitted.
        Interrupted: a signal came while the clips were encoded; the checkpoint of the last step stays.
    """
    pipeline.eval()
    device = next(pipeline.model.parameters()).device
    generator = torch.Generator(device).manual_seed(seed)
    numbers = kept(store)
    if len(numbers) < (clips := sum(each["train"] for each in store.counts().values())):
        log.say(f"The prior and the map are made of {len(numbers):,} of the {clips:,} training clips.")
    means, log_variances, draws = [], [], []
    posteriors = encode(pipeline, store, numbers, batch_size=batch_size)
    for posterior in log.track(posteriors, "encoding the training clips", -(-len(numbers) // batch_size)):
        if wish.signal:
            raise Interrupted(wish.signal, "after the last step", store.path, run.path)
        means.append(posterior.mean.float().cpu())
        log_variances.append(posterior.log_variance.float().cpu())
        with pipeline.using("model", "drawing from a posterior"):
            draws.append(posterior.sample(generator).float().cpu())
    pipeline.to("cpu")
    genre = genres_of(store, numbers)
    log.begin("fitting the prior")
    with pipeline.using("prior", "being fitted"):
        try:
            pipeline.prior.fit_posteriors(
                Posterior(torch.cat(means), torch.cat(log_variances)),
                torch.cat(draws),
                genre,
                model=pipeline.model,
                generator=torch.Generator().manual_seed(seed),
            )
        except ValueError as error:
            raise RunError(f"The prior can't be fitted: {error}") from error
    if store.items == SOUNDS:
        log.begin("measuring how the training clips sound")
    save_latents(run, torch.cat(means), store, numbers)
    run.save_weights(pipeline)
    run.seal()
    log.begin("making the map")
    try:
        make_map(run, "pca", seed=seed)
    except GenvaeError as error:  # the run can generate all the same
        log.say(f"There is no map of this run: {error}")
    run.checkpoint_path.unlink(missing_ok=True)  # last, so that what the disk refuses is made by resuming


def finish_vocoder(run: Run, pipeline: Pipeline) -> None:
    """Write the weights; latents, prior and map are those of the run that the vocoder was trained for."""
    pipeline.eval()
    pipeline.to("cpu")
    run.save_weights(pipeline)
    run.seal()
    run.checkpoint_path.unlink(missing_ok=True)
