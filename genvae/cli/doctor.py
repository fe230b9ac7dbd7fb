"""`genvae doctor`: what this installation has, what each plugin is fit for, and whether a sound comes out."""

from __future__ import annotations

import importlib.metadata
import math
import platform
import re
import shutil
import subprocess
import time
from typing import Any

import click

import genvae
from genvae.cli.output import show_fields, show_json, show_table
from genvae.errors import GenvaeError
from genvae.text import printable


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def doctor(as_json: bool) -> None:
    """Check this installation: versions, devices, formats, plugins, and one generated clip.

    The exit status is 1 if no clip can be generated; all else is information.
    """
    from genvae.plugin.registry import installed

    plugins = [
        {"kind": row.kind, "name": row.name, "state": row.state, "from": row.distribution, "reason": str(row.reason)}
        for row in installed().rows
    ]
    generation = _generation()
    report: dict[str, Any] = {
        "versions": _versions(),
        "devices": _devices(),
        "formats": _formats(),
        "ffmpeg": _ffmpeg(),
        "plugins": plugins,
        "generation": generation,
    }
    if as_json:
        show_json(report)
    else:
        machine = {"devices": ", ".join(report["devices"]), "reads": ", ".join(report["formats"])}
        show_fields({**report["versions"], **machine, "ffmpeg": report["ffmpeg"] or "not found"}.items())
        click.echo()
        show_table(
            ("KIND", "NAME", "STATE", "FROM", "REASON"),
            [(p["kind"], p["name"], p["state"], str(p["from"]), p["reason"]) for p in plugins],
        )
        click.echo()
        if generation["error"] is None:
            click.echo(
                f"A clip of {generation['genre']} from the run {generation['run']}: {generation['seconds']} s, "
                f"level {generation['level_db']} dB."
            )
    if generation["error"] is not None:
        click.echo(f"Error: No clip could be generated. {printable(str(generation['error']))}", err=True)
        click.get_current_context().exit(1)


def _versions() -> dict[str, str]:
    names = (
        "torch",
        "numpy",
        "soundfile",
        "soxr",
        "pydub",
        "safetensors",
        "scikit-learn",
        "lightning-fabric",
        "pluggy",
        "click",
        "rich",
    )
    versions = {"genvae": genvae.__version__, "python": platform.python_version(), "system": platform.platform()}
    for name in names:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: the package is here, but not its library
        versions["libsndfile"] = f"does not load: {error}"
    else:
        versions["libsndfile"] = soundfile.__libsndfile_version__
    return versions


def _devices() -> list[str]:
    """The devices that torch can use, the CPU first."""
    try:
        import torch
    except (ImportError, OSError) as error:
        return [f"none, as torch does not load: {error}"]
    devices = [f"cpu ({torch.get_num_threads()} threads)"]
    devices += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def _formats() -> list[str]:
    """The suffixes of sound files that are read without ffmpeg."""
    try:
        from genvae.audio.decode import SUFFIXES
    except (ImportError, OSError):
        return []
    return sorted(SUFFIXES)


def _ffmpeg() -> str | None:
    """The version of the ffmpeg on the path."""
    path = shutil.which("ffmpeg")
    if path is None:
        return None
    answer = subprocess.run([path, "-version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    version = re.match(r"ffmpeg version (\S+)", answer.stdout)
    return version[1] if version else "of unknown version"


def _generation() -> dict[str, Any]:
    """Make one clip with the pretrained run, from the disk to the bytes of a wav file."""
    result: dict[str, Any] = dict.fromkeys(("run", "genre", "seconds", "level_db", "error"))
    began = time.perf_counter()
    try:
        from genvae.plugin.registry import installed
        from genvae.pretrained import pretrained_run
        from genvae.run import Run
        from genvae.synthesis.synthesizer import Synthesizer

        synthesizer = Synthesizer(Run(pretrained_run()), installed())
        result["run"], result["genre"] = synthesizer.digest, synthesizer.genres[0]
        clip = synthesizer.generate(synthesizer.genres[0], seed=0, index=0)
        clip.wav()
    except GenvaeError as error:
        result["error"] = str(error)
    except Exception as error:  # whatever is wrong here is what a doctor is for
        result["error"] = f"{type(error).__name__}: {error}"
    else:
        power = float(clip.wave.square().mean())
        result["seconds"] = round(time.perf_counter() - began, 2)
        result["level_db"] = round(10 * math.log10(max(power, 1e-12)), 1)
    return result
