"""Suite `startup`: new processes, timed by the wall clock: what a user waits for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from genvae.bench.contest import Call, Case, Contender, Scale
from genvae.bench.suites import Context

_HELLO = """
import click
@click.group()
def main():
    "Say hello."
@main.command()
def hello():
    "Say it."
    click.echo("Hello World!")
main()
"""
_SECONDS = Scale("time", "s", 1.0, rate=False)


def cases(context: Context) -> Iterator[Case]:
    """Help against a hello world, then a first clip against `import torch`."""
    genvae = [sys.executable, "-c", "from genvae.cli import main; main()"]  # which is what the installed script does
    yield Case(
        suite="startup",
        name="help",
        clock="wall",
        scales=[Scale("time", "ms", 1e3, rate=False)],
        baseline="click hello world --help",
        contenders=[
            _process("python", [sys.executable, "-c", "pass"]),
            _process("click hello world --help", [sys.executable, "-c", _HELLO, "--help"]),
            _process("genvae --help", [*genvae, "--help"]),
            _process("genvae generate --help", [*genvae, "generate", "--help"]),
        ],
    )
    folder = context.scratch / "startup"
    clip = folder / "clip.wav"
    fresh = folder / "fresh"
    generate = [*genvae, "generate", "--seed", "1", "--overwrite", "-o", str(clip), "--genre", _genre(context)]
    generate += ["--run", str(context.run)] if context.run else []

    def empty() -> None:
        """A machine on which nothing was compiled or cached by an earlier run."""
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)

    homes = {name: str(fresh) for name in ("HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "MPLCONFIGDIR", "TMPDIR")}
    yield Case(
        suite="startup",
        name="first clip",
        clock="wall",
        scales=[_SECONDS],
        baseline="import torch",
        contenders=[
            _process("import numpy", [sys.executable, "-c", "import numpy"]),
            _process("import torch", [sys.executable, "-c", "import torch"]),
            _process("import librosa, and its griffinlim", [sys.executable, "-c", _LIBROSA], peer=True),
            _process("genvae generate", generate),
            _process("genvae generate, nothing cached", generate, homes, before=empty),
        ],
    )


_LIBROSA = "import librosa, numpy; librosa.griffinlim(numpy.ones((513, 87), 'f'), n_iter=12)"


def _process(
    name: str,
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    before: Callable[[], object] | None = None,
    peer: bool = False,
) -> Contender:
    """A command, run to its end in a new process."""

    def call() -> None:
        done = subprocess.run(
            command,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode:
            raise RuntimeError((done.stderr.strip().splitlines() or [f"it ended with status {done.returncode}"])[-1])

    def make() -> Call:
        return call

    return Contender(name=name, make=make, before=before, peer=peer)


def _genre(context: Context) -> str:
    from genvae.pretrained import pretrained_run
    from genvae.run import Run

    return Run(context.run or pretrained_run()).config.genres[0]
