"""Distributions that are built as wheels and installed by pip into a folder, without a network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def build_wheel(folder: Path, name: str, files: dict[str, str], entry_points: str, wheels: Path) -> None:
    """A wheel of a distribution that has these files, built by hatchling as pip would."""
    package = name.replace("-", "_")
    (folder / package).mkdir(parents=True)
    for file, text in files.items():
        (folder / package / file).write_text(text)
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        f'[project]\nname = "{name}"\nversion = "1.5"\n{entry_points}'
        f'[tool.hatch.build.targets.wheel]\npackages = ["{package}"]\n'
    )
    from hatchling.build import build_wheel as build

    before = Path.cwd()
    os.chdir(folder)
    try:
        build(str(wheels))
    finally:
        os.chdir(before)


def install(wheels: Iterable[Path], site: Path) -> Path:
    """Install wheels into a folder, which is given back."""
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--no-compile", "--target"]
    subprocess.run([*pip, site, *sorted(wheels)], check=True, capture_output=True)
    return site
