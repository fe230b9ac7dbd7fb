"""Kills `genvae prepare` and `genvae train` at any moment, lets them go on, and compares what comes out, bit by bit.

    python tests/faults/killed.py --prepare 200 --train 100

Each case is killed once or twice (SIGKILL to the whole process group) after a part of the time that it takes
undisturbed, drawn from its number, and then run to its end. Its store, or its weights, must be those of one that was
never killed, and nothing half-written may be left. Exits with 1 if something is otherwise.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import forked
import numpy as np
import soundfile

SMALL = (
    *("--model", "conv-vae", "--set", "model.width=16", "--set", "model.neck=4", "--set", "model.latent_dim=4"),
    *("--set", "transform.n_fft=256", "--set", "transform.hop=128", "--set", "train.batch_size=8"),
    *("--set", "train.checkpoint_every=1", "--set", "train.validate_every=4", "--set", "train.ema=0.9"),
)
OF_TIME = ("metrics.jsonl", "tensorboard")


def music(root: Path) -> Path:
    """Twelve recordings of two genres."""
    for number in range(6):
        for genre in ("a", "b"):
            (root / genre).mkdir(parents=True, exist_ok=True)
            wave = np.random.default_rng([number, ord(genre)]).uniform(-0.5, 0.5, 11025 * 8)
            soundfile.write(root / genre / f"{number}.flac", wave, 11025)
    return root


def start(words: list[str]) -> int:
    """A command in a process group of its own; returns its number."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        status = 1
        try:
            status = forked.genvae(*words)
        finally:
            os._exit(status)
    return child


def to_the_end(words: list[str]) -> float:
    """Run a command undisturbed; how many seconds it took."""
    began = time.monotonic()
    _, status = os.waitpid(start(words), 0)
    if status:
        raise SystemExit(f"{words} ended with {status}")
    return time.monotonic() - began


def killed_after(words: list[str], seconds: float) -> bool:
    """Run a command and kill it with its workers; False where it ended before."""
    child = start(words)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        time.sleep(0.001)
    try:
        os.killpg(child, signal.SIGKILL)
    except ProcessLookupError:
        os.kill(child, signal.SIGKILL)  # before it was in its group
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def result(folder: Path) -> dict[str, bytes]:
    """The bytes that must be the same."""
    return {name: content for name, content in forked.contents(folder).items() if not name.startswith(OF_TIME)}


def trial(
    count: int, out: Path, words: Callable[[], list[str]], ended: Callable[[], bool]
) -> tuple[int, int, list[str]]:
    """Kill a command `count` times at random moments: cases, kills that hit it alive, and what was wrong."""
    took = min(to_the_end(words()), 60.0)
    good = result(out)
    kills, faults = 0, []
    for number in range(count):
        drawn = random.Random(number)
        shutil.rmtree(out)
        for _ in range(drawn.choice((1, 2))):
            if not ended():
                kills += killed_after(words(), took * drawn.uniform(0.0, 1.0))
        if not ended():
            to_the_end(words())
        now = result(out)
        if now != good:
            names = sorted(n for n in now.keys() | good.keys() if now.get(n) != good.get(n))
            faults.append(f"{out.name}, case {number}: {names} differ")
    return count, kills, faults


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--prepare", type=int, default=200, help="cases")
    parser.add_argument("--train", type=int, default=100, help="cases")
    chosen = parser.parse_args()
    place = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        root = Path(folder)
        given, store, run = music(root / "music"), root / "store", root / "run"
        preparing = ["prepare", str(given), "--out", str(store), "--sample-rate", "8000", "--clip-ms", "512"]
        training = ["train", str(root / "clips"), "--run", str(run), "--steps", "8", "--seed", "3", *SMALL]
        training += ["--device", "cpu"]
        warm = [word.replace(str(run), str(root / "warm")) for word in training]
        to_the_end([*preparing[:3], str(root / "clips"), *preparing[4:]])
        forked.genvae(*warm)  # so that all is imported once

        def train() -> list[str]:
            return [*training[:4], "--resume"] if (run / "pipeline.json").exists() else training

        def trained() -> bool:
            return (run / "weights.safetensors").exists() and not (run / "checkpoint.safetensors").exists()

        rows = {
            "prepare": trial(chosen.prepare, store, lambda: [*preparing, "--workers", "2"], lambda: False),
            "train": trial(chosen.train, run, train, trained),
        }
    print("| command | cases | killed | differing |\n|---|---|---|---|")
    for name, (cases, kills, faults) in rows.items():
        print(f"| {name} | {cases} | {kills} | {len(faults)} |")
        print(*faults, sep="\n", end="\n" if faults else "")
    return any(faults for _, _, faults in rows.values())


if __name__ == "__main__":
    sys.exit(main())
