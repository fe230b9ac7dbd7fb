"""Every plugin that genvae comes with passes the conformance kit; what is declared is what is checked."""

from __future__ import annotations

import gzip
import json
import tarfile
from pathlib import Path
from typing import Any

from genvae.plugin.declarations import KINDS
from genvae.plugin.registry import installed
from genvae.testing import BoundCheck, plugin_checks
from genvae.testing.kit import parametrize
from genvae.testing.sounds import write_example

# Sizes that make the slow ones quick, through what every author has: options, and a dataset's source.
OPTIONS: dict[str, dict[str, Any]] = {
    "synthetic": {"dataset.recordings": 2, "dataset.seconds": 2.0, "dataset.sample_rate": 8000},
    "conv-vae": {"model.width": 32, "model.neck": 8, "model.latent_dim": 8},
    **{
        name: {"model.width": 32, "model.neck": 8, "model.latent_dim": 8, "model.learning_rate": 5e-3}
        for name in ("beta-vae", "wae")
    },
    "vae-gan": {
        "model.width": 32,
        "model.neck": 8,
        "model.latent_dim": 8,
        "model.learning_rate": 5e-3,
        "model.first_stage": 50,
    },
    "vq-vae": {"model.width": 32, "model.neck": 8, "model.groups": 2, "model.code_dim": 4, "model.learning_rate": 5e-3},
    "flow-vae": {
        "model.width": 64,
        "model.depth": 2,
        "model.vae_depth": 1,
        "model.components": 16,
        "model.latent_dim": 8,
        "model.learning_rate": 5e-3,
        "model.flow_steps": 2,
    },
    "gmm": {"prior.components": 4},
    "flow": {"prior.width": 64, "prior.depth": 2, "prior.steps": 500},
    "reference-vae": {"model.learning_rate": 2e-3},
    "raar": {"vocoder.iterations": 20},
    "admm": {"vocoder.iterations": 20},
}


def manifest(folder: Path) -> Path:
    """A list of the same recordings that other datasets are given."""
    files = sorted(write_example(folder / "music").glob("*/*.wav"))
    lines = [json.dumps({"path": str(path), "genre": path.parent.name}) for path in files]
    (folder / "list.jsonl").write_text("\n".join(lines) + "\n")
    return folder / "list.jsonl"


def tars(folder: Path) -> Path:
    """A tar file of the same recordings, with what is known of each."""
    files = sorted(write_example(folder / "music").glob("*/*.wav"))
    with tarfile.open(folder / "all.tar", "w") as tar:
        for path in files:
            name = f"{path.parent.name}-{path.stem}"
            (folder / f"{name}.json").write_text(json.dumps({"genre": path.parent.name}))
            tar.add(path, f"{name}.wav")
            tar.add(folder / f"{name}.json", f"{name}.json")
    return folder / "all.tar"


def shar(folder: Path) -> Path:
    """A folder of Lhotse Shar with the same recordings."""
    files = sorted(write_example(folder / "music").glob("*/*.wav"))
    (folder / "shar").mkdir()
    cuts = []
    with tarfile.open(folder / "shar" / "recording.000000.tar", "w") as tar:
        for path in files:
            id = f"{path.parent.name}-{path.stem}"
            tar.add(path, f"{id}.wav")
            cuts.append(json.dumps({"id": id, "start": 0, "custom": {"genre": path.parent.name}}))
    with gzip.open(folder / "shar" / "cuts.000000.jsonl.gz", "wt") as text:
        text.write("\n".join(cuts) + "\n")
    return folder / "shar"


SOURCES = {"manifest": manifest, "webdataset": tars, "lhotse-shar": shar}

OWN = [row for row in installed().declared() if row.distribution == "genvae"]
CHECKS = [
    check
    for row in OWN
    for check in plugin_checks(
        f"genvae:{row.name}", kind=row.kind, options=OPTIONS.get(row.name), source=SOURCES.get(row.name)
    )
]


@parametrize(CHECKS)
def test_first_party_plugins_conform(check: BoundCheck) -> None:
    check()


def test_there_is_one_of_every_kind_and_each_is_checked_to_the_end() -> None:
    assert {row.kind for row in OWN} == set(KINDS)
    last = {(each.subject.kind, each.subject.row.name) for each in CHECKS if each.name == "trains-and-generates"}
    assert last == {(row.kind, row.name) for row in OWN if row.kind not in ("embedder", "metric")}


def test_what_a_check_is_called_is_told_apart_by_plugin_and_kind() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
