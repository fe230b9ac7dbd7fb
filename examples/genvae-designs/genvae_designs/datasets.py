"""The datasets `bottles` (drawn) and `pictures` (a folder of one's own, with variants of each picture)."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from genvae import Dataset, Recording
from genvae.errors import AudioError, GenvaeError
from genvae_designs import BottleOptions, PictureOptions
from genvae_designs.bottles import SIZE, draw, random_factors
from genvae_designs.items import RATE, to_samples

_SHEET = 64  # designs in a recording of bottles
_VERSION = 1  # part of the fingerprints; raise it when the same source comes to give other pictures
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
_LARGEST = 100_000_000  # pixels of a picture, far above any photograph's

Greys = NDArray[np.float32]


class PictureStream:
    """Pictures [N, 128, 128] in 0..1 as a recording of N seconds; they are made when the first block is asked for."""

    def __init__(self, count: int, make: Callable[[], Greys]) -> None:
        self.sample_rate, self.channels, self.frames = RATE, 1, count * RATE
        self._make = make

    def blocks(self, frames: int) -> Iterator[NDArray[np.float32]]:
        """Yield float32 [n, 1] with n <= frames."""
        samples = to_samples(self._make()).reshape(-1, 1)
        for start in range(0, len(samples), frames):
            yield samples[start : start + frames]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Bottles(Dataset):
    """Procedural bottles, 64 designs a recording; design i is `random_factors(count, seed)[i]`."""

    options: BottleOptions

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings without drawing any."""
        count, seed = self.options.count, self.options.seed
        for start in range(0, count, _SHEET):
            size = min(_SHEET, count - start)
            yield Recording(
                id=f"bottle/{seed}-{start:07d}",
                genre="bottle",
                open=partial(PictureStream, size, partial(_drawn, start, size, seed)),
                fingerprint=json.dumps({"bottles": _VERSION, "seed": seed, "start": start, "size": size}),
            )


def _drawn(start: int, count: int, seed: int) -> Greys:
    return draw(random_factors(count, seed, start))


class Pictures(Dataset):
    """The pictures in a folder, of genre `design`, or in its folders, each a genre; a recording is one picture.

    Its variants are clips of the same recording, so that none of them stands in another split.
    """

    options: PictureOptions

    def recordings(self) -> Iterator[Recording]:
        """Yield the recordings in the order of their paths, without opening any.

        Raises:
            GenvaeError: the source is no folder, or there is no picture in it.
        """
        if not self.root.is_dir():
            raise GenvaeError(f"{self.root} is no folder. Name a folder of pictures, or of a folder for each kind.")
        found = sorted(p for p in self.root.rglob("*") if p.suffix.lower() in _SUFFIXES and p.is_file())
        if not found:
            raise GenvaeError(f"There is no picture in {self.root}. Known endings: {' '.join(_SUFFIXES)}")
        said = json.dumps({"pictures": _VERSION, **asdict(self.options)})
        for path in found:
            inside, stat = path.relative_to(self.root), path.stat()
            yield Recording(
                id=inside.as_posix(),
                genre=inside.parts[0] if len(inside.parts) > 1 else "design",
                open=partial(PictureStream, 1 + self.options.augment, partial(variants, path, self.options)),
                fingerprint=f"{stat.st_size} {stat.st_mtime_ns} {said}",
            )


def variants(path: Path, options: PictureOptions) -> Greys:
    """A picture of a file, then its variants, [1 + augment, 128, 128] in 0..1.

    Raises:
        AudioError: it can't be read.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is judged here
            with Image.open(path) as opened:
                if opened.width * opened.height > _LARGEST:
                    raise AudioError(f"{opened.width} x {opened.height} pixels are more than {_LARGEST:,}")
                square = _square(opened)
    except AudioError:
        raise
    except Exception as error:  # decoders of pictures fail in many ways
        raise AudioError(f"it can't be read as a picture: {error}") from error
    generator = np.random.default_rng(options.seed)
    made = [square, *(_variant(square, options, generator) for _ in range(options.augment))]
    return np.stack([np.asarray(each, np.float32) / 255 for each in made])


def _square(opened):  # type: ignore[no-untyped-def]  # Pillow is imported where it is used
    """A picture upright, on white, grey, whole within 128 x 128, centred; the margins are white."""
    from PIL import Image, ImageOps

    upright = ImageOps.exif_transpose(opened).convert("RGBA")
    white = Image.new("RGBA", upright.size, "white")
    grey = Image.alpha_composite(white, upright).convert("L")
    return ImageOps.pad(grey, (SIZE, SIZE), Image.Resampling.LANCZOS, color=255)


def _variant(square, options: PictureOptions, generator: np.random.Generator):  # type: ignore[no-untyped-def]
    """A picture zoomed about its centre, shifted, and mirrored or not; what comes in at the edges is white."""
    from PIL import Image, ImageOps

    zoom = float(np.exp(generator.uniform(np.log(options.zoom_from), np.log(options.zoom_to))))
    across, up = generator.uniform(-options.shift, options.shift, 2) * SIZE
    flip = options.mirror and generator.random() < 0.5
    centre = SIZE / 2
    matrix = (1 / zoom, 0, centre - (centre + across) / zoom, 0, 1 / zoom, centre - (centre + up) / zoom)
    moved = (ImageOps.mirror(square) if flip else square).transform(
        (SIZE, SIZE), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC, fillcolor=255
    )
    return moved
