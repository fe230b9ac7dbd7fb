"""The frontier of phase: how good each vocoder is against what it costs, at every number of rounds, and the peers too.

    python benchmarks/vocoders.py STORE [--clips 12] [--picture FILE.png]

STORE is a clip store at the pretrained run's rate. Of its validation clips come the exact magnitudes, and those that
the run's model makes of them. Told are the spectral convergence to what was asked for, and of the model's magnitudes
also the log-spectral distance of the sound to the clip. All take turns on one thread; cost is processor time.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from genvae import windows
from genvae.bench.contest import Call, Case, Contender, Measurement, Scale, Score
from genvae.bench.harness import Conditions, measure, pinned
from genvae.bench.suites import vocoder_peers as peers
from genvae.bench.suites.vocoders import N_FFT, convergence, magnitudes, spec_of
from genvae.clips.store import ClipStore
from genvae.distances import log_spectral_distance
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.rounds import Rounds

RATE = 22050
SPEC = spec_of()
FEW, MANY = (0, 1, 2, 3, 4, 6, 8, 12, 16), (32, 64, 128)
TIMED = 4  # clips in a call whose time is taken
CONDITIONS = Conditions(peers=True, rounds=9, seconds=3600.0)
METRICS = {
    "exact": "exact magnitudes: spectral convergence, dB",
    "model": "the model's magnitudes: spectral convergence, dB",
    "distance": "the model's magnitudes: distance to the clip, dB",
}


@dataclass(frozen=True)
class Setting:
    """A vocoder with its options.

    Attributes:
        family: its name and all options but the number of rounds.
        rounds: None for a method in one pass.
        make: what gives log magnitudes [B, bins, frames] -> waveforms [B, samples].
        peer: whether it is another library's.
    """

    family: str
    rounds: int | None
    make: Callable[[], peers.Run]
    peer: bool = False

    @property
    def name(self) -> str:
        """As it stands in the table."""
        plural = "" if self.rounds == 1 else "s"
        return self.family if self.rounds is None else f"{self.family}, {self.rounds} round{plural}"


@dataclass(frozen=True)
class Sounds:
    """Waveforms [clips, samples], their magnitudes [clips, bins, frames], and those that the model makes of them."""

    waves: Tensor
    exact: Tensor
    model: Tensor


def main() -> None:
    """Print the tables, and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--picture", type=Path)
    asked = parser.parse_args()
    with pinned(1):
        sounds = made(ClipStore.open(asked.store), asked.clips)
        chosen = list(settings())
        found = values(measure(frontier(chosen, sounds), CONDITIONS))
        print_settings(found)
        print_peers(chosen, found)
        print_rounds(values(measure(rounds(sounds.exact[:1]), CONDITIONS)))
    if asked.picture:
        picture(chosen, found).savefig(asked.picture, dpi=90)


@torch.no_grad()
def made(store: ClipStore, count: int) -> Sounds:
    """What is measured on."""
    rows = np.sort(np.random.default_rng(0).choice(store.select(split="validation"), count, replace=False))
    waves = torch.from_numpy(store.waves(rows))
    parts: Pipeline = Run(pretrained_run()).load(installed())
    parts.eval()
    genre = torch.from_numpy(store.index["genre"][rows].astype(np.int64))
    latents = parts.model.encode(parts.transform(waves), genre).mean
    features = parts.model.decode(latents, genre, generator=torch.Generator().manual_seed(0))
    return Sounds(waves, magnitudes(waves, SPEC).clamp_min(1e-9), parts.transform.invert(features).exp())


