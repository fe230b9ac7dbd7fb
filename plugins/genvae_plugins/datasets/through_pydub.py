"""The `pydub` dataset: folders as in `folder`, with whatever ffmpeg decodes, in blocks through a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from genvae.audio.decode import SUFFIXES
from genvae.audio.ffmpeg import FfmpegStream
from genvae.errors import AudioError
from genvae.interfaces.dataset import Dataset, Recording
from genvae_plugins.datasets.folder import FOREIGN_SUFFIXES, files_of_genres


class ThroughPydub(Dataset):
    """Recordings below a folder of genres, in any format that ffmpeg decodes; of a video, its first sound track."""

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings of each genre, sorted by their paths.

        Raises:
            GenvaeError: the root is no folder, or its recordings do not lie in folders of genres.
        """
        for path, id, genre, change in files_of_genres(self.root, SUFFIXES | FOREIGN_SUFFIXES):
            opens = partial(FfmpegStream, path) if genre else partial(_refuse, "it lies in no folder of a genre")
            yield Recording(id=id, genre=genre, open=opens, fingerprint=change)


def _refuse(reason: str) -> FfmpegStream:
    raise AudioError(reason)
