"""Teaches a prior which of its latents to prefer, by a critic that hears what a run makes of some of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae.clips.store import ClipStore
from genvae.errors import Cure, OptionError, PluginError
from genvae.interfaces.prior import Prior
from genvae.metrics.candidates import heard, taught
from genvae.metrics.committee import spearman
from genvae.metrics.comparison import default_members
from genvae.metrics.critic import Critic
from genvae.metrics.embedder import Embedder
from genvae.metrics.threads import one_core, side_by_side
from genvae.pipeline import PartConfig, Pipeline, PipelineConfig
from genvae.plugin.registry import Registry, load_factory
from genvae.progress import Listener, Message, tracked
from genvae.run import Run, require_free
from genvae.synthesis.synthesizer import GROUP, Decoding, Synthesizer

ODDS = 0.15  # more than `Critic.score` has: how surely a clip is of its genre is guessed best, and would drown the rest
AT_ONCE = 128  # clips that are made before they are heard
HELD_OUT = 5  # one clip in so many teaches nothing, and says how well the others did


@dataclass(frozen=True)
class Judged:
    """Latents whose clips a critic has heard.

    Attributes:
        z: [N, latent_dim].
        genre: [N].
        scores: [N], higher is better; of one genre they mean nothing beside those of another.
    """

    z: Tensor
    genre: Tensor
    scores: Tensor

    def part(self, chosen: Tensor) -> Judged:
        """Some of them, by a mask [N]."""
        return Judged(self.z[chosen], self.genre[chosen], self.scores[chosen])


def teach_preference(
    store: ClipStore,
    source: Run,
    path: Path,
    registry: Registry,
    *,
    draws: int,
    clips: int,
    seed: int,
    listener: Listener,
) -> Run:
    """Write a run that is another one, and prefers some of its latents to others.

    Its prior draws several latents for a clip and gives the one whose clip promises to please the critic most, which it
    guesses from the latent alone. How well, is told for clips that it has not learnt from.

    Args:
        store: the clips that the run was trained on.
        source: a run whose prior can learn a preference.
        path: of the new run.
        registry: where the plugins come from.
        draws: latents of which one is taken.
        clips: of each genre that are made and heard.
        seed: of all that is drawn.
        listener: hears how far it is.

    Raises:
        OptionError: the prior can't prefer, or a number makes no sense.
        RunError: the source is unfinished or damaged, or the folder holds anything.
    """
    if draws < 2 or clips < 2 * HELD_OUT:
        raise OptionError(f"A preference takes 2 `draws` or more, and {2 * HELD_OUT} `clips` of a genre or more.")
    if not can_prefer(registry, source.config.prior.name):
        able = [name for name in registry.names("prior") if can_prefer(registry, name)]
        raise OptionError(
            f"The `prior` {source.config.prior.plugin!r} can't prefer one latent to another. These can: "
            f"{', '.join(able)}.",
            cure=Cure.of("train", store=store.path, run="NEW", source=source.path, prior=able[0], steps=0)
            if able
            else None,
        )
    config = preferring(source.config, registry, draws)
    require_free(path)
    synthesizer = Synthesizer(source, registry)
    members = default_members()
    critic = (
        Critic.load(source.critic_path)
        if source.critic_path.is_file()
        else taught(store, synthesizer, members, listener)
    )
    theirs = source.load(registry)
    plain = with_weights(Pipeline.build(preferring(source.config, registry, 1), registry), theirs)
    told = judged(synthesizer, plain.prior, critic, members, clips, seed, listener)
    pipeline = with_weights(Pipeline.build(config, registry), theirs)
    held_out = torch.arange(len(told.z)) % HELD_OUT == 0
    generator = torch.Generator().manual_seed(seed)
    with pipeline.using("prior", "learning a preference"), torch.no_grad():
        known, unknown = told.part(~held_out), told.part(held_out)
        pipeline.prior.learn_preference(known.z, known.genre, known.scores, generator=generator)
        agreed = dict(zip(config.genres, agreement(pipeline.prior, unknown), strict=True))
    shown = ", ".join(f"{value:.2f} in {genre}" for genre, value in agreed.items())
    listener(Message(f"What it prefers agrees with the critic, of clips that it has not learnt from, by {shown}."))
    learnt = {"of": source.digest(), "draws": draws, "clips": clips, "seed": seed, "agreement": agreed}
    training = {**source.training, "preference": learnt}
    run = Run.create(path, config, source.spec.to_json(), training, source.data)
    run.take_from(source)
    run.save_weights(pipeline)
    run.seal()
    return run


def preferring(config: PipelineConfig, registry: Registry, draws: int) -> PipelineConfig:
    """A pipeline whose prior gives one of several draws."""
    part = config.prior
    return replace(config, prior=PartConfig.of(registry, "prior", part.name, {**part.options, "draws": draws}))


def with_weights(pipeline: Pipeline, other: Pipeline) -> Pipeline:
    """A pipeline with the weights of another that may prefer where it does not, or the other way round."""
    own = pipeline.state_dict()
    pipeline.load_state_dict(own | {name: value for name, value in other.state_dict().items() if name in own})
    return pipeline.eval()


def can_prefer(registry: Registry, prior: str) -> bool:
    """Whether a prior learns a preference, and has the option that says of how many draws."""
    try:
        plugin = registry.row("prior", prior).usable()
        factory = load_factory(plugin)
    except PluginError:
        return False
    learns = getattr(factory, "learn_preference", Prior.learn_preference) is not Prior.learn_preference
    return learns and any(field.name == "draws" for field in fields(plugin.options))


def judged(
    synthesizer: Synthesizer,
    prior: Prior,
    critic: Critic,
    members: Sequence[Embedder],
    clips: int,
    seed: int,
    listener: Listener,
) -> Judged:
    """Draw latents of each genre, make their clips, and let the critic hear them."""
    generator = torch.Generator().manual_seed(seed)
    genre = torch.arange(len(synthesizer.genres)).repeat_interleave(clips)
    with synthesizer.pipeline.using("prior", "drawing latents"), torch.no_grad():
        z = torch.cat([prior.sample(own, generator=generator) for own in torch.split(genre, clips)])
    wanted = [
        Decoding(each, synthesizer.genres[label], seed, index % clips)
        for index, (each, label) in enumerate(zip(z, genre.tolist(), strict=True))
    ]
    some = [wanted[first : first + AT_ONCE] for first in range(0, len(wanted), AT_ONCE)]
    scores = [_scores(synthesizer, critic, members, each) for each in tracked(some, "hearing what it makes", listener)]
    return Judged(z, genre, torch.from_numpy(np.concatenate(scores)).float())


def agreement(prior: Prior, judged: Judged) -> list[float]:
    """In each genre the rank correlation of what a prior prefers and the scores of clips; 0 where it prefers none."""
    said, correlations = prior.preference(judged.z, judged.genre), []
    for label in range(int(judged.genre.max()) + 1):
        own = judged.genre == label
        verdicts, scores = said[own].double().numpy(), judged.scores[own].double().numpy()
        correlations.append(spearman(verdicts, scores) if np.ptp(verdicts) else 0.0)
    return correlations


def _scores(
    synthesizer: Synthesizer, critic: Critic, members: Sequence[Embedder], wanted: Sequence[Decoding]
) -> NDArray[np.float64]:
    """What a critic says of clips, [N]; they are made on every core."""
    groups = [wanted[first : first + GROUP] for first in range(0, len(wanted), GROUP)]
    with one_core():
        made = side_by_side(lambda number: synthesizer.generate_each(groups[number]), len(groups))
    waves = np.stack([clip.wave.numpy() for clips in made for clip in clips])
    points = heard(waves, synthesizer.sample_rate, members)
    genres = np.array([each.genre for each in wanted])
    scores = np.empty(len(wanted))
    for genre in np.unique(genres):
        own = genres == genre
        scores[own] = critic.score({name: all_points[own] for name, all_points in points.items()}, genre, odds=ODDS)
    return scores
