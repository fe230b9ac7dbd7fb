"""Makes several clips for each that is asked for, and keeps the one that a critic likes best."""

from __future__ import annotations

import numpy as np

from genvae.errors import Cure, GenvaeError
from genvae.metrics.critic import Critic
from genvae.metrics.embedder import Embedder, default_embedder
from genvae.run import Run
from genvae.synthesis.sound import Clip
from genvae.synthesis.synthesizer import Synthesizer


class Chooser:
    """A run's synthesizer, with a critic behind it.

    Raises:
        GenvaeError: the critic judges by another embedder, or does not know a genre of the run.
    """

    def __init__(self, synthesizer: Synthesizer, critic: Critic, embedder: Embedder) -> None:
        if critic.embedder != embedder.name:
            raise GenvaeError(
                f"The run's critic was made with {critic.embedder}, but here is {embedder.name}: make it again.",
                cure=Cure.of("make_critic", run=synthesizer.run.path, store="STORE"),
            )
        missing = [genre for genre in synthesizer.genres if genre not in critic.classifier.genres]
        if missing:
            raise GenvaeError(
                f"The run's critic does not know {missing[0]!r}: make it again.",
                cure=Cure.of("make_critic", run=synthesizer.run.path, store="STORE"),
            )
        self._synthesizer, self._critic, self._embedder = synthesizer, critic, embedder

    @classmethod
    def of(cls, run: Run, synthesizer: Synthesizer) -> Chooser:
        """What chooses among a run's clips, by the critic in its folder and the embedder that genvae ships.

        Raises:
            GenvaeError: the run has no critic, or one that is damaged or of another embedder.
        """
        if not run.critic_path.is_file():
            raise GenvaeError(
                f"{run.path} has nothing to choose by.", cure=Cure.of("make_critic", run=run.path, store="STORE")
            )
        return cls(synthesizer, Critic.load(run.critic_path), default_embedder())

    def generate(self, genre: str, candidates: int, *, seed: int, index: int, temperature: float = 1.0) -> Clip:
        """The best of the clips `index * candidates` to `(index + 1) * candidates - 1` of a seed, as it would be alone.

        Its provenance says which it was, so making it again needs neither the others nor the critic.
        """
        clips = [
            self._synthesizer.generate(genre, seed=seed, index=each, temperature=temperature)
            for each in candidate_indices(index, candidates)
        ]
        waves = np.stack([clip.wave.numpy() for clip in clips])
        points = self._embedder.embed_at(waves, self._synthesizer.sample_rate)
        return clips[int(self._critic.score(points, genre).argmax())]


def candidate_indices(index: int, candidates: int) -> range:
    """The clips of a seed among which clip `index` is chosen; no two share one."""
    return range(index * candidates, (index + 1) * candidates)
