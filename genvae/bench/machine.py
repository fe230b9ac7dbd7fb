"""What a measurement was made on: processor, cores, device, and the versions of every library that takes part."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import genvae

PEERS = ("librosa", "torchaudio", "nnAudio", "scipy", "pghipy", "pydub", "scikit-learn")
_OWN = ("torch", "numpy", "numba", "soundfile", "soxr", "onnxruntime")


def describe(*, threads: int, device: str) -> dict[str, Any]:
    """The machine in plain values, for the head of a table and of a JSON file."""
    names = dict.fromkeys((*_OWN, *PEERS))
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": threads,
        "device": device,
        "device_name": _device_name(device),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {"genvae": genvae.__version__, **{name: _version(name) for name in names}},
    }


def in_words(machine: dict[str, Any]) -> str:
    """The same in two lines, for people."""
    facts = [
        machine["processor"],
        f"{machine['cores']} cores, load {machine['load']}",
        machine["system"],
        f"Python {machine['python']}",
        f"{machine['threads']} thread{'s' * (machine['threads'] != 1)}",
        f"device {machine['device']}",
    ]
    if machine["device_name"]:
        facts.append(machine["device_name"])
    return f"{', '.join(facts)}, {machine['date']}\n" + ", ".join(
        f"{name} {number}" for name, number in machine["versions"].items()
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _device_name(device: str) -> str:
    if device == "cpu":
        return ""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else ""


def _processor() -> str:
    """The processor's model where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "")
    return model or platform.processor() or platform.machine()
