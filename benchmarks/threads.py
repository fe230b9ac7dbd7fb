"""How much sooner several threads make sounds of several lengths from magnitudes, and what they cost.

    python benchmarks/threads.py MUSIC [--threads 2]

One thread and several take turns. Told are the median of the ratios round by round, by the clock on the wall, and the
processor time of several beside that of one. Use it on a machine with as many cores that have nothing else to do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

from genvae.bench.sounds import Sounds
from genvae.bench.suites.vocoders import magnitudes, spec_of
from genvae.plugin.registry import installed

SECONDS = (1, 2, 3, 6, 10, 30)
VOCODERS = ("pghi-refined", "griffin-lim")
CLIPS, ROUNDS = 8, 7


def main() -> None:
    """Measure, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    registry, spec = installed(), spec_of()
    sounds = Sounds(asked.music, registry)
    print(f"| {CLIPS} clips of | vocoder | one thread, ms a clip | times as soon | times the processor time |")
    print("|---|---|---|---|---|")
    for seconds in SECONDS:
        logs = magnitudes(torch.from_numpy(sounds.clips(CLIPS, seconds)), spec).clamp_min(1e-9).log()
        for name in VOCODERS:
            vocoder = registry.make("vocoder", name, {}, spec=spec)
            pairs = [(timed(1, vocoder, logs), timed(asked.threads, vocoder, logs)) for _ in range(ROUNDS + 1)][1:]
            sooner = median(one[0] / several[0] for one, several in pairs)
            dearer = median(several[1] / one[1] for one, several in pairs)
            each = median(one[0] for one, _ in pairs) / CLIPS * 1e3
            print(f"| {seconds} s | `{name}` | {each:.1f} | {sooner:.2f} | {dearer:.2f} |", flush=True)


@torch.no_grad()
def timed(threads: int, vocoder: Callable[..., object], logs: torch.Tensor) -> tuple[float, float]:
    """Seconds on the wall, and of processors, that a vocoder takes for log magnitudes [B, bins, frames]."""
    torch.set_num_threads(threads)
    began, spent = time.perf_counter(), time.process_time()
    vocoder(logs)
    return time.perf_counter() - began, time.process_time() - spent


if __name__ == "__main__":
    main()