def settings() -> Iterator[Setting]:
    """Every vocoder of ours and of other libraries at many numbers of rounds."""
    for count in (1, *FEW[4:], *MANY):
        yield Setting("librosa", count, lambda n=count: peers.librosa(SPEC, RATE, n), peer=True)
        yield Setting("torchaudio", count, lambda n=count: peers.torchaudio(SPEC, RATE, n), peer=True)
    for count in MANY[:2]:
        yield Setting("librosa momentum=0", count, lambda n=count: peers.librosa(SPEC, RATE, n, 0.0), peer=True)
        yield Setting("torchaudio momentum=0", count, lambda n=count: peers.torchaudio(SPEC, RATE, n, 0.0), peer=True)
    yield Setting("pghipy", None, lambda: peers.pghipy(SPEC, RATE), peer=True)
    for name in ("zero-phase", "spsi", "pghi"):
        yield ours(name, None)
    for count in (*FEW, *MANY):
        yield ours("pghi-refined", count)
        yield ours("pghi-refined", count, start="queue")
    for momentum in (0.0, 0.9):
        for count in (FEW[6], *MANY[:2]):
            yield ours("pghi-refined", count, momentum=momentum)
    for count in (*FEW, *MANY, 500):
        yield ours("griffin-lim", count)
    for count in (*FEW[5:], *MANY, 500):
        yield ours("admm", count)
    for momentum in (0.0, 1.3):
        for count in MANY:
            yield ours("griffin-lim", count, momentum=momentum)
    for count in (*MANY, 500):
        yield ours("raar", count)
        yield ours("raar", count, start="queue")


def ours(name: str, count: int | None, **options: Any) -> Setting:
    """A vocoder that is a plugin."""
    values = options if count is None else {**options, "iterations": count}

    def make() -> peers.Run:
        vocoder = installed().make("vocoder", name, values, spec=SPEC)
        return lambda logs: vocoder(logs, length=RATE)

    said = " ".join([f"`{name}`", *(f"{key}={value}" for key, value in options.items())])
    return Setting(said, count, make)


def frontier(chosen: Sequence[Setting], sounds: Sounds) -> Case:
    """All of the settings in turns."""
    logs = sounds.exact[:TIMED].log()

    def contender(setting: Setting) -> Contender:
        def ready() -> Call:
            run = setting.make()

            def call() -> peers.Run:
                run(logs)
                return run

            return call

        return Contender(name=setting.name, make=ready, peer=setting.peer)

    def score(run: peers.Run) -> Mapping[str, Score]:
        waves = run(sounds.model.log())
        apart = map(log_spectral_distance, sounds.waves, waves)
        quality = {
            "exact": convergence(sounds.exact, run(sounds.exact.log()), SPEC),
            "model": convergence(sounds.model, waves, SPEC),
            "distance": statistics.fmean(apart),
        }
        return {name: Score(value, "dB", "lower") for name, value in quality.items()}

    return Case(
        suite="vocoders",
        name="frontier",
        contenders=[contender(setting) for setting in chosen],
        scales=[Scale("cost", "ms per second of audio", 1e3 / TIMED, rate=False)],
        score=score,
    )


def rounds(exact: Tensor) -> Case:
    """A round of Griffin-Lim and the FFTs in it, for one clip with magnitudes `exact` [1, bins, frames]."""
    count = 32
    magnitude = exact.mT.contiguous()
    frames = Frames(SPEC, windows.of(SPEC), magnitude.shape[1], RATE)
    start = magnitude.to(torch.complex64)

    def transforms(turns: int) -> Call:
        spectra = [start[:, first::turns].contiguous() for first in range(turns)]
        pieces = [torch.fft.irfft(each, n=N_FFT) for each in spectra]

        def call() -> None:
            for _ in range(count):
                for spectrum, piece in zip(spectra, pieces, strict=True):
                    torch.fft.irfft(spectrum, n=N_FFT)
                    torch.fft.rfft(piece)

        return call

    def of(turns: int) -> Call:
        tools = Rounds(frames, 1, turns=turns)
        return lambda: tools.run(magnitude, start, count, momentum=0.5, relaxation=0.5 if turns == 2 else 0.0)

    return Case(
        suite="vocoders",
        name="a round",
        contenders=[
            Contender(name="FFTs of all frames", make=lambda: transforms(1)),
            Contender(name="`griffin-lim`", make=lambda: of(1)),
            Contender(name="FFTs of the even, then of the odd frames", make=lambda: transforms(2)),
            Contender(name="`pghi-refined`", make=lambda: of(2)),
        ],
        scales=[Scale("cost", "microseconds", 1e6 / count, rate=False)],
    )


