"""Makes docs/benchmarks.md and its plots: everything in them comes from one run of `genvae bench`.

    python benchmarks/report.py FOLDER [--thorough]      measure on the recordings in FOLDER, then write the page
    python benchmarks/report.py --from FILE.json         write the page from a run that there is already

The plots: quality against cost of the vocoders, with those that no other beats in both; and, of a thorough run, their
cost against the length of clips and the size of batches.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from genvae.bench.contest import Measurement
from genvae.bench.machine import in_words
from genvae.bench.results import Results, tables
from genvae.bench.suites import SUITES
from genvae.pipeline import DEFAULTS

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
    "components leave of them, which is much like what a VAE gives; these belong to no sound.",
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


PLOTS = {
    "vocoders-pareto.png": "Spectral convergence of each vocoder against its cost",
    "vocoders-cost.png": "Cost of the vocoders against the length of clips and the size of batches",
}


def pareto(results: Results) -> plt.Figure:
    """Quality against cost, in the case that has both, on exact and on blurred magnitudes."""
    case = next(m.case for m in results.measurements if m.suite == "vocoders" and m.metric == "blurred")
    rows = [m for m in results.measurements if (m.suite, m.case) == ("vocoders", case) and m.value is not None]
    cost = {m.contender: m for m in rows if m.metric == "cost"}
    figure, both = plt.subplots(1, 2, figsize=(13, 6), layout="constrained")
    for axes, metric in zip(both, ("exact", "blurred"), strict=True):
        points = [(float(cost[m.contender].value or 0), float(m.value or 0), m) for m in rows if m.metric == metric]
        best = [p for p in points if not any(q[0] < p[0] and q[1] < p[1] for q in points)]
        _scatter(axes, points, best)
        axes.plot(*zip(*sorted(p[:2] for p in best), strict=True), color="0.6", linewidth=1, zorder=0)
        axes.set(
            xlabel="milliseconds per second of audio", ylabel="spectral convergence, dB", title=f"{metric} magnitudes"
        )
        axes.invert_yaxis()  # better is up, faster is left
    figure.suptitle(f"Vocoders, {case}; the line joins those that no other beats in both")
    return figure


def _scatter(
    axes: Axes, points: Sequence[tuple[float, float, Measurement]], named: Sequence[tuple[float, float, Measurement]]
) -> None:
    """Draw the points, and the names of those at default options or on the line, moved apart where they would touch."""
    axes.set_xscale("log")
    for x, y, m in points:
        colour = "C1" if m.peer or m.contender.startswith("torchaudio") else "C0"
        axes.scatter(x, y, color=colour, s=70 if m.contender == DEFAULTS["vocoder"].partition(":")[2] else 25, zorder=2)
    least, most = min(p[0] for p in points), max(p[0] for p in points)
    axes.set_xlim(least / 2, most * 12)  # room for names on the right
    step = 0.03 * (max(p[1] for p in points) - min(p[1] for p in points))
    taken: list[tuple[float, float]] = []
    for x, y, m in sorted((p for p in points if "=" not in p[2].contender or p in named), key=lambda p: p[1]):
        at = y
        while any(1 / 6 < x / other < 6 and abs(at - height) < step for other, height in taken):
            at += step
        taken.append((x, at))
        arrow = {"arrowstyle": "-", "color": "0.7", "linewidth": 0.5}
        axes.annotate(m.contender, (x, y), (x * 1.25, at), fontsize=7, va="center", arrowprops=arrow)
    for colour, label in (("C0", "genvae"), ("C1", "other libraries")):
        axes.scatter([], [], color=colour, s=25, label=label)
    axes.legend(loc="lower right")


def cost(results: Results) -> plt.Figure | None:
    """Cost a second of audio against the length and against the batch; None where a run has but one of each."""
    shape = re.compile(r"FFT 1024, hop 256, (\d+) x ([\d.]+) s")
    rows = [(m, shape.fullmatch(m.case)) for m in results.measurements if m.suite == "vocoders" and m.metric == "cost"]
    found = [(m, int(s[1]), float(s[2])) for m, s in rows if s and m.value is not None and "=" not in m.contender]
    if len({(batch, seconds) for _, batch, seconds in found}) < 3:
        return None
    figure, (by_length, by_batch) = plt.subplots(1, 2, figsize=(13, 5), layout="constrained", sharey=True)
    for name in dict.fromkeys(m.contender for m, _, _ in found):
        own = [(batch, seconds, m.value) for m, batch, seconds in found if m.contender == name]
        for axes, line in (
            (by_length, sorted((seconds, value) for batch, seconds, value in own if batch == 1)),
            (by_batch, sorted((batch, value) for batch, seconds, value in own if seconds == 1)),
        ):
            if len(line) > 1:
                axes.plot(*zip(*line, strict=True), marker="o", markersize=4, label=name)
    by_length.set(xlabel="seconds in a clip", ylabel="milliseconds per second of audio", title="one clip at a time")
    by_batch.set(xlabel="clips in a batch", title="clips of one second")
    for axes in (by_length, by_batch):
        axes.set(xscale="log", yscale="log")
    by_batch.legend(fontsize=7)
    return figure


def drawn(results: Results, folder: Path) -> Iterator[str]:
    """Draw what the results have, and yield the names of the files."""
    if not any((m.suite, m.metric) == ("vocoders", "blurred") for m in results.measurements):
        return
    for name, figure in zip(PLOTS, (pareto(results), cost(results)), strict=True):
        if figure is not None:
            figure.savefig(folder / name, dpi=90)
            yield name


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
    (chosen.to / "pictures").mkdir(parents=True, exist_ok=True)
    plots = list(drawn(results, chosen.to / "pictures"))
    (chosen.to / "benchmarks.md").write_text(
        page(results, command, plots, "" if chosen.alone else SHARED), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
