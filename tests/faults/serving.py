"""A small run, a store of its genres, and a server of them as a process of its own; shared by the tools that ask it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import forked
import numpy as np
import soundfile


@dataclass
class Asked:
    """A server that runs.

    Attributes:
        url: of its root, without a slash.
        pid: of its process.
        said: on standard error, after the address.
    """

    url: str
    pid: int
    said: str = field(default="")

    @property
    def address(self) -> tuple[str, int]:
        """Its host and port."""
        host, _, port = self.url.removeprefix("http://").partition(":")
        return host, int(port)

    def json(self, path: str) -> Any:
        """An answer, as it was before it was text."""
        with urllib.request.urlopen(self.url + path, timeout=120) as answer:
            return json.load(answer)

    def resident(self) -> int:
        """Bytes of memory that it holds."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * 4096


def make(folder: Path) -> tuple[Path, Path]:
    """A run that knows attributes, with a map whose clips have qualities, and a store of the same genres and rate."""
    import torch
    from conftest import ATTRIBUTES, CLIP_SAMPLES, GENRES, MODEL, SAMPLE_RATE, make_run

    from genvae.latents.fit import make_map
    from genvae.latents.heard import QUALITIES
    from genvae.tensor_files import save_tensors

    torch.set_num_threads(1)
    run = make_run(folder / "run", attributes=ATTRIBUTES)
    generator = torch.Generator().manual_seed(1)
    clips = 120
    tensors = {
        "mean": torch.randn(clips, int(str(MODEL["latent_dim"])), generator=generator),
        "genre": torch.arange(clips) % len(GENRES),
        "clip": torch.arange(clips),
    }
    tensors |= {name: torch.rand(clips, generator=generator).half() for name in QUALITIES}
    save_tensors(run.latents_path, tensors)
    make_map(run, "pca")
    run.seal()
    for number in range(3):
        for place, genre in enumerate(GENRES):
            (folder / "music" / genre).mkdir(parents=True, exist_ok=True)
            wave = np.random.default_rng([number, place]).uniform(-0.5, 0.5, 4 * SAMPLE_RATE)
            soundfile.write(folder / "music" / genre / f"{number}.flac", wave, SAMPLE_RATE)
    shape = ("--sample-rate", SAMPLE_RATE, "--clip-ms", 1000 * CLIP_SAMPLES // SAMPLE_RATE)
    words = ("prepare", folder / "music", "--out", folder / "store", *shape, "--workers", 1)
    assert forked.run(lambda: forked.genvae(*words)).code == 0
    return run.path, folder / "store"


@contextmanager
def started(run: Path, *words: str) -> Iterator[Asked]:
    """`genvae serve`, on a free port, until the block ends; then what it said is known."""
    command = [sys.executable, "-m", "genvae", "serve", "--run", str(run), "--port", "0", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    first = process.stderr.readline()
    found = re.search(r"(http://\S+?:\d+)/", first)
    assert found, first
    server, said = Asked(found[1], process.pid), list[str]()
    reader = threading.Thread(target=_read, args=(process.stderr, said), daemon=True)
    reader.start()
    try:
        yield server
    finally:
        process.terminate()
        try:
            process.wait(60)
        finally:
            process.kill()
        reader.join(60)
        server.said = "".join(said)


def _read(stream: IO[str], said: list[str]) -> None:
    said.extend(stream)
