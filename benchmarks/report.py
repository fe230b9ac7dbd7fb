"""Makes docs/benchmarks.md and its plots: everything in them comes from one run of `genvae bench`.

    python benchmarks/report.py FOLDER [--thorough]      measure on the recordings in FOLDER, then write the page
    python benchmarks/report.py --from FILE.json         write the page from a run that there is already

The plots: quality against cost of the vocoders, with those that no other beats in both; and, of a thorough run, their
cost against the length of clips and the size of batches.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from genvae.bench.machine import in_words
from genvae.bench.plots import PLOTS, draw
from genvae.bench.results import Results, tables
from genvae.bench.suites import SUITES

DOCS = Path(__file__).parent.parent / "docs"
INTRO = """# Benchmarks

    {command}

made this page and its plots, from one run of `genvae bench`. The contenders of a table took turns in each round, so
that whatever else the machine did hit all of them. A value is the median of the rounds, with the quartiles in brackets;
a ratio is the median of the ratios round by round. Where one thread of the CPU does the work, processor time counts,
elsewhere the clock on the wall. Memory is by how much the first round raised what the process held, at its highest.

{shared}Names without a library's are genvae's plugins; a plugin that you install stands among them the next time.

{machine}
"""
SHARED = """The machine was shared with other work, and busy at times that differ from table to table: trust the ratios
more than the times, and the suite `startup`, which the wall clock times, least of all.

"""
NOTES = {
    "decode": "Stereo at 44.1 kHz, 60 seconds. pydub reads wav itself, and all else through a process of ffmpeg.",
    "prepare": "One process, from a stereo file at 44.1 kHz to clips at 22.05 kHz that are checked, stored and sealed. "
    "The last row is how the first version of this toolkit did it.",
    "stft": "To log magnitudes, but for `the FFT alone`. The difference is that from genvae's own, for plugins that "
    "claim to give the same.",
    "vocoders": "Spectral convergence (lower is better) on magnitudes of real clips, and on such as 128 principal "
    "components leave of them, which is much like what a VAE gives; these belong to no sound. "
    "[vocoders.md](vocoders.md#measured) has the frontier of all settings.",
    "train": "`eager PyTorch` is the plain loop on features that are there already; genvae's step computes them first.",
    "serve": "Clients and browser share the server's machine. Latencies and the page's milliseconds are those of the "
    "first round; one worker computes, so more clients wait longer.",
    "map": "The error is the largest distance from a decomposition in float64.",
}


def page(results: Results, command: str, plots: Sequence[str], shared: str) -> str:
    """The page as Markdown."""
    machine = in_words(dict(results.machine)).replace("\n", "; ") + f". Sounds: {results.machine['sounds']}."
    parts = [INTRO.format(command=command, shared=shared, machine=machine).rstrip()]
    suite = ""
    for table in tables(results.measurements):
        if table.suite != suite:
            suite = table.suite
            parts += [f"\n## {suite}\n", SUITES[suite]]
            if suite in NOTES:
                parts.append(NOTES[suite])
            if suite == "vocoders":
                parts += [f"\n![{alt}](pictures/{name})" for name, alt in PLOTS.items() if name in plots]
        parts.append(f"\n### {table.case}\n")
        parts.append(f"| {' | '.join(table.heads)} |")
        parts.append("|---" * len(table.heads) + "|")
        parts += [f"| {' | '.join(row)} |" for row in table.rows]
        parts += [f"\n{note}" for note in table.notes]
    return "\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="recordings to measure on")
    parser.add_argument("--thorough", action="store_true")
    parser.add_argument("--from", dest="source", type=Path, help="what `genvae bench --json` wrote")
    parser.add_argument("--alone", action="store_true", help="say nothing of other work on the machine")
    parser.add_argument("--to", type=Path, default=DOCS, help="folder of the page")
    chosen = parser.parse_args()
    command = "python benchmarks/report.py FOLDER" + " --thorough" * chosen.thorough
    with tempfile.TemporaryDirectory() as scratch:
        source = chosen.source or Path(scratch) / "bench.json"
        if chosen.source is None:
            bench = [sys.executable, "-m", "genvae", "bench", "--against", "peers", "--json", str(source)]
            bench += ["--sounds", str(chosen.folder)] if chosen.folder else []
            subprocess.run(bench + ["--thorough"] * chosen.thorough, check=True)
        results = Results.read(source)
    plots = [path.name for path in draw(results, chosen.to / "pictures")]
    (chosen.to / "benchmarks.md").write_text(
        page(results, command, plots, "" if chosen.alone else SHARED), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
