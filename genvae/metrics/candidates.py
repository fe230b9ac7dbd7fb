"""Makes several clips for each that is asked for, and keeps the one that a critic likes best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genvae.clips.store import ClipStore
from genvae.errors import Cure, GenvaeError
from genvae.metrics.comparison import default_members
from genvae.metrics.critic import Critic
from genvae.metrics.embedder import Embedder, Points, Waves
from genvae.metrics.plugins import points_of
from genvae.metrics.sampling import choose
from genvae.metrics.stages import generated, rounded
from genvae.metrics.threads import one_core
from genvae.progress import Listener, Progress
from genvae.run import Run
from genvae.synthesis.sound import Clip
from genvae.synthesis.synthesizer import Synthesizer

CLIPS = 400
"""Clips of a genre, real and made, that a critic learns from."""
SEED = 900
"""Of the made ones."""


class Chooser:
    """A run's synthesizer, with a critic behind it.

    Args:
        members: that turn clips into the points which the critic knows.

    Raises:
        GenvaeError: the critic judges by other members, or does not know a genre of the run.
    """

    def __init__(self, synthesizer: Synthesizer, critic: Critic, members: Sequence[Embedder]) -> None:
        names = [member.name for member in members]
        if list(critic.ratios) != names:
            raise GenvaeError(
                f"The run's critic was made with {' and '.join(critic.ratios)}, but here are {' and '.join(names)}: "
                "make it again.",
                cure=Cure.of("make_critic", run=synthesizer.run.path, store="STORE"),
            )
        missing = [genre for genre in synthesizer.genres if genre not in critic.classifier.genres]
        if missing:
            raise GenvaeError(
                f"The run's critic does not know {missing[0]!r}: make it again.",
                cure=Cure.of("make_critic", run=synthesizer.run.path, store="STORE"),
            )
        self._synthesizer, self._critic, self._members = synthesizer, critic, members

    @classmethod
    def of(cls, run: Run, synthesizer: Synthesizer) -> Chooser:
        """What chooses among a run's clips, by the critic in its folder and the members that genvae ships.

        Raises:
            GenvaeError: the run has no critic, or one that is damaged, too old or of other members.
        """
        if not run.critic_path.is_file():
            raise GenvaeError(
                f"{run.path} has nothing to choose by.", cure=Cure.of("make_critic", run=run.path, store="STORE")
            )
        return cls(synthesizer, Critic.load(run.critic_path), default_members())

    def generate(self, genre: str, candidates: int, *, seed: int, index: int, temperature: float = 1.0) -> Clip:
        """The best of the clips `index * candidates` to `(index + 1) * candidates - 1` of a seed, as it would be alone.

        Its provenance says which it was, so making it again needs neither the others nor the critic.
        """
        first = candidate_indices(index, candidates)[0]
        clips = self._synthesizer.generate(genre, seed=seed, index=first, count=candidates, temperature=temperature)
        waves = np.stack([clip.wave.numpy() for clip in clips])
        points = heard(waves, self._synthesizer.sample_rate, self._members)
        return clips[int(self._critic.score(points, genre).argmax())]


def candidate_indices(index: int, candidates: int) -> range:
    """The clips of a seed among which clip `index` is chosen; no two share one."""
    return range(index * candidates, (index + 1) * candidates)


def taught(store: ClipStore, synthesizer: Synthesizer, members: Sequence[Embedder], listener: Listener) -> Critic:
    """A critic that has learnt from a store's training clips and from as many clips of each genre that a run makes."""
    real: dict[str, dict[str, Points]] = {member.name: {} for member in members}
    made: dict[str, dict[str, Points]] = {member.name: {} for member in members}
    genres = synthesizer.genres
    for number, genre in enumerate(genres):
        listener(Progress("teaching the critic", number, len(genres), genre))
        numbers = np.intersect1d(store.select(split="train"), store.select(genre=genre))
        with one_core():
            new = generated(synthesizer, genre, CLIPS, SEED)
        for kind, waves in ((real, store.waves(choose(store, numbers, CLIPS))), (made, new)):
            for name, points in heard(waves, store.sample_rate, members).items():
                kind[name][genre] = points
    return Critic.fit(real, made)


def heard(waves: Waves, sample_rate: int, members: Sequence[Embedder]) -> dict[str, Points]:
    """What each member hears in clips [N, samples], as a 16-bit file holds them: [N, D] by its name."""
    [own] = rounded({"": waves}).values()
    return {member.name: points_of(member, own, sample_rate) for member in members}
