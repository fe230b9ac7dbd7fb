"""What the items of a store and of a run are: sounds, unless a plugin brings another kind."""

from __future__ import annotations

import importlib
import io
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from genvae import png
from genvae.audio import encode
from genvae.audio.read import read_file
from genvae.errors import AudioError, ItemError, nearest
from genvae.plugin.declarations import SOUNDS
from genvae.plugin.guard import guarded

FULL_SCALE = 32768
"""What ±1 becomes in int16. A power of two, so that 16-bit recordings at the store's rate are kept bit by bit."""


class ItemKind(ABC):
    """A kind of items: how one is read, checked, written and shown.

    In memory an item is an array of float32 whose full scale is 1. A plugin's class takes no arguments; a dataset and
    a transform that work on its items name it in their declarations.

    Attributes:
        name: what one item is called.
        suffixes: of the files that an item is written to, the usual one first.
        dtype: in which a store keeps items.
        full_scale: what 1 becomes there.
        parts: names of plugins by section, which make a pipeline where none are named.
        measured_by: what is run in place of `genvae evaluate`, which measures sounds; empty where nothing is.
        shape: of an item.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]
    dtype: ClassVar[DTypeLike]
    full_scale: ClassVar[int]
    parts: ClassVar[Mapping[str, str]] = {}
    measured_by: ClassVar[str] = ""
    shape: tuple[int, ...]

    @abstractmethod
    def decode(self, source: Path) -> NDArray[np.float32]:
        """Read a file of any format.

        Raises:
            ItemError: it can't be read as an item.
        """

    @abstractmethod
    def check(self, item: NDArray[Any]) -> str | None:
        """Why an item can't be taken, as in "it is empty", or None where it can."""

    @abstractmethod
    def encode(self, item: NDArray[np.float32], suffix: str, texts: Mapping[str, str]) -> bytes:
        """A file of a suffix, with texts inside by their RIFF names: `ICMT` is what made it, `ISFT` the software.

        The same item and texts are the same bytes. Values beyond full scale are the kind's to bound.
        """

    @abstractmethod
    def show(self, item: NDArray[np.float32]) -> NDArray[np.uint8]:
        """A picture of an item, [rows, columns] in grey or [rows, columns, 3 or 4] in colours."""


class Sounds(ItemKind):
    """Sounds in mono: clips of a store, and what a run makes, which may be longer.

    Args:
        sample_rate: in Hz.
        clip_samples: samples in a clip.
    """

    name = "sound"
    suffixes = tuple(f".{each}" for each in encode.FORMATS)
    dtype = "<i2"
    full_scale = FULL_SCALE

    def __init__(self, sample_rate: int, clip_samples: int) -> None:
        self.sample_rate, self.shape = sample_rate, (clip_samples,)

    def decode(self, source: Path) -> NDArray[np.float32]:
        """A sound file of any rate, mixed to mono, [samples]."""
        return read_file(source, self.sample_rate).wave

    def check(self, item: NDArray[Any]) -> str | None:
        """Whether it is finite samples in one row."""
        if item.ndim != 1 or not len(item):
            return f"A sound is samples [samples] in one row, not of shape {list(item.shape)}."
        return None if np.isfinite(item).all() else "The sound holds samples that are not finite numbers."

    def encode(self, item: NDArray[np.float32], suffix: str, texts: Mapping[str, str]) -> bytes:
        """A file of 16 bits, or of Vorbis."""
        return encode.encode(item, self.sample_rate, encode.format_of(Path(f"sound{suffix}")), info=texts)

    def show(self, item: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Its spectrogram."""
        import torch
        from PIL import Image

        from genvae.plots.sound import Sound, spectrogram

        target = io.BytesIO()
        spectrogram(Sound("", torch.from_numpy(item), self.sample_rate)).savefig(target, format="png", dpi=80)
        with Image.open(target) as picture:
            return np.asarray(picture)


def suffix_of(path: Path, suffixes: tuple[str, ...], name: str = "sound") -> str:
    """The suffix of a file that can be written.

    Args:
        path: of the file.
        suffixes: of an item's kind.
        name: of the kind.

    Raises:
        ItemError: its name asks for another format.
    """
    suffix = path.suffix.lower()
    if suffix in suffixes:
        return suffix
    hint = nearest(suffix.removeprefix("."), [each.removeprefix(".") for each in suffixes]) if suffix else ""
    guess = f" {hint}" if hint.startswith("Did") else ""
    failure = AudioError if name == Sounds.name else ItemError
    raise failure(f"{path} can't be written: {name} files are {', '.join(suffixes)}.{guess}")


def read_comment(path: Path) -> str:
    """The comment inside a file that `encode` wrote, empty where there is none.

    Raises:
        ItemError: it can't be read, or is of another format.
    """
    return png.read_comment(path) if path.suffix.lower() == ".png" else encode.read_comment(path)


def kind_of(items: str, *, sample_rate: int, clip_samples: int) -> ItemKind:
    """The kind that a declaration names: sounds of a rate and length, or what a plugin's class makes.

    Raises:
        PluginError: the class can't be imported or made.
    """
    if items == SOUNDS:
        return Sounds(sample_rate, clip_samples)
    module, _, name = items.partition(":")
    with guarded(f"The kind of items {items!r} could not be made"):
        kind: ItemKind = getattr(importlib.import_module(module), name)()
    return kind
