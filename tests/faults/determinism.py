"""Makes the same clips in every way that there is, and compares their bytes.

    python tests/faults/determinism.py --pairs 200

Each pair of a genre and a seed is made by the command line, by Python, by the HTTP API, and made again from what its
file says; by a process that makes nothing else, and by one that has made all the others before, in another order; with
one thread, and with two. Exits with 1 if any two differ.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

Pair = tuple[str, int]


def by_command(pairs: Iterable[Pair], folder: Path) -> dict[Pair, bytes]:
    """`genvae generate`, in processes of their own."""
    made = {}
    for genre, seed in pairs:
        file = folder / f"{genre}-{seed}.wav"
        words = [sys.executable, "-m", "genvae", "generate", "--genre", genre, "--seed", str(seed), "-o", str(file)]
        subprocess.run(words, check=True, capture_output=True)
        made[genre, seed] = file.read_bytes()
    return made


def by_python(pairs: Iterable[Pair]) -> dict[Pair, bytes]:
    import genvae

    model = genvae.load()
    return {pair: model.generate(pair[0], seed=pair[1]).wav() for pair in pairs}


def by_api(pairs: Iterable[Pair]) -> dict[Pair, bytes]:
    from fastapi.testclient import TestClient

    from genvae.plugin.registry import installed
    from genvae.verbs import open_run
    from genvae.web.app import create_app
    from genvae.web.engine import Engine

    made = {}
    with TestClient(create_app([Engine(open_run(), installed())]), base_url="http://localhost") as client:
        for genre, seed in pairs:
            answer = client.get("/api/generate", params={"genre": genre, "seed": seed})
            answer.raise_for_status()
            made[genre, seed] = answer.content
    return made


def again(files: Iterable[tuple[Pair, Path]]) -> dict[Pair, bytes]:
    import genvae

    return {pair: genvae.regenerate(file).wav() for pair, file in files}


def main() -> int:
    import torch

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=200, help="of a genre and a seed")
    parser.add_argument("--commands", type=int, default=20, help="of them made by a process each")
    chosen = parser.parse_args()
    drawn = random.Random(0)
    pairs = [(drawn.choice(("piano", "rock", "techno")), drawn.randrange(2**31)) for _ in range(chosen.pairs)]
    shuffled = drawn.sample(pairs, len(pairs))
    good = by_python(pairs)
    with tempfile.TemporaryDirectory() as folder:
        for pair, content in good.items():
            Path(folder, f"{pair[0]}-{pair[1]}.wav").write_bytes(content)
        files = [(pair, Path(folder, f"{pair[0]}-{pair[1]}.wav")) for pair in shuffled[: chosen.commands]]
        rows = {
            "Python, in another order": by_python(shuffled),
            "the HTTP API": by_api(shuffled),
            "made again from the file": again(files),
        }
    torch.set_num_threads(2)
    rows["Python, two threads"] = by_python(shuffled)
    with tempfile.TemporaryDirectory() as folder:
        rows["the command line, a process each"] = by_command(pairs[: chosen.commands], Path(folder))
    differing = {way: sum(good[pair] != content for pair, content in made.items()) for way, made in rows.items()}
    print("| the bytes of `load().generate` and those of | clips | differing |\n|---|---|---|")
    for way, made in rows.items():
        print(f"| {way} | {len(made)} | {differing[way]} |")
    return any(differing.values())


if __name__ == "__main__":
    sys.exit(main())
