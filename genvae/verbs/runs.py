"""Verbs that use a trained run: `load` it for sounds, map, pack or export it, make its files again, look for damage."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genvae.errors import GenvaeError, RunError
from genvae.places import is_remote, place
from genvae.pretrained import RUN_VARIABLE
from genvae.progress import Listener, listening
from genvae.verbs.given import open_run, open_store

if TYPE_CHECKING:
    from genvae.clips.store import ClipStore
    from genvae.latents.map import LatentMap
    from genvae.onnx_export import Exported, ExportPart
    from genvae.plugin.registry import Registry
    from genvae.run import Run
    from genvae.synthesis.sound import Clip
    from genvae.synthesis.synthesizer import Synthesizer


def load(
    run: Run | Path | str | None = None,
    *,
    vocoder: str | None = None,
    options: Mapping[str, Any] | None = None,
    registry: Registry | None = None,
) -> Synthesizer:
    """Load a trained run to make sounds with it.

    Args:
        run: its folder or packed file; by default the one that GENVAE_RUN names, else the run that comes with genvae.
        vocoder: the plugin to use in place of the run's own.
        options: of the vocoder, such as `{"vocoder.iterations": 64}`.
        registry: where plugins come from; None for what is installed.

    Raises:
        RunError: there is no such run, or it is unfinished or damaged.
        PluginError: a plugin that it needs is missing.
        OptionError: the vocoder refuses an option.

    >>> import genvae
    >>> genvae.load().generate("techno", seed=42)
    Clip('techno', seed=42, index=0, seconds=1)
    """
    from genvae.plugin.options import by_section
    from genvae.plugin.registry import installed
    from genvae.synthesis.synthesizer import Synthesizer

    opened, registry = open_run(run), registry or installed()
    values = by_section(options or {}, ["vocoder"])["vocoder"]
    if vocoder is None and not values:
        return Synthesizer(opened, registry)
    other = opened.config.with_vocoder(registry, vocoder or opened.config.vocoder.name, values)
    return Synthesizer(opened, registry, vocoder=other.vocoder)


def regenerate(file: Path | str, run: Run | Path | str | None = None, *, registry: Registry | None = None) -> Clip:
    """Make a generated clip again from what its file says.

    Args:
        file: a wav, flac or ogg file that a run made.
        run: the run that made it; by default the pretrained one.
        registry: where plugins come from; None for what is installed.

    Raises:
        AudioError: the file does not say what made it.
        RunError: another run made it.
    """
    from genvae.pipeline import PartConfig
    from genvae.synthesis import provenance
    from genvae.synthesis.synthesizer import Synthesizer

    made_by, opened = provenance.read(Path(file)), open_run(run)
    if (digest := opened.digest()) != made_by.run:
        which = (
            "the pretrained run is" if run is None and not os.environ.get(RUN_VARIABLE) else f"{opened.path} is the run"
        )
        raise RunError(f"{file} was made by the run {made_by.run}, but {which} {digest}. Name the right `run`.")
    return Synthesizer(opened, registry, vocoder=PartConfig(**made_by.vocoder)).remake(made_by)


def verify(path: Path | str, run: Run | Path | str | None = None, *, registry: Registry | None = None) -> list[str]:
    """Read a run, a clip store or a generated file whole, and compare it with what was written down of it.

    A store's clips are compared with the digests of their shards, a run's files with its seal, and a generated file
    with what its run makes once more.

    Args:
        path: of a run, a clip store, or a generated wav, flac or ogg file.
        run: that made the file; by default the pretrained one.
        registry: where plugins come from; None for what is installed.

    Returns:
        what is damaged, a sentence each.

    Raises:
        GenvaeError: there is nothing of the kind, or so little is left that it can't be opened.
    """
    from genvae.audio.encode import format_of
    from genvae.clips.store import ClipStore
    from genvae.run import Run

    path = place(path)
    if is_remote(path):  # where only stores lie
        return list(ClipStore.open(path).damaged())
    if (path / "pipeline.json").is_file():
        return Run(path).verify()
    if (path / "store.json").is_file():
        return list(ClipStore.open(path).damaged())
    if not path.is_file():
        raise GenvaeError(f"{path} is no run, no clip store and no generated file.")
    clip = regenerate(path, run, registry=registry)
    if clip.encode(format_of(path)) == path.read_bytes():
        return []
    return [f"{path} holds other bytes than its run makes here."]


def make_map(
    run: Run | Path | str,
    method: str = "pca",
    *,
    store: ClipStore | Path | str | None = None,
    seed: int = 0,
    progress: bool | Listener = True,
    registry: Registry | None = None,
) -> LatentMap:
    """Project a run's training clips to 2-D, and keep the map in the run.

    Args:
        run: a trained run.
        method: `pca`, the plane in which the clips vary most, or `umap`, which keeps neighbours together.
        store: the one that it was trained on, for a run without latents of its clips.
        seed: of UMAP.
        progress: True shows it, False is silence; else what is called with each `Progress` and `Message`.
        registry: where plugins come from; None for what is installed.

    Raises:
        RunError: the run holds no latents, or was trained on another store.
        GenvaeError: there are too few clips for UMAP.
    """
    from genvae.latents.encode import encode_store
    from genvae.latents.fit import make_map as fit_map
    from genvae.plugin.registry import installed

    opened = open_run(run)
    with listening(progress) as listener:
        if store is not None and not opened.latents_path.exists():
            encode_store(opened, open_store(store), registry or installed(), listener=listener)
        return fit_map(opened, method, seed=seed, listener=listener)


def export_onnx(
    run: Run | Path | str | None,
    path: Path | str,
    *,
    part: ExportPart = "decoder",
    mean: bool = False,
    registry: Registry | None = None,
) -> Exported:
    """Write a part of a run as ONNX, compared with torch in every genre before it is written.

    Args:
        run: a trained run; None for the pretrained one.
        path: of the file.
        part: `decoder`, from a latent to features; `spectrogram`, from a genre to what a vocoder takes; `waveform`,
            from a latent to sound, with a phase reconstruction of its own.
        mean: of the decoder the mean alone, which draws nothing.
        registry: where plugins come from; None for what is installed.

    Raises:
        GenvaeError: what this needs is not installed, or the run draws in a way that no input can stand for.
    """
    from genvae import onnx_export
    from genvae.plugin.registry import installed

    return onnx_export.export_onnx(open_run(run), registry or installed(), Path(path), part=part, mean=mean)


def pack(run: Run | Path | str | None, path: Path | str) -> list[str]:
    """Write a trained run as one file, which `load` takes in place of a folder; the same run gives the same bytes.

    Args:
        run: a trained run; None for the default one.
        path: of the file, such as `run.genvae`.

    Returns:
        the names of the files that it holds.

    Raises:
        RunError: the run's training has not ended.
        OSError: the file can't be written.
    """
    from genvae.packing import pack as write

    return write(open_run(run), Path(path))
