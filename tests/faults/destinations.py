"""Commands that write to a destination, each in a process of its own, and what they may leave there when it fails."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import forked
import numpy as np
import soundfile

PREPARED = ("--sample-rate", "8000", "--clip-ms", "512", "--workers", "1")
TRAINED = (
    *("--model", "conv-vae", "--seed", "5", "--steps", "6"),
    *("--set", "transform.n_fft=256", "--set", "transform.hop=128", "--set", "model.width=16", "--set", "model.neck=8"),
    *("--set", "model.latent_dim=8", "--set", "train.batch_size=8", "--set", "train.checkpoint_every=3"),
    *("--set", "train.validate_every=3", "--set", "train.warmup_steps=2", "--set", "train.callbacks="),
)


@dataclass(frozen=True)
class Command:
    """A command whose destination may fail.

    Attributes:
        words: of the command line; OUT is the destination.
        before: fills the destination.
        again: the words that go on with what a first try has left there.
        meanwhile: files that are there only on the way, or that tell of the way; they may differ.
    """

    words: tuple[str, ...]
    before: Callable[[Path], None] | None = None
    again: tuple[str, ...] = ()
    meanwhile: tuple[str, ...] = ()


def commands(root: Path) -> dict[str, Command]:
    """The commands, over a store and a run that are made here."""
    from conftest import GENRES, make_run

    music, run, store = root / "music", root / "run", root / "store"
    for number in range(4):
        for place, genre in enumerate(GENRES):
            (music / genre).mkdir(parents=True, exist_ok=True)
            wave = np.random.default_rng([number, place]).uniform(-0.5, 0.5, 16000)
            soundfile.write(music / genre / f"{number}.wav", wave, 8000)
    in_this_process()
    assert forked.genvae("prepare", music, "--out", store, *PREPARED) == 0
    make_run(run)
    assert forked.genvae("map", run) == 0

    def older(out: Path) -> None:
        shutil.copytree(store, out)
        shard = sorted((out / "shards").glob("*.json"))[0]  # one recording is to be decoded once more
        shard.unlink()

    def a_run(out: Path) -> None:
        shutil.copytree(run, out / "run")

    return {
        "prepare": Command(("prepare", str(music), "--out", "OUT", *PREPARED), before=older),
        "train": Command(
            ("train", str(store), "--run", "OUT", *TRAINED),
            again=("train", str(store), "--run", "OUT", "--resume"),
            meanwhile=("checkpoint.safetensors", "metrics.jsonl"),
        ),
        "generate": Command(
            ("generate", "--run", str(run), "--genre", "rock", "--count", "2", "--seed", "1", "-o", "OUT")
        ),
        "map": Command(("map", "OUT/run"), before=a_run),
        "evaluate": Command(("evaluate", "OUT/run", "--store", str(store), "--critic", "--clips", "2"), before=a_run),
        "plot": Command(("plot", "latent", str(run), "-o", "OUT/latent.png"), before=Path.mkdir),
        "export": Command(("export", str(run), "-o", "OUT/decoder.onnx", "--overwrite"), before=Path.mkdir),
    }


def in_this_process() -> None:
    """Let `prepare` decode here, so that what is changed in this process holds for it, and a fork needs no other."""
    import genvae.clips.workers as workers

    @contextmanager
    def threads(*_: object) -> Iterator[ThreadPoolExecutor]:
        with ThreadPoolExecutor(1) as executor:
            yield executor

    workers._processes = threads  # type: ignore[assignment]  # any executor will do


class Destination:
    """The folder that a command writes to, and what it holds when all goes well."""

    def __init__(self, command: Command, out: Path) -> None:
        self.command, self.out = command, out
        self.reset()
        self.before = self.contents()
        ended = self.run()
        assert ended.code == 0, ended.said
        self.good = self.contents()

    def run(self, around: Callable[[Callable[[], int]], int] = lambda command: command()) -> forked.Ending:
        """Run the command, in a process of its own, in which it is called by `around`."""
        resumes = self.command.again and (self.out / "pipeline.json").exists()
        typed = [word.replace("OUT", str(self.out)) for word in (self.command.again if resumes else self.command.words)]

        def command() -> int:
            import torch

            torch.set_num_threads(1)
            in_this_process()
            return around(lambda: forked.genvae(*typed))

        return forked.run(command, seconds=120)

    def contents(self) -> dict[str, bytes]:
        return forked.contents(self.out) if self.out.exists() else {}

    def wrong(self, ended: forked.Ending, mend: Callable[[], None] = lambda: None) -> str:
        """What is otherwise than promised, now that the command has ended; "" if nothing is.

        Args:
            mend: makes the destination sound again.
        """
        now = self.contents()
        if ended.code == 0:  # it could do without
            return self._differing(now)
        if ended.code != 7 or ended.traceback:
            return f"exit code {ended.code}: {ended.said.strip()[-300:]}"
        if str(self.out) not in ended.said:
            return f"no path: {ended.said.strip()}"
        half = [n for n, c in now.items() if c not in (self.before.get(n), self.good.get(n)) and not self._may_be(n, c)]
        if half:
            return f"half or left behind: {half}"
        mend()
        again = self.run()
        if again.code != 0:
            return f"again it ends with {again.code}: {again.said.strip()[-300:]}"
        return self._differing(self.contents())

    def _differing(self, now: dict[str, bytes]) -> str:
        differing = [
            name
            for name in sorted(now.keys() | self.good.keys())
            if name not in self.command.meanwhile and now.get(name) != self.good.get(name)
        ]
        return f"other files than on a sound disk: {differing}" if differing else ""

    def _may_be(self, name: str, content: bytes) -> bool:
        return name in self.command.meanwhile or b'"complete": false' in content[:100]  # a store.json that says so

    def reset(self) -> None:
        """Bring the destination to where the command begins."""
        shutil.rmtree(self.out, ignore_errors=True)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        if self.command.before:
            self.command.before(self.out)
