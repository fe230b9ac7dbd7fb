"""What a map costs by its number of clips: processor time on one thread, and memory; for docs/plots.md.

    python benchmarks/maps.py [--clips 20000,100000] [--methods pca,umap]

The latents are draws of the pretrained run's prior, as many of each genre, so that they lie as those of clips do. All
that `genvae map` does is timed, except for starting Python and importing torch. Each map is made in a process of its
own; the memory is the most that it, or UMAP's process, held.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from genvae.latents.fit import make_map
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.progress import Display
from genvae.run import Run
from genvae.tensor_files import save_tensors


def run_with(clips: int, folder: Path) -> Run:
    """The pretrained run with so many latents in place of a map."""
    shutil.copytree(pretrained_run(), folder)
    run = Run(folder)
    run.map_path.unlink(missing_ok=True)
    genre = torch.arange(clips) % len(run.config.genres)
    with torch.no_grad():
        z = run.load(installed()).prior.sample(genre, generator=torch.Generator().manual_seed(0))
    save_tensors(run.latents_path, {"mean": z, "genre": genre, "clip": torch.arange(clips)})
    return run


def measured(folder: Path, method: str) -> tuple[float, float]:
    """Seconds of processor time, and the largest number of megabytes."""
    torch.set_num_threads(1)
    before = os.times()
    with Display() as display:
        make_map(Run(folder), method, listener=display)
    spent = sum(os.times()[:4]) - sum(before[:4])
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes here
    largest = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return spent, largest * unit / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", default="20000,100000")
    parser.add_argument("--methods", default="pca,umap")
    arguments = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    print(f"{'clips':>8} {'method':8} {'processor s':>12} {'memory MB':>10}")
    for clips in map(int, arguments.clips.split(",")):
        with tempfile.TemporaryDirectory(prefix="genvae-maps-") as scratch:
            folder = run_with(clips, Path(scratch) / "run").path
            for method in arguments.methods.split(","):
                with ProcessPoolExecutor(1, mp_context=context) as pool:
                    seconds, memory = pool.submit(measured, folder, method).result()
                print(f"{clips:8} {method:8} {seconds:12.1f} {memory:10.0f}", flush=True)


if __name__ == "__main__":
    main()
