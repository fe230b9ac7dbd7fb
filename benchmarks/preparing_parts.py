"""What each part of preparing costs, for docs/benchmarks.md: decoding, mixing, resampling, sealing and the rest.

    python benchmarks/preparing_parts.py MUSIC [--formats mp3,ogg,wav]

From the recordings in MUSIC a stereo file of a minute at 44.1 kHz is made in each format, as for `genvae bench
prepare`, and prepared again and again in this process. A part's time is processor time without the parts within it, its
least of all rounds, since whatever else the machine does only adds to it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import soundfile

from genvae.audio import decode, mono
from genvae.bench.harness import Conditions
from genvae.bench.sounds import RATE, Sounds
from genvae.bench.suites import Context
from genvae.bench.suites.decode import FORMATS, recording
from genvae.bench.suites.prepare import Here
from genvae.clips import chop, prepare, shard, work
from genvae.plugin.registry import installed

PARTS: dict[str, list[tuple[Any, str]]] = {
    "decoding, in blocks": [(decode, "_read")],
    "looking for damage": [(decode, "_outline")],
    "mixing to mono, checking": [(mono.MonoStream, "_mono")],
    "resampling": [(mono.MonoStream, "_resample")],
    "to 16 bits, peaks": [(chop.Chopper, "_clips"), (work, "_take")],
    "writing and hashing": [(shard.ShardWriter, "append")],
    "waiting for the disk": [(os, "fsync")],
    "seal, index, report": [(work, "write_seal"), (prepare, "assemble"), (prepare, "write_if_changed")],
}
ROUNDS = 12


class Stopwatch:
    """Processor time of functions, each without those that it calls.

    Attributes:
        spent: seconds by part, since it was cleared.
    """

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._within = [0.0]

    def watch(self, owner: Any, name: str, part: str) -> None:
        """Put a function that is timed in the place of `owner.name`."""
        function: Callable[..., Any] = getattr(owner, name)

        def timed(*words: Any, **named: Any) -> Any:
            self._within.append(0.0)
            began = time.process_time()
            try:
                return function(*words, **named)
            finally:
                whole = time.process_time() - began
                self.spent[part] += whole - self._within.pop()
                self._within[-1] += whole

        setattr(owner, name, timed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("music", type=Path)
    parser.add_argument("--formats", default=",".join(FORMATS))
    arguments = parser.parse_args()
    registry, watch = installed(), Stopwatch()
    for part, functions in PARTS.items():
        for owner, name in functions:
            watch.watch(owner, name, part)
    with tempfile.TemporaryDirectory(prefix="genvae-parts-") as scratch:
        context = Context(
            conditions=Conditions(),
            registry=registry,
            sounds=Sounds(arguments.music, registry),
            thorough=False,
            scratch=Path(scratch),
            run=None,
        )
        columns = {name: measured(context, name, watch) for name in arguments.formats.split(",")}
    print(f"{'ms for a minute':28}" + "".join(f"{name:>8}" for name in columns))
    for part in next(iter(columns.values())):
        print(f"{part:28}" + "".join(f"{1e3 * column[part]:8.1f}" for column in columns.values()))


def measured(context: Context, suffix: str, watch: Stopwatch) -> dict[str, float]:
    """The least seconds of each part of preparing one recording, of all together, and of decoding alone."""
    root = context.scratch / suffix
    (root / "genre").mkdir(parents=True)
    path = recording(context, suffix).rename(root / "genre" / f"sound.{suffix}")
    dataset = context.registry.make("dataset", "genvae:folder", {}, root)
    rounds = []
    for number in range(ROUNDS):
        watch.spent.clear()
        began = time.process_time()
        settings = work.Settings(sample_rate=RATE)
        prepare.prepare([dataset], context.scratch / f"{suffix}-{number}", settings, executor=Here())
        whole = time.process_time() - began
        spent = {part: watch.spent[part] for part in PARTS}
        spent |= {"the rest": whole - sum(spent.values()), "all": whole}
        began = time.process_time()
        soundfile.read(path, dtype="float32")
        rounds.append(spent | {"decoding alone, whole": time.process_time() - began})
    return {part: min(spent[part] for spent in rounds) for part in rounds[0]}


if __name__ == "__main__":
    main()
