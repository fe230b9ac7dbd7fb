"""`genvae info`: what a run, a clip store or a generated file is."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from genvae.cli.output import show_fields, show_json
from genvae.cli.places import PLACE
from genvae.errors import GenvaeError
from genvae.places import is_remote
from genvae.run_listing import PACKED


@click.command()
@click.argument("path", type=PLACE)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def info(path: Path, as_json: bool) -> None:
    """Say what PATH is: a run or a packed one, a clip store, or a sound file made by genvae generate."""
    if is_remote(path):  # where only stores lie
        about = _store(path)
    elif (path / "pipeline.json").is_file():
        about = _run(path)
    elif (path / "store.json").is_file():
        about = _store(path)
    elif path.is_file():
        about = _run(path) if path.suffix == PACKED else _clip(path)
    elif path.exists():
        raise GenvaeError(
            f"{path} is nothing that genvae made: a run holds pipeline.json, a clip store holds store.json."
        )
    else:
        raise GenvaeError(f"{path} does not exist. Name a run, a clip store or a generated wav file.")
    if as_json:
        show_json(about)
    else:
        show_fields(_lines(about))


def _run(path: Path) -> dict[str, Any]:
    from genvae.verbs import open_run

    run = open_run(path)
    described = run.config.to_json()
    known = {each.pop("name"): each for each in described.pop("attributes", ())}
    return {
        "kind": "run",
        "path": str(path),
        "finished": run.finished,
        "digest": run.digest() if run.finished else None,
        "genvae": run.genvae_version,
        "genres": list(described.pop("genres")),
        **described,
        **({"attributes": known} if known else {}),
        "training": run.training,
        "data": run.data,
        "bytes": sum(file.stat().st_size for file in run.path.rglob("*") if file.is_file()),
    }


def _store(path: Path) -> dict[str, Any]:
    from genvae.clips.store import ClipStore

    store = ClipStore.open(path)
    return {
        "kind": "store",
        "path": str(path),
        "digest": store.digest,
        **(
            {"sample_rate": store.sample_rate, "clip_samples": store.clip_samples}
            if store.sample_rate
            else {"items": store.items, "shape": list(store.item_shape)}
        ),
        "clips": len(store),
        "recordings": len(store.recordings),
        "genres": store.counts(),
        **({"attributes": {n: each.summary() for n, each in store.attributes.items()}} if store.attributes else {}),
        "settings": store.settings,
    }


def _clip(path: Path) -> dict[str, Any]:
    from genvae.audio.open import open_sound
    from genvae.errors import AudioError, Cure
    from genvae.synthesis import provenance

    try:
        return {"kind": "clip", "path": str(path), **provenance.read(path).to_json()}
    except AudioError as error:
        with suppress(AudioError, OSError), open_sound(path):
            message = f"{path} was not made by genvae generate: it does not say what made it."
            raise GenvaeError(message, cure=Cure.of("reconstruct", files=path, output="heard")) from error
        raise


def _lines(about: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested values as dotted names, one a line."""
    lines: list[tuple[str, str]] = []
    for name, value in about.items():
        if isinstance(value, dict) and value:
            lines += _lines(value, f"{prefix}{name}.")
        elif isinstance(value, list) and all(isinstance(item, str) for item in value):
            lines.append((prefix + name, ", ".join(value)))
        else:
            lines.append((prefix + name, value if isinstance(value, str) else json.dumps(value)))
    return lines
