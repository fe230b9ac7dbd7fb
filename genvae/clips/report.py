"""What became of each recording: the content of report.json, and the same as a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from genvae.clips.attributes import ClipAttribute
from genvae.clips.shard import Seal
from genvae.interfaces.dataset import Recording, Split
from genvae.text import printable

_COUNTS = {"kept": "clips", "silent": "silent", "refused": "refused", "clipped": "clipped"}  # by the seal's fields


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One recording and what it gave.

    Attributes:
        source: the label of the SOURCE that it comes from.
        recording: itself.
        seal: what it gave; None when this run couldn't try it.
        failure: why it couldn't.
        split: in which its clips stand.
    """

    source: str
    recording: Recording
    seal: Seal | None
    failure: str = ""
    split: Split = "train"

    @property
    def clips(self) -> int:
        """How many clips it gave."""
        return self.seal.clips if self.seal else 0


def make_report(
    entries: Sequence[Entry], clip_seconds: float | None, attributes: Sequence[ClipAttribute] = ()
) -> dict[str, Any]:
    """The report on all recordings, in their order; it depends on nothing but them.

    Args:
        entries: the recordings.
        clip_seconds: the length of a clip; None for items that are no sounds, of which fewer things are told.
        attributes: that are kept of the clips.
    """
    seals = [e.seal for e in entries if e.seal]
    skipped = [e for e in entries if e.seal is None or e.seal.state == "skipped"]
    partial = [e for e in entries if e.seal and e.seal.state == "partial"]
    by_genre: dict[str, list[Entry]] = {}
    for entry in entries:
        if entry.clips:
            by_genre.setdefault(entry.recording.genre, []).append(entry)
    return {
        "recordings": {
            "found": len(entries),
            "kept": len(entries) - len(skipped) - len(partial),
            "partial": len(partial),
            "skipped": len(skipped),
        },
        "clips": {
            name: sum(getattr(s, field) for s in seals)
            for name, field in _COUNTS.items()
            if clip_seconds is not None or name in ("kept", "refused")
        },
        "genres": {genre: _genre(own, clip_seconds) for genre, own in sorted(by_genre.items())},
        "partial": [_named(e, e.seal.reason) | {"clips": e.clips} for e in partial if e.seal],
        "remarks": [
            _named(e, e.seal.reason) | {"clips": e.clips}
            for e in entries
            if e.seal and e.seal.state == "kept" and e.seal.reason
        ],
        "refused": [
            _named(e, "clips with NaN, infinity or damage" if clip_seconds is not None else "not what was expected")
            | {"clips": e.seal.refused}
            for e in entries
            if e.seal and e.seal.refused
        ],
        "skipped": [_named(e, e.seal.reason if e.seal else e.failure) for e in skipped],
        **({"attributes": {each.name: each.summary() for each in attributes}} if attributes else {}),
    }


def held_out(report: dict[str, Any], target: float) -> str:
    """Where another share of the clips is held out for validation than was asked for, how much it is, and why."""
    train, held = (sum(genre[split] for genre in report["genres"].values()) for split in ("train", "validation"))
    share = held / max(train + held, 1)
    if train + held == 0 or abs(share - target) < max(target / 2, 0.01):
        return ""
    return (
        f"{held} of {train + held} clips are held out, {100 * share:.0f} % where {100 * target:.0f} % was asked for: "
        "recordings are held out whole, chosen by their content, and at least one of each genre that has two."
    )


def table(report: dict[str, Any]) -> str:
    """The report as lines of text, free of line breaks, escape sequences and half characters from file names."""
    recordings, clips = report["recordings"], report["clips"]
    sounds = "silent" in clips
    heads = ["recordings", "clips", *(["seconds"] if sounds else []), "train", "validation"]
    rows = [["genre", *("minutes" if head == "seconds" else head for head in heads)]]
    for genre, g in report["genres"].items():
        cells = (f"{g[head] / 60:.1f}" if head == "seconds" else str(g[head]) for head in heads)
        rows.append([printable(genre), *cells])
    lines = [*_columns(rows), ""] if len(rows) > 1 else []
    lines += _columns(
        [
            ("recordings", *(f"{recordings[n]} {n}" for n in ("kept", "partial", "skipped"))),
            (
                "clips",
                f"{clips['kept']} kept",
                *([f"{clips['silent']} silent"] if sounds else []),
                f"{clips['refused']} refused{' (NaN, infinity or damage)' if sounds else ''}",
                *([f"{clips['clipped']} over full scale"] if sounds else []),
            ),
        ],
        left=True,
    )
    if report.get("attributes"):
        rows = [["attribute", "clips", "values"]]
        rows += [[printable(name), str(said["clips"]), _values(said)] for name, said in report["attributes"].items()]
        lines += ["", *_columns(rows, left=True)]
    for kind in ("partial", "remarks", "refused", "skipped"):
        if report[kind]:
            lines += ["", kind]
            lines += [f"  {printable(_place(e))}: {printable(e['reason'])}{_count(e)}" for e in report[kind]]
    return "\n".join(lines)


def _values(said: dict[str, Any]) -> str:
    """What an attribute's summary says of its values."""
    if "words" in said:
        return ", ".join(f"{printable(word)} {count}" for word, count in said["words"].items())
    if "least" not in said:
        return "none"
    unit = f" {said['unit']}" if said.get("unit") else ""
    return f"{said['least']:g} to {said['most']:g}{unit}, half of them below {said['median']:g}"


def _genre(entries: Sequence[Entry], clip_seconds: float | None) -> dict[str, Any]:
    clips = sum(e.clips for e in entries)
    return {
        "recordings": len(entries),
        "clips": clips,
        **({} if clip_seconds is None else {"seconds": round(clips * clip_seconds, 3)}),
        "train": sum(e.clips for e in entries if e.split == "train"),
        "validation": sum(e.clips for e in entries if e.split == "validation"),
    }


def _named(entry: Entry, reason: str) -> dict[str, Any]:
    return {"source": entry.source, "id": entry.recording.id, "genre": entry.recording.genre, "reason": reason}


def _place(named: dict[str, Any]) -> str:
    return f"{named['source']}/{named['id']}"


def _count(named: dict[str, Any]) -> str:
    return f" ({named['clips']} clips)" if "clips" in named else ""


def _columns(rows: Sequence[Sequence[str]], *, left: bool = False) -> list[str]:
    """Rows as aligned lines: numbers to the right of their columns, unless `left`."""
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows)))]
    return [
        "  ".join(
            cell.ljust(width) if left or i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=False))
        ).rstrip()
        for row in rows
    ]
