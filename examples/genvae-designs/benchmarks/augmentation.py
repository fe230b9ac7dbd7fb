"""What the variants of `pictures` are worth: a model of 48 pictures with and without them, measured on 200 others.

    python benchmarks/augmentation.py > augmentation.json    # two trainings of 400 steps

The pictures are bottles that stand nearer or farther, off the middle, and either way round, as in people's own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from genvae_designs import PictureOptions
from genvae_designs.bottles import draw, random_factors
from genvae_designs.datasets import variants
from genvae_designs.measuring import Measured
from genvae_designs.scores import reconstruction
from PIL import Image

from genvae.cli import main as genvae

KNOWN, OTHERS, STEPS, LATENTS = 48, 200, 400, 8


def taken(count: int, seed: int, folder: Path) -> np.ndarray:
    """Bottles as somebody else would have taken them, [count, 128, 128], and as PNG files in a folder."""
    folder.mkdir()
    pictures = []
    for number, picture in enumerate(draw(random_factors(count, seed))):
        path = folder / f"{number:03d}.png"
        Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(path)
        placed = variants(path, PictureOptions(augment=1, seed=seed + number))[1]
        Image.fromarray(np.rint(255 * placed).astype(np.uint8)).save(path)
        pictures.append(placed)
    return np.stack(pictures)


def command(*words: object) -> None:
    """Run a command of genvae that must succeed."""
    result = CliRunner().invoke(genvae, [str(word) for word in words])
    if result.exit_code:
        raise SystemExit(f"{result.output}{result.exception}")


def main() -> None:
    """Train with 0 and with 16 variants of each picture, for the same number of steps."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--steps", type=int, default=STEPS, help="of each training")
    steps = options.parse_args().steps
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        known, others = taken(KNOWN, 1, folder / "known"), taken(OTHERS, 1000, folder / "others")
        table = {}
        for augment in (0, 16):
            store, run = folder / f"store-{augment}", folder / f"run-{augment}"
            command(
                "prepare",
                folder / "known",
                "--out",
                store,
                "--dataset",
                "pictures",
                "--set",
                f"dataset.augment={augment}",
            )
            command(
                "train",
                store,
                "--run",
                run,
                "--prior",
                "gaussian",
                "--steps",
                steps,
                "--set",
                f"model.latent_dim={LATENTS}",
            )
            measured = Measured(run, count=1)
            table[f"{augment} variants"] = {
                name: reconstruction(pictures, measured.decode(measured.encode(pictures)))
                for name, pictures in (("known", known), ("others", others))
            }
    print(json.dumps(table, indent=2))


if __name__ == "__main__":
    main()
