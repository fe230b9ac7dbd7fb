"""What a plugin costs its author: seconds from nothing to a clip with one's own vocoder, and lines for each kind.

    python benchmarks/authoring.py                    the seconds, in an environment that has genvae
    python benchmarks/authoring.py --kinds [KIND ...] the processor's seconds to passed checks, for each kind
    python benchmarks/authoring.py --lines            the lines of what `genvae plugins new` writes
    python benchmarks/authoring.py --lines FILE:NAME,NAME ...   and of classes and functions of peers' files

Lines are those with code in them: no blank ones, comments or docstrings. All of it is for docs/plugins/README.md.
"""

from __future__ import annotations

import argparse
import ast
import os
import resource
import subprocess
import sys
import tempfile
import time
import tokenize
from pathlib import Path

from genvae.plugin.declarations import KINDS
from genvae.scaffold import write

WHAT = {
    "dataset": "a folder loader",
    "transform": "an STFT",
    "model": "a VAE",
    "prior": "a Gaussian prior",
    "vocoder": "Griffin-Lim",
    "schedule": "a learning-rate schedule",
    "callback": "a callback",
    "embedder": "an embedder",
    "metric": "a metric",
}
VARIANTS = [*((kind, False) for kind in KINDS), ("vocoder", True)]
"""Kinds, and whether what is written learns."""
INSTALL = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target"]


def code_lines(path: Path, names: tuple[str, ...] = ()) -> int:
    """Lines of a Python file that hold code, or of some of its classes and functions."""
    skipped = (
        tokenize.COMMENT,
        tokenize.NL,
        tokenize.NEWLINE,
        tokenize.INDENT,
        tokenize.DEDENT,
        tokenize.ENCODING,
        tokenize.ENDMARKER,
    )
    with path.open("rb") as file:
        lines = {
            line
            for token in tokenize.tokenize(file.readline)
            if token.type not in skipped
            for line in range(token.start[0], token.end[0] + 1)
        }
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if names:
        chosen = [node for node in tree.body if getattr(node, "name", "") in names]
        if len(chosen) != len(names):
            raise SystemExit(f"{path} does not define all of {', '.join(names)}")
        lines &= {line for node in chosen for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(lines)


def lines_of_scaffolds() -> None:
    with tempfile.TemporaryDirectory() as folder:
        print("| kind | what | declaration | class | together |")
        print("|---|---|---|---|---|")
        for kind, learns in VARIANTS:
            package = write("mine", kind, Path(folder) / f"{kind}-{learns}", learns=learns) / "genvae_mine"
            declared, made = code_lines(package / "__init__.py"), code_lines(package / f"{kind}.py")
            what = "a vocoder that learns" if learns else WHAT[kind]
            print(f"| {kind} | {what} | {declared} | {made} | {declared + made} |")


def seconds_of_kinds(asked: list[str]) -> None:
    """For each kind that is asked for, or for all, what the processor takes to begin it, to install and to check it."""
    print("| what | new | pip install | check |")
    print("|---|---|---|---|")
    for kind, learns in VARIANTS:
        if asked and (f"learning-{kind}" if learns else kind) not in asked:
            continue
        with tempfile.TemporaryDirectory() as name:
            folder, site = Path(name), Path(name) / "site"
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
            genvae = [sys.executable, "-m", "genvae", "plugins"]
            commands = (
                [*genvae, "new", "mine", "--kind", kind, *(["--learns"] if learns else [])],
                [*INSTALL, str(site), "./genvae-mine"],
                [*genvae, "check", "mine", "--kind", kind],
            )
            seconds = [processor_seconds(command, folder, environment) for command in commands]
        what = "a vocoder that learns" if learns else WHAT[kind]
        print(f"| {what} | {' | '.join(f'{each:.1f}' for each in seconds)} |", flush=True)


def processor_seconds(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """What a command and its children take of the processor, whatever else it does meanwhile."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def seconds_to_a_clip() -> None:
    """Time each command of the tutorial, as a user would give it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = folder / "site"
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])}
        genvae = [sys.executable, "-m", "genvae"]
        commands = {
            "genvae plugins new mine --kind vocoder": [*genvae, "plugins", "new", "mine", "--kind", "vocoder"],
            "pip install genvae-mine": [*INSTALL, str(site), "./genvae-mine"],
            "genvae generate --genre techno --vocoder mine": [
                *genvae,
                "generate",
                "--genre",
                "techno",
                "--vocoder",
                "mine",
                "--seed",
                "1",
                "-o",
                "clip.wav",
            ],
            "genvae plugins check mine": [*genvae, "plugins", "check", "mine"],
        }
        total = 0.0
        for shown, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
            seconds = time.perf_counter() - began
            if "check" not in shown:
                total += seconds
            print(f"{seconds:6.1f} s  {shown}")
        assert (folder / "clip.wav").stat().st_size > 40_000
        print(f"{total:6.1f} s  from nothing to a clip with one's own vocoder")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="*", metavar="KIND|learning-vocoder")
    parser.add_argument("--lines", nargs="*", metavar="FILE:NAME,NAME")
    asked = parser.parse_args()
    if asked.kinds is not None:
        seconds_of_kinds(asked.kinds)
        return
    if asked.lines is None:
        seconds_to_a_clip()
        return
    lines_of_scaffolds()
    for each in asked.lines:
        file, _, names = each.partition(":")
        print(f"{code_lines(Path(file), tuple(filter(None, names.split(',')))):5d}  {each}")


if __name__ == "__main__":
    main()
