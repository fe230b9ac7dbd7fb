"""Trains and scores what docs/vae/images.md speaks of, and prints docs/vae/designs.json.

python benchmarks/designs.py --folder work > designs.json    # seven trainings of 700 steps, 45 s of a core each

The store and the runs stay in the folder, and what is there is not made again. Beside them are the pictures of the
text: grid.png, the decoder over the plane of two latents, and directions.png, a row of designs for each true factor.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from click.testing import CliRunner

from genvae.cli import main as genvae

BOTTLES, HELD_OUT = 4096, 200
KINDS = {
    "bernoulli": ((), 3),
    "logistic": (("model.likelihood=logistic",), 3),
    "eight": (("model.latent_dim=8",), 1),
}
"""By name the options that differ from the model's own, and the number of trainings, each of another seed."""


def command(*words: object) -> str:
    """Run a command of genvae that must succeed; its standard output."""
    result = CliRunner().invoke(genvae, [str(word) for word in words])
    if result.exit_code:
        raise SystemExit(f"{result.output}{result.exception}")
    return result.stdout


def main() -> None:
    """Make what is missing, and print the scores."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--folder", type=Path, required=True, help="of the store and the runs")
    options.add_argument("--bottles", type=int, default=BOTTLES, help="in the store")
    options.add_argument("--steps", type=int, default=700, help="of each training")
    options.add_argument("--count", type=int, default=HELD_OUT, help="bottles to measure with")
    chosen = options.parse_args()
    store = chosen.folder / "store"
    if not store.exists():
        bottles = f"dataset.count={chosen.bottles}"
        command("prepare", "any", "--out", store, "--dataset", "bottles", "--set", bottles)
    table: dict[str, list[object]] = {}
    for kind, (differing, trainings) in KINDS.items():
        table[kind] = []
        for seed in range(trainings):
            run = chosen.folder / f"{kind}-{seed}"
            print(run.name, file=sys.stderr, flush=True)
            if not run.exists():
                more = [word for each in differing for word in ("--set", each)]
                command("train", store, "--run", run, "--steps", chosen.steps, "--seed", seed, *more)
            table[kind].append(json.loads(command("designs", "score", run, store, "--count", chosen.count)))
    command("plot", "latent", chosen.folder / "bernoulli-0", "-o", chosen.folder / "grid.png")
    command("designs", "directions", chosen.folder / "eight-0", "-o", chosen.folder / "directions.png")
    print(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
