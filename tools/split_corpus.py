"""Writes a manifest of a corpus for `genvae prepare --dataset manifest`, with whole groups of recordings held out.

    python tools/split_corpus.py CORPUS/manifest.csv split.csv

The corpus's CSV has the columns genre, file, licence and group, among others. Of each genre, groups go to validation in
the order of the hashes of their names, until they hold an eighth of its recordings and are eight or more: so the split
stays as it is when other genres change, and nobody chose it.
"""

from __future__ import annotations

import csv
import hashlib
import sys
from collections import defaultdict
from pathlib import Path

SHARE = 0.125  # of a genre's recordings that is held out
GROUPS = 8  # at least, where a genre has so many


def main() -> None:
    """Read the corpus's manifest and write the other one, whose paths are absolute."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    held_out = validation_groups(rows)
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "genre", "split", "licence"])
        for row in rows:
            split = "validation" if (row["genre"], row["group"]) in held_out else "train"
            writer.writerow([source.absolute().parent / row["file"], row["genre"], split, row["licence"]])


def validation_groups(rows: list[dict[str, str]]) -> set[tuple[str, str]]:
    """The (genre, group) pairs that are held out."""
    sizes: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in rows:
        sizes[row["genre"]][row["group"]] += 1
    chosen = set()
    for genre, groups in sizes.items():
        held = count = 0
        for group in sorted(groups, key=lambda name: hashlib.blake2b(name.encode()).digest()):
            if count >= GROUPS and held >= SHARE * sum(groups.values()):
                break
            chosen.add((genre, group))
            count, held = count + 1, held + groups[group]
    return chosen


if __name__ == "__main__":
    main()
