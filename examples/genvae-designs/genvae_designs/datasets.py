"""The datasets `bottles` (drawn) and `pictures` (a folder of one's own, with variants of each picture)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genvae import Dataset, Recording
from genvae.errors import GenvaeError
from genvae_designs import BottleOptions, PictureOptions
from genvae_designs.bottles import SIZE, draw, random_factors
from genvae_designs.items import square_of

_SHEET = 64  # designs in a recording of bottles
_VERSION = 1  # part of the fingerprints; raise it when the same source comes to give other pictures
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")

Greys = NDArray[np.float32]


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
                open=partial(_drawn, start, size, seed),
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
                open=partial(variants, path, self.options),
                fingerprint=f"{stat.st_size} {stat.st_mtime_ns} {said}",
            )


def variants(path: Path, options: PictureOptions) -> Greys:
    """A picture of a file, then its variants, [1 + augment, 128, 128] in 0..1.

    Raises:
        ItemError: it can't be read.
    """
    square = square_of(path)
    generator = np.random.default_rng(options.seed)
    made = [square, *(_variant(square, options, generator) for _ in range(options.augment))]
    return np.stack([np.asarray(each, np.float32) / 255 for each in made])


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
