"""Dataset, Recording and SoundStream: where recordings come from and how they are read (no torch here)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

import numpy as np
from numpy.typing import NDArray

Split = Literal["train", "validation"]


class SoundStream(Protocol):
    """An open recording, read once from its start in blocks, and closed by its `with` block.

    sample_rate: in Hz. channels: at least 1. frames: sample frames that the recording says it has, None if it does
    not say.
    """

    sample_rate: int
    channels: int
    frames: int | None

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [n, channels] with 0 < n <= frames, full scale at ±1.

        Raises:
            AudioError: where the recording can't be decoded further; what was yielded before it stays good.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording of a dataset; it is sent to other processes, so all of it must pickle.

    Attributes:
        id: unique in the dataset and the same at every run, for instance a path relative to the root.
        genre: the name of its genre.
        open: opens it, and gives a SoundStream; for items of another kind, an iterable of them, arrays of float32 of
            the kind's shape, that raises ItemError where they can't be read. May be called many times.
        fingerprint: changes when the sound may have changed (a file's size and time of change, a generator's options).
        group: recordings with the same one are parts of one, and stand in one split; None for one that stands alone.
        split: the split that it must stand in, or None to let genvae choose.
        licence: the terms under which it may be used, where known.
        attributes: what else is known of it, numbers or words by name, such as `{"tempo": 128.0, "key": "C"}`, several
            words as `{"tags": "dark;fast"}`; a store keeps those that it is asked to keep.
    """

    id: str
    genre: str
    open: Callable[[], Any]
    fingerprint: str
    group: str | None = None
    split: Split | None = None
    licence: str | None = None
    attributes: Mapping[str, float | str] | None = None


class Dataset(ABC):
    """A source of recordings.

    Args:
        options: an instance of the plugin's options dataclass.
        root: the SOURCE that the user named: a folder, a file, or a name that only this dataset understands. A URL
            is a path of universal-pathlib, which has the methods of a Path and is none.
    """

    def __init__(self, options: Any, root: Path) -> None:
        self.options = options
        self.root = root

    @abstractmethod
    def recordings(self) -> Iterator[Recording]:
        """Yield every recording, in an order that is the same at every run, without decoding any.

        Raises:
            GenvaeError: when the source as a whole can't be used. A single bad recording is no reason: its `open`
                raises AudioError instead, and it is counted and named.
        """
