"""Songs for test_executors.py, one of which kills the process that opens it; in a module that workers can import."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from genvae.interfaces.dataset import Dataset, Recording
from genvae_plugins.datasets.synthetic import SyntheticStream


class DeadlySongs(Dataset):
    """Six songs; opening the third kills as many processes as the file that is the root says."""

    def recordings(self) -> Iterator[Recording]:
        for n in range(6):
            stream = partial(SyntheticStream, genre="piano", index=n, seed=0, seconds=2, sample_rate=8000)
            opens = partial(_kill, self.root, stream) if n == 2 else stream
            yield Recording(id=str(n), genre="piano", open=opens, fingerprint="1")


def _kill(lives: Path, stream: partial[SyntheticStream]) -> SyntheticStream:
    left = int(lives.read_text())
    if left:
        lives.write_text(str(left - 1))
        os.kill(os.getpid(), signal.SIGKILL)
    return stream()