def values(measured: Sequence[Measurement]) -> dict[str, dict[str, float]]:
    """By contender and metric; without those that could not be measured."""
    found: dict[str, dict[str, float]] = {}
    for each in measured:
        if each.value is None:
            print(f"{each.contender} was not measured. {each.reason}\n")
        else:
            found.setdefault(each.contender, {})[each.metric] = each.value
    return found


def print_settings(found: Mapping[str, Mapping[str, float]]) -> None:
    """All that was measured, the quick ones first, and in which measure nothing as quick is as good."""
    print("| method | exact, dB | model, dB | model to clip, dB | ms per second | on the frontier |")
    print("|---" * 6 + "|")
    for name, row in sorted(found.items(), key=lambda each: each[1]["cost"]):
        quicker = [other for other in found.values() if other["cost"] < row["cost"]]
        leads = [metric for metric in METRICS if all(row[metric] < other[metric] for other in quicker)]
        numbers = " | ".join(f"{row[metric]:.2f}" for metric in (*METRICS, "cost"))
        print(f"| {name} | {numbers} | {', '.join(leads)} |")


def print_peers(chosen: Sequence[Setting], found: Mapping[str, Mapping[str, float]]) -> None:
    """For each setting of another library the cheapest of ours that is as good, and how many times as fast it is."""
    print("\n| peer | " + " | ".join(f"as good: {metric} | times as fast" for metric in METRICS) + " |")
    print("|---" * (1 + 2 * len(METRICS)) + "|")
    own = [setting.name for setting in chosen if not setting.peer and setting.name in found]
    for setting in chosen:
        if not setting.peer or setting.name not in found:
            continue
        cells, peer = [], found[setting.name]
        for metric in METRICS:
            good = [name for name in own if found[name][metric] <= peer[metric]]
            best = min(good, key=lambda name: found[name]["cost"], default=None)
            cells += [best or "none", f"{peer['cost'] / found[best]['cost']:.1f}" if best else ""]
        print(f"| {setting.name} | {' | '.join(cells)} |")


def print_rounds(found: Mapping[str, Mapping[str, float]]) -> None:
    """A round beside its FFTs."""
    print("\n| a round | microseconds | of its FFTs |\n|---|---|---|")
    fft = 0.0
    for name, row in found.items():
        fft = row["cost"] if name.startswith("FFT") else fft
        print(f"| {name} | {row['cost']:.0f} | {row['cost'] / fft:.2f} |")


def picture(chosen: Sequence[Setting], found: Mapping[str, Mapping[str, float]]) -> Figure:
    """Each family's quality against its cost."""
    figure = Figure(figsize=(13, 6), layout="constrained")
    panels = figure.subplots(1, len(METRICS))
    families = dict.fromkeys(setting.family for setting in chosen if setting.name in found)
    for number, family in enumerate(families):
        rows = [setting for setting in chosen if setting.family == family and setting.name in found]
        style = {"color": f"C{number % 10}", "marker": "s" if rows[0].peer else "o", "markersize": 4}
        style |= {"linestyle": "--" if rows[0].peer else "-", "mfc": "none" if rows[0].peer or number > 9 else None}
        for axes, metric in zip(panels, METRICS, strict=True):
            points = [(found[row.name]["cost"], found[row.name][metric]) for row in rows]
            axes.plot(*zip(*points, strict=True), label=family.replace("`", ""), linewidth=1, **style)
    for axes, label in zip(panels, METRICS.values(), strict=True):
        axes.set(xscale="log", xlabel="milliseconds per second of audio", title=label)
        axes.title.set_fontsize(9)
        axes.invert_yaxis()  # better is up, faster is left
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8)
    return figure


if __name__ == "__main__":
    main()
