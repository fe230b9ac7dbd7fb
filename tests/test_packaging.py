"""The wheel: it holds the packages and the pretrained run, is small enough, and carries no tests."""

from __future__ import annotations

import email
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_holds_the_pretrained_run_and_its_card(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    default = "genvae/pretrained/default/"
    assert {
        default + name
        for name in (
            "pipeline.json",
            "weights.safetensors",
            "map.safetensors",
            "MODEL_CARD.md",
            "CREDITS.csv",
            "TERMS.md",
        )
    } <= names
    assert "genvae_plugins/models/conv_vae.py" in names
    assert "genvae/metrics/embedder.safetensors" in names
    assert {f"genvae_plugins/embedders/musicnn.{kind}" for kind in ("safetensors", "LICENSE")} <= names
    assert wheel.stat().st_size <= 30e6


def test_the_wheel_carries_nothing_but_the_two_packages(wheel):
    roots = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {root for root in roots if not root.endswith(".dist-info")} == {"genvae", "genvae_plugins"}
    assert not [
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if name.endswith(("/latents.safetensors", "/checkpoint.safetensors"))
    ]


def test_it_builds_to_the_same_bytes_from_a_copy_made_at_another_time(wheel, tmp_path):
    copy = tmp_path / "copy"
    leftovers = shutil.ignore_patterns("__pycache__", ".*cache*", ".venv", ".git", "shared")
    shutil.copytree(ROOT, copy, copy_function=shutil.copy, ignore=leftovers)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path], cwd=copy, check=True)
    assert (tmp_path / wheel.name).read_bytes() == wheel.read_bytes()


def test_its_metadata_says_the_licence_and_the_weights_terms(wheel):
    archive = zipfile.ZipFile(wheel)
    [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    told = email.message_from_bytes(archive.read(metadata))
    assert told["License-Expression"] == "MIT"
    texts = [archive.read(metadata.replace("METADATA", f"licenses/{name}")) for name in told.get_all("License-File")]
    assert any(text.startswith(b"MIT License") for text in texts)
    assert any(text.startswith(b"# Terms of the pretrained weights") for text in texts)
    assert told["Author"]
    assert not told.get_all("Project-URL")


def test_the_version_is_the_packages_own(wheel):
    import genvae

    assert wheel.name.startswith(f"genvae-{genvae.__version__}-")
    assert f"\nversion: {genvae.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    shown = subprocess.run([sys.executable, "-m", "genvae", "--version"], capture_output=True, text=True, check=True)
    assert re.search(rf"\b{re.escape(genvae.__version__)}\b", shown.stdout)
