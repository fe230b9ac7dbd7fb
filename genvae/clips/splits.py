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
    """

    genre: str
    digest: str
    group: tuple[str, str] | None = None
    pinned: Split | None = None


def choose_splits(candidates: Sequence[Candidate], validation: float) -> list[Split]:
    """The split of each candidate, whatever their order and their names.

    A cluster (copies of one sound, parts of one recording) goes to validation when the hash of its content, as a
    fraction of all hashes, is below `validation`. A genre of two clusters or more that got no validation cluster
    gives the one with the smallest hash; one that got nothing else keeps the one with the largest for training. What
    the dataset has pinned stays pinned, and draws the rest of its cluster with it.

    Args:
        validation: share of the recordings, 0 <= validation < 1; with 0 only pinned ones are validation.
    """
    clusters = _clusters(candidates)
    split: dict[int, Split] = {}
    rank: dict[int, float] = {}
    free: set[int] = set()
    for number, members in clusters.items():
        rank[number] = min(_fraction(candidates[i].digest) for i in members)
        pins = {candidates[i].pinned for i in members} - {None}
        if pins:
            split[number] = "train" if "train" in pins else "validation"
        else:
            free.add(number)
            split[number] = "validation" if rank[number] < validation else "train"
    if validation > 0:
        for genre in sorted({c.genre for c in candidates}):
            of_genre = [n for n, members in clusters.items() if any(candidates[i].genre == genre for i in members)]
            _balance(of_genre, split, rank, free)
    chosen: list[Split] = ["train"] * len(candidates)
    for number, members in clusters.items():
        for i in members:
            chosen[i] = candidates[i].pinned or split[number]
    return chosen


def _balance(genre: list[int], split: dict[int, Split], rank: dict[int, float], free: set[int]) -> None:
    """See to it that a genre has a training cluster and, if there are two, a validation one."""
    movable = sorted((n for n in genre if n in free), key=rank.__getitem__)
    have = {split[n] for n in genre}
    if not movable:
        return
    if "train" not in have:
        split[movable[-1]] = "train"
    elif "validation" not in have and len(genre) > 1:
        split[movable[0]] = "validation"


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
