"""Kills `prepare` and `train` at random moments, runs them again, and compares what they leave with an unbroken run.

    python tests/faults/killed.py --prepare 200 --train 100
    python tests/faults/killed.py --prepare 140 --train 70 --first 60 --seconds 3600

The second goes on with cases behind the first 60, for an hour at most, half of it for trainings. Each case is made from
its number alone, but for how far the command had come when the signal reached it: SIGKILL, SIGTERM, Ctrl-C or Ctrl-C
twice, up to three times in a row; half of the trainings are hit while a checkpoint is being written. A command that is
asked to stop must end with the signal's own code and without a traceback. Exits with 1 if anything is otherwise, or if
a byte differs in the end.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import forked
import numpy as np
import soundfile

RATE = 8000
SIGNALS = {
    "SIGKILL": (signal.SIGKILL,),
    "SIGTERM": (signal.SIGTERM,),
    "Ctrl-C": (signal.SIGINT,),
    "Ctrl-C twice": (signal.SIGINT, signal.SIGINT),
}
# One that comes while a module is imported may end Python as a Ctrl-C does, by the signal.
ENDINGS = {"SIGKILL": {-9}, "SIGTERM": {143, -15, -2}, "Ctrl-C": {130, -2}, "Ctrl-C twice": {130, -2}}
DONE = "is trained already"
TRAINING = (
    *("--model", "conv-vae", "--seed", "5", "--steps", "24"),
    *("--set", "transform.n_fft=256", "--set", "transform.hop=128", "--set", "model.width=16", "--set", "model.neck=8"),
    *("--set", "model.latent_dim=8", "--set", "train.batch_size=16", "--set", "train.checkpoint_every=3"),
    *("--set", "train.validate_every=12", "--set", "train.warmup_steps=5"),
)


class Trial:
    """A command whose whole result is known.

    Args:
        name: prepare or train.
        words: of the command line that makes OUT.
        again: those that go on with an OUT that is there.
        place: for what it makes.
    """

    def __init__(self, name: str, words: tuple[object, ...], again: tuple[object, ...], place: Path) -> None:
        self.name, self.words, self.again = name, words, again
        self.out = place / name
        began = time.monotonic()
        code, said = self.run()
        assert code == 0, said
        self.seconds = time.monotonic() - began
        self.good = self.contents()

    def run(self, signals: tuple[int, ...] = (), ripe: Callable[[float], bool] | None = None) -> tuple[int, str]:
        """Run the command, send it signals once the moment has come, and return its exit status and what it said."""
        words = self.again if self.out.exists() else self.words
        typed = [str(self.out) if word == "OUT" else str(word) for word in words]
        with tempfile.TemporaryFile() as errors:
            began = time.monotonic()
            process = subprocess.Popen(
                [sys.executable, "-m", "genvae", *typed], stdout=subprocess.DEVNULL, stderr=errors
            )
            while ripe is not None and process.poll() is None and not ripe(time.monotonic() - began):
                time.sleep(0.0005)
            for each in signals:
                process.send_signal(each)
            code = process.wait(timeout=300)
            errors.seek(0)
            return code, errors.read().decode("utf-8", "replace").strip()

    def contents(self) -> dict[str, bytes]:
        """What must not depend on how often the command was stopped; times and events do."""
        files = forked.contents(self.out)
        return {name: content for name, content in files.items() if name.startswith(RESULTS[self.name])}

    def case(self, number: int) -> tuple[str, str]:
        """How it was hit, and what is wrong; "" if nothing is."""
        drawn = random.Random(f"{self.name} {number}")
        shutil.rmtree(self.out, ignore_errors=True)
        kinds: list[str] = []
        for _ in range(drawn.choice((1, 1, 2, 3))):
            kind = drawn.choice(("SIGKILL", "SIGKILL", *SIGNALS))
            inside = self.name == "train" and drawn.random() < 0.5
            code, said = self.run(SIGNALS[kind], self._writing(drawn) if inside else self._at(drawn))
            if code == 0:
                return kinds[0] if kinds else "not hit", self._wrong(kinds)  # it was quicker
            kinds.append(kind + (" in a checkpoint" if inside else ""))
            if DONE in said and "Traceback" not in said:
                return kinds[0], self._wrong(kinds)
            if code not in ENDINGS[kind] or "Traceback" in said:
                return kinds[0], f"hit by {kinds}, it ended with {code}: {said[-600:]}"
        code, said = self.run()
        kind = kinds[0] if kinds else "not hit"
        if code != 0 and DONE not in said:  # the signal came when all was done
            return kind, f"after {kinds}, it ends with {code}: {said[-600:]}"
        return kind, self._wrong(kinds)

    def _wrong(self, kinds: list[str]) -> str:
        now = self.contents()
        differing = sorted(name for name in now.keys() | self.good.keys() if now.get(name) != self.good.get(name))
        if differing:
            return f"after {kinds}, other bytes: {differing}"
        left = [str(file) for file in self.out.rglob(".*") if file.suffix == ".tmp"]
        return f"after {kinds}, left behind: {left}" if left else ""

    def _at(self, drawn: random.Random) -> Callable[[float], bool]:
        moment = drawn.uniform(0.3, 1) * self.seconds  # before that, Python itself starts
        return lambda elapsed: elapsed > moment

    def _writing(self, drawn: random.Random) -> Callable[[float], bool]:
        """Whether a checkpoint is being written, the n-th that is seen."""
        left = drawn.randrange(1, 6)
        seen: set[int] = set()

        def ripe(_: float) -> bool:
            for file in self.out.glob(".checkpoint*"):
                try:
                    seen.add(file.stat().st_ino)
                except FileNotFoundError:
                    return False
                return len(seen) >= left
            return False

        return ripe


RESULTS = {
    "prepare": ("shards", "index.npy", "store.json", "report"),
    "train": ("weights", "latents", "pipeline.json"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--prepare", type=int, default=200, help="preparations to kill")
    parser.add_argument("--train", type=int, default=100, help="trainings to kill")
    parser.add_argument("--first", type=int, default=0, help="number of the first of each")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no case after this time")
    chosen = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs, and their children, ignore it
    place = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    counts: Counter[tuple[str, str]] = Counter()
    faults = []
    with tempfile.TemporaryDirectory(dir=place) as folder:
        root = Path(folder)
        for number in range(24):
            for genre in ("a", "b"):
                (root / "music" / genre).mkdir(parents=True, exist_ok=True)
                wave = np.random.default_rng([number, ord(genre)]).uniform(-0.5, 0.5, 2 * 11025)
                soundfile.write(root / "music" / genre / f"{number}.flac", wave, 11025)
        prepared = ("--sample-rate", RATE, "--clip-ms", 512, "--workers", 2)
        words = ("prepare", root / "music", "--out", "OUT", *prepared)
        trials = [Trial("prepare", words, words, root)]
        store = shutil.copytree(trials[0].out, root / "store")
        trials.append(
            Trial(
                "train", ("train", store, "--run", "OUT", *TRAINING), ("train", store, "--run", "OUT", "--resume"), root
            )
        )
        for trial in trials:
            end = time.monotonic() + chosen.seconds / len(trials)
            for number in range(chosen.first, chosen.first + getattr(chosen, trial.name)):
                if time.monotonic() > end:
                    break
                kind, wrong = trial.case(number)
                counts[trial.name, kind] += 1
                if wrong:
                    faults.append(f"{trial.name} {number}: {wrong}")
    print("| command | first hit by | cases |\n|---|---|---|")
    for (name, kind), count in sorted(counts.items()):
        print(f"| {name} | {kind} | {count} |")
    print(f"{counts.total()} cases, {len(faults)} faults")
    print(*faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
