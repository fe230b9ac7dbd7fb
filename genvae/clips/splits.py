"""Decides which recordings stand in the validation split: by their content, so that no sound stands in both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from genvae.interfaces.dataset import Split


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """What is known of a recording when its split is chosen.

    Attributes:
        genre: of the recording.
        digest: of its clips; recordings with the same one are copies.
        group: recordings with the same one are parts of one; None for one that stands alone.
        pinned: the split that the dataset asks for.
        held: the split that it stands in already.
    """

    genre: str
    digest: str
    group: tuple[str, str] | None = None
    pinned: Split | None = None
    held: Split | None = None


def choose_splits(candidates: Sequence[Candidate], validation: float) -> list[Split]:
    """The split of each candidate, whatever their order and their names.

    What the dataset has pinned is as it says, and what the store has held stays where it is, so that no recording
    changes sides because another is added. What is new follows its copies, or else the cluster that it belongs to
    (copies of one sound, parts of one recording).

    A cluster that is new as a whole goes to validation when the hash of its content, as a fraction of all hashes, is
    below `validation`. A genre of two clusters or more that has no validation gives the new one with the smallest
    hash; one that has nothing else keeps the new one with the largest for training. Where nothing is new in a genre
    that has lost its training recordings, one that was held goes back to training.

    Args:
        validation: share of the recordings, 0 <= validation < 1; with 0 only pinned ones are validation.
    """
    clusters = _clusters(candidates)
    chosen: dict[int, Split] = {i: settled for i, c in enumerate(candidates) if (settled := c.pinned or c.held)}
    rank: dict[int, float] = {}  # of each cluster whose split may be chosen
    for number, members in clusters.items():
        rank[number] = min(_fraction(candidates[i].digest) for i in members)
        if chosen.keys().isdisjoint(members):
            chosen.update(dict.fromkeys(members, "validation" if rank[number] < validation else "train"))
        else:
            _follow(members, candidates, chosen)
            del rank[number]
    if validation > 0:
        _balance(clusters, candidates, chosen, rank)
    return [chosen[i] for i in range(len(candidates))]


def _balance(
    clusters: dict[int, list[int]], candidates: Sequence[Candidate], chosen: dict[int, Split], rank: dict[int, float]
) -> None:
    """See to it that a genre has a training cluster and, if there are two, a validation one."""
    touching: dict[str, list[int]] = {}  # a genre -> its clusters
    for number, members in clusters.items():
        for genre in {candidates[i].genre for i in members}:
            touching.setdefault(genre, []).append(number)

    def train_beside(genre: str, number: int | None) -> bool:
        members = (i for n in touching[genre] if n != number for i in clusters[n])
        return any(candidates[i].genre == genre and chosen[i] == "train" for i in members)

    for genre in sorted(touching):
        free = sorted(rank.keys() & touching[genre], key=rank.__getitem__)
        if not train_beside(genre, None):
            last = free[-1:] or _held(touching[genre], clusters, candidates)[-1:]
            chosen.update((i, "train") for number in last for i in clusters[number])
        have = {chosen[i] for n in touching[genre] for i in clusters[n] if candidates[i].genre == genre}
        if "validation" not in have:
            # Not one that is all the training of a genre, of this one or of another that has a copy.
            spare = [n for n in free if all(train_beside(candidates[i].genre, n) for i in clusters[n])]
            chosen.update((i, "validation") for number in spare[:1] for i in clusters[number])


def _held(of_genre: list[int], clusters: dict[int, list[int]], candidates: Sequence[Candidate]) -> list[int]:
    """The clusters of a genre alone that the store has held and in which nothing is pinned, by their hashes.

    Only what was taken away leaves a genre with nothing but these in validation. One that another genre shares may have
    come by an addition: a copy of a validation recording is not trained on, even if its genre has nothing else.
    """
    held = [
        n
        for n in of_genre
        if any(candidates[i].held for i in clusters[n])
        and not any(candidates[i].pinned for i in clusters[n])
        and len({candidates[i].genre for i in clusters[n]}) == 1
    ]
    return sorted(held, key=lambda n: min(_fraction(candidates[i].digest) for i in clusters[n]))


def _follow(members: Sequence[int], candidates: Sequence[Candidate], chosen: dict[int, Split]) -> None:
    """Let the new members of a cluster follow their copies, or else those that are settled: to training, if any is."""
    settled = {i: chosen[i] for i in members if i in chosen}
    for i in members:
        if i not in settled:
            copies = {split for j, split in settled.items() if candidates[j].digest == candidates[i].digest}
            chosen[i] = "train" if "train" in (copies or set(settled.values())) else "validation"


def _clusters(candidates: Sequence[Candidate]) -> dict[int, list[int]]:
    """Candidates that share a digest or a group, directly or through others, under the number of their first."""
    parent = list(range(len(candidates)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    first: dict[tuple[str, object], int] = {}
    for i, candidate in enumerate(candidates):
        for tie in (("digest", candidate.digest), ("group", candidate.group)):
            if tie[1] is None:
                continue
            a, b = root(first.setdefault(tie, i)), root(i)
            parent[max(a, b)] = min(a, b)
    clusters: dict[int, list[int]] = {}
    for i in range(len(candidates)):
        clusters.setdefault(root(i), []).append(i)
    return clusters


def _fraction(digest: str) -> float:
    hashed = hashlib.blake2b(digest.encode(), digest_size=6, person=b"genvae split").digest()
    return int.from_bytes(hashed) / 2**48
