"""Lets the prior of a run draw so that its sounds are spread like real ones: the same run, with other weights.

    genvae evaluate RUN --store STORE --critic
    python tools/weigh_prior.py RUN STORE NEW

A `local` prior draws from each of its Gaussians as often as training clips lie there. But what the decoder makes of
some is heard as something else, and long recordings have more clips than short ones. So a few clips are made of each
Gaussian, and its weight is chosen so that the mean and the covariance of what the members of `genvae evaluate` hear in
all of them come near those of training clips, evenly over recordings, and so that the run's critic likes them. No
weight goes further from what it was than that is worth.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from genvae.audio.limiter import limited
from genvae.clips.store import ClipStore
from genvae.files import write_whole
from genvae.metrics.candidates import heard
from genvae.metrics.comparison import default_members
from genvae.metrics.critic import Critic
from genvae.metrics.sampling import choose
from genvae.metrics.space import Space
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.progress import listening, tracked
from genvae.run import Run
from genvae_plugins.priors.local import Local

Array = NDArray[np.float64]
Heard = Mapping[str, Array]
"""What each member hears, by its name: points [N, D]."""
DRAWS, CLIPS = 4, 1600  # made of each Gaussian, and training clips of each genre
LIKED = 2.0  # how much a critic's score counts: by e^2 for each nat
STAYING = 0.3  # how much it costs to go from the weights that were
STEPS = 10_000
LEAST = 1e-6  # of a weight: none becomes zero, not even in half precision
GROUP = 10  # Gaussians whose clips are made at once


def main() -> None:
    """Write the run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("store", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--draws", type=int, default=DRAWS, help="clips to make of each Gaussian")
    asked = parser.parse_args()
    if asked.new.exists():  # hearing all Gaussians takes minutes
        sys.exit(f"{asked.new} is there already: give the new run another name.")
    source, store = Run(asked.run), ClipStore.open(asked.store)
    pipeline = source.load(installed())
    pipeline.eval()
    prior, critic = pipeline.prior, Critic.load(source.critic_path)
    if not isinstance(prior, Local):
        sys.exit(f"{asked.run} has a prior of another kind than `local`.")
    real = {genre: heard_in_training(store, genre) for genre in source.config.genres}
    spaces = {
        member.name: Space(np.concatenate([own[member.name] for own in real.values()]), standardised=member.has_units)
        for member in default_members()
    }
    for label, genre in enumerate(source.config.genres):
        made = heard_in_gaussians(pipeline, label, asked.draws)
        pairs = [(space(made[name]), space(real[genre][name])) for name, space in spaces.items()]
        count = len(next(iter(made.values()))) // asked.draws
        before = prior.weights[label, :count].double().numpy()
        liked = critic.score(made, genre).reshape(count, -1).mean(axis=1)
        after = weighed(before, pairs, LIKED * liked)
        prior.weights[label, :count] = torch.from_numpy(after)
        spread, before_spread = (1 / np.square(weights).sum() for weights in (after, before))
        print(f"{genre}: as if of {spread:.0f} Gaussians of equal weight, before {before_spread:.0f}")
    run = Run.create(asked.new, source.config, asdict(pipeline.transform.spec), source.training, source.data)
    for path in (source.latents_path, source.map_path):
        if path.exists():
            write_whole(run.path / path.name, path.read_bytes())
    run.save_weights(pipeline)
    run.seal()


def heard_in_training(store: ClipStore, genre: str) -> Heard:
    """What the members hear in training clips of a genre, evenly over its recordings."""
    numbers = np.intersect1d(store.select(split="train"), store.select(genre=genre))
    return heard(store.waves(choose(store, numbers, CLIPS)), store.sample_rate, default_members())


@torch.no_grad()
def heard_in_gaussians(pipeline: Pipeline, label: int, draws: int) -> Heard:
    """What they hear in clips of each Gaussian of a genre, one Gaussian after the other."""
    config, prior, members = pipeline.config, pipeline.prior, default_members()
    assert isinstance(prior, Local)
    generator = torch.Generator().manual_seed(label)
    count = int((prior.weights[label] > 0).sum())
    parts: list[Heard] = []
    with listening(True) as listener:
        for first in tracked(range(0, count, GROUP), f"hearing what is drawn for {config.genres[label]}", listener):
            chosen = torch.arange(first, min(first + GROUP, count)).repeat_interleave(draws)
            genre = torch.full((len(chosen),), label)
            latents = prior.sample_of(genre, chosen, generator=generator)
            features = pipeline.decoded(latents, genre, generator=generator)
            sound = pipeline.sound(features, length=config.clip_samples, generator=generator).float()
            waves = limited(sound, config.sample_rate).numpy()
            parts.append(heard(waves, config.sample_rate, members))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def weighed(weights: Array, pairs: Sequence[tuple[Array, Array]], liked: Array) -> Array:
    """The weights [Gaussians] under which made clips are spread like real ones, and liked; their sum is one.

    What is minimised is the squared maximum mean discrepancy with the kernel (1 + x·y)^2, in which distributions of
    the same mean and covariance are the same (Gretton et al., A Kernel Two-Sample Test, 2012, section 2), summed over
    members, and `STAYING` times the divergence from weights * exp(liked): Huang et al., Correcting Sample Selection
    Bias by Unlabeled Data, 2006, choose weights likewise. It is convex; the steps are those of exponentiated gradients.

    Args:
        weights: [Gaussians] above zero.
        pairs: of each member the points of made clips, as many of each Gaussian, one Gaussian after the other, and
            those of real clips.
        liked: [Gaussians], nats.
    """
    count = len(weights)
    likeness, aim = np.zeros((count, count)), np.zeros(count)
    for made, real in pairs:
        middle = real.mean(axis=0)
        size = np.sqrt(np.square(real - middle).sum(axis=1).mean())
        ours, theirs = (made - middle) / size, (real - middle) / size
        likeness += np.square(1 + ours @ ours.T).reshape(count, -1, count, len(ours) // count).mean(axis=(1, 3))
        aim += np.square(1 + ours @ theirs.T).mean(axis=1).reshape(count, -1).mean(axis=1)
    start = found = _shares(weights * np.exp(liked - liked.max()))
    rate = 0.05 / (np.abs(likeness @ found - aim).max() + STAYING)
    for _ in range(STEPS):
        slope = 2 * (likeness @ found - aim) + STAYING * np.log(found / start)
        found = _shares(found * np.exp(-rate * (slope - slope @ found)))
    return found


def _shares(amounts: Array) -> Array:
    """Amounts as shares of their sum, none of them zero."""
    shares: Array = np.maximum(amounts / amounts.sum(), LEAST)
    return shares / shares.sum()


if __name__ == "__main__":
    main()
