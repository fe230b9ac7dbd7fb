"""Convergence of the vocoders on magnitudes as the pretrained run's model makes them, beside real and blurred ones.

    python benchmarks/vocoders.py STORE [--clips 32]

Speed, and more options, are in `genvae bench vocoders --against peers`. STORE is a clip store at the pretrained run's
rate; its validation clips are what is rebuilt, its training clips give the principal components that blur.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genvae.bench.suites import vocoder_peers as peers
from genvae.bench.suites.vocoders import blurred, convergence, magnitudes, spec_of
from genvae.clips.store import ClipStore
from genvae.pipeline import Pipeline
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run

RATE = 22050
SPEC = spec_of()
OTHERS = 500  # clips that the components are learnt from
ROWS = (
    ("pghi-refined", {}),
    ("pghi-refined", {"iterations": 16}),
    ("pghi-refined", {"iterations": 32}),
    ("pghi-refined", {"start": "queue"}),
    ("griffin-lim", {"iterations": 32}),
    ("griffin-lim", {"iterations": 64}),
    ("raar", {"iterations": 500}),
    ("admm", {}),
    ("admm", {"iterations": 100}),
    ("pghi", {}),
    ("spsi", {}),
    ("zero-phase", {}),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("--clips", type=int, default=32)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    store = ClipStore.open(asked.store)
    kinds = made(store, asked.clips)
    print(f"Spectral convergence in dB, the mean over {asked.clips} clips:\n")
    print("| method | " + " | ".join(kinds) + " |\n|" + "---|" * (1 + len(kinds)))
    for name, make in contenders():
        try:
            vocode = make()
        except (ImportError, OSError, RuntimeError) as error:
            print(f"| {name} | not measured: {' '.join(str(error).split())} |")
            continue
        found = (f"{convergence(wanted, vocode(wanted.log()), SPEC):.2f}" for wanted in kinds.values())
        print(f"| {name} | " + " | ".join(found) + " |", flush=True)


@torch.no_grad()
def made(store: ClipStore, count: int) -> dict[str, Tensor]:
    """Magnitudes [count, bins, frames] of each kind."""
    generator = np.random.default_rng(0)
    held_out = np.sort(generator.choice(store.select(split="validation"), count, replace=False))
    trained = np.sort(generator.choice(store.select(split="train"), OTHERS, replace=False))
    waves = torch.from_numpy(store.waves(held_out))
    exact = magnitudes(waves, SPEC).clamp_min(1e-9)
    run = Run(pretrained_run())
    parts: Pipeline = run.load(installed())
    parts.eval()
    genre = torch.from_numpy(store.index["genre"][held_out].astype(np.int64))
    noise = torch.Generator().manual_seed(0)
    latents = parts.model.encode(parts.transform(waves), genre).mean
    drawn = parts.prior.sample(genre, generator=noise)
    return {
        "exact": exact,
        "blurred": blurred(exact, magnitudes(torch.from_numpy(store.waves(trained)), SPEC)),
        "model, reconstructed": parts.transform.invert(parts.model.decode(latents, genre, generator=noise)).exp(),
        "model, new": parts.transform.invert(parts.model.decode(drawn, genre, generator=noise)).exp(),
    }


def contenders() -> Iterator[tuple[str, Callable[[], peers.Run]]]:
    """Name, and how to make it."""
    yield from peers.all_of(SPEC, RATE, None)
    for plugin_name, values in ROWS:
        vocoder = installed().make("vocoder", plugin_name, values, spec=SPEC)
        said = ", ".join(f"{name}={value}" for name, value in values.items())
        yield f"`{plugin_name}`{' ' + said if said else ''}", lambda own=vocoder: lambda logs: own(logs, length=RATE)


if __name__ == "__main__":
    main()
