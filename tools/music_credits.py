"""The credits of the music behind the pretrained weights: CREDITS.csv, and the list by package in the model card.

    python tools/music_credits.py MANIFEST

names in both the authors of the recordings that the package credits. They come from MANIFEST, the corpus's CSV (genre,
file, seconds, source_package, version, path_in_package, licence, author). tools/embed.py writes both for a new run.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from genvae.files import write_whole

PRETRAINED = Path(__file__).parent.parent / "genvae" / "pretrained" / "default"
COLUMNS = (
    "genre",
    "recording",
    "seconds",
    "source_package",
    "version",
    "path_in_package",
    "author",
    "licence",
)
AUTHORS = {
    "openarena-088-data": "Jute Gyte (file tag); OpenArena Team, id Software, Inc., Seth and Ulrich Galbraith, "
    "Robert P. Gove Jr. (R.P.G.), jzero, leileilol, Bob Isaac (Dmn_clown), Cestmir Houska (Czestmyr), Enki, "
    "Chris Holden, Blake John Heatly, Fuzztooth, Poul Sander (Sago007), Zimmermann Gyula, Jens Loehr, Gig, "
    "Jan Groothuijse, Cosimo Pederiva (Akom74), Luciano Balducchi (Neon_Knight), Moixie, Yves Allaire (evillair), "
    "Simon O'Callaghan (sock) (package)",
    "trackballs-data": "Mathias Broxvall, Dietrich Radel (graphics, music, levels, documentation), Yannick Perret, "
    "Samuel Listopad, Benoit Rouits, Joshua Harding, Rusty Johnson, Bob Bailey, Warren D. Ober (sounds), "
    "Marco Göbel, Attila Boros (music), Primoz Peterlin (fonts), Manuel Stoeckl",
}
"""By package: the authors whom its copyright file names, where the manifest cuts them short."""

TABLE_HEAD = (
    "| source package | recordings | minutes | genres | authors | licences |",
    "|---|---|---|---|---|---|",
)

Credit = dict[str, str]
"""A recording's row of CREDITS.csv, by the names in COLUMNS."""


def main() -> None:
    """Name the authors in the package's own credits."""
    [manifest] = sys.argv[1:]
    authors = {place(credit): credit["author"] for credit in read_credits(Path(manifest))}
    credits = read_credits(PRETRAINED / "CREDITS.csv")
    for credit in credits:
        credit["author"] = authors.get(place(credit)) or credit["author"]
    if unnamed := [credit["recording"] for credit in credits if not credit["author"]]:
        sys.exit(f"{manifest} names no author of: {', '.join(unnamed)}")
    write_credits(PRETRAINED / "CREDITS.csv", credits)
    card = PRETRAINED / "MODEL_CARD.md"
    table = "\n".join((*TABLE_HEAD, credits_table(credits)))
    text, count = re.subn(
        r"^\| source package \|.*(\n\|.*)*", lambda _: table, card.read_text("utf-8"), flags=re.MULTILINE
    )
    if count != 1:
        sys.exit(f"{card} has {count} lists of credits where it should have one.")
    write_whole(card, text.encode())


def place(credit: Credit) -> tuple[str, str]:
    """Where a recording comes from: its package and its path in there."""
    return credit["source_package"], credit["path_in_package"]


def read_credits(path: Path) -> list[Credit]:
    """The rows of a manifest or of a CREDITS.csv; a manifest's `file` gives the recording's name."""
    with path.open(encoding="utf-8", newline="") as file:
        return [
            {
                **row,
                "recording": row.get("recording") or Path(row["file"]).stem,
                "author": AUTHORS.get(row["source_package"]) or row.get("author", ""),
            }
            for row in csv.DictReader(file)
        ]


def credits_of(recordings: Iterable[str], manifest: Iterable[Credit]) -> list[Credit]:
    """The manifest's rows for these recordings, which are paths of files as a store knows them.

    Raises:
        ValueError: the manifest lacks a recording, or its author or licence.
    """
    known = {credit["recording"]: credit for credit in manifest}
    names = sorted(Path(recording).stem for recording in recordings)
    if lacking := [n for n in names if n not in known or not known[n]["author"] or not known[n]["licence"]]:
        raise ValueError(f"The manifest does not say the author and the licence of: {', '.join(lacking)}")
    return sorted((known[name] for name in names), key=lambda credit: (credit["genre"], credit["recording"]))


def write_credits(path: Path, credits: Iterable[Credit]) -> None:
    """Write CREDITS.csv."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(credits)
    write_whole(path, text.getvalue().encode())


def credits_table(credits: Iterable[Credit]) -> str:
    """The rows of the model card's table, one a source package."""
    by_package: defaultdict[str, list[Credit]] = defaultdict(list)
    for credit in credits:
        by_package[credit["source_package"]].append(credit)
    lines = []
    for package, own in sorted(by_package.items()):
        cells = (
            package,
            str(len(own)),
            f"{sum(float(credit['seconds']) for credit in own) / 60:.1f}",
            ", ".join(sorted({credit["genre"] for credit in own})),
            " / ".join(sorted({credit["author"] for credit in own})),
            "; ".join(sorted({part for credit in own for part in credit["licence"].split("; ")})),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
