"""A trained run of `design-vae`, as a maker of pictures."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Clip, Synthesizer
from genvae_designs import scores
from genvae_designs.bottles import SIZE, draw, random_factors
from genvae_designs.items import RATE, to_grey, to_samples

Greys = NDArray[np.float32]

_PLANE = 2.0  # from the middle of the grid to its edge, in latents
_UNSEEN = 2**40  # seed of bottles to measure with, which no store is likely to hold


class Studio:
    """Makes and measures pictures of a run.

    Raises:
        GenvaeError: the run makes no pictures, is unfinished or damaged.
    """

    def __init__(self, path: Path) -> None:
        self._run = Run(path)
        if self._run.config.sample_rate != RATE or self._run.config.clip_samples != RATE:
            raise GenvaeError(f"{path} makes no pictures of {SIZE} x {SIZE}. Train one with --model design-vae.")
        self._synthesizer = Synthesizer(self._run, installed())
        self.latent_dim = len(self._synthesizer.latent(self._synthesizer.genres[0], seed=0))

    def genre(self, name: str | None) -> str:
        """The kind of that name, or the first; the synthesizer refuses others."""
        return self._synthesizer.genres[0] if name is None else name

    def generate(self, genre: str, seed: int, index: int, temperature: float = 1.0) -> tuple[Greys, str]:
        """A new design [128, 128], and what made it, as JSON."""
        clip = self._synthesizer.generate(genre, seed=seed, index=index, temperature=temperature)
        return _picture(clip), json.dumps(clip.provenance.to_json())

    def decode(self, z: NDArray[Any], genre: str) -> Greys:
        """Latents [N, latent_dim] -> designs [N, 128, 128]."""
        rows = torch.as_tensor(z, dtype=torch.float32)
        return np.stack([_picture(self._synthesizer.decode(row, genre)) for row in rows])

    def encode(self, pictures: Greys, genre: str) -> NDArray[np.float64]:
        """Designs [N, 128, 128] -> the means of their posteriors [N, latent_dim]."""
        waves = torch.from_numpy(to_samples(pictures.reshape(len(pictures), -1)))
        return torch.cat([self._synthesizer.encode(wave, genre)[0] for wave in waves]).double().numpy()

    def grid(self, genre: str, across: int, up: int, cells: int) -> Greys:
        """The decoder over a plane of two latents from -2 to 2, [cells * 128, cells * 128]; the others are 0."""
        steps = np.linspace(-_PLANE, _PLANE, cells)
        z = np.zeros((cells, cells, self.latent_dim))
        z[..., across], z[..., up] = steps[None, :], -steps[:, None]
        made = self.decode(z.reshape(-1, self.latent_dim), genre).reshape(cells, cells, SIZE, SIZE)
        return made.transpose(0, 2, 1, 3).reshape(cells * SIZE, cells * SIZE)

    def way(self, genre: str, start: int, end: int, steps: int) -> Greys:
        """The designs between those of two seeds, [steps, 128, 128]."""
        ends = [self._synthesizer.latent(genre, seed=seed).numpy() for seed in (start, end)]
        share = np.linspace(0, 1, steps)[:, None]
        return self.decode((1 - share) * ends[0] + share * ends[1], genre)

    def scores(self, store: ClipStore, count: int) -> dict[str, Any]:
        """All scores of a run that was trained on bottles; see `scores`."""
        genre = self.genre(None)
        factors = random_factors(count, _UNSEEN)
        unseen = draw(factors)
        latents = self.encode(unseen, genre)
        numbers = store.select(split="train")
        training = to_grey(store.waves(numbers)).reshape(-1, SIZE, SIZE)
        generated = np.stack([self.generate(genre, 0, index)[0] for index in range(count)])
        return {
            "recovered": scores.recovered(latents, factors),
            "explained": scores.named_directions(latents, factors)[1],
            "reconstruction": scores.reconstruction(unseen, self.decode(latents, genre)),
            **scores.distances(generated, training, unseen),
        }

    def png(self, picture: Greys, made_by: str = "") -> bytes:
        """A picture [rows, columns] as a PNG file."""
        buffer, info = io.BytesIO(), PngInfo()
        if made_by:
            info.add_text("genvae", made_by)
        _image(picture).save(buffer, "PNG", pnginfo=info)
        return buffer.getvalue()

    def png_strip(self, pictures: Greys) -> bytes:
        """Pictures [N, 128, 128] side by side."""
        return self.png(np.concatenate(list(pictures), axis=1))

    def gif(self, pictures: Greys) -> bytes:
        """Pictures [N, 128, 128] one after the other, there and back, without end."""
        frames = [_image(each) for each in (*pictures, *pictures[-2:0:-1])]
        buffer = io.BytesIO()
        frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=80, loop=0)
        return buffer.getvalue()


def _picture(clip: Clip) -> Greys:
    grey: Greys = to_grey(clip.wave).clamp(0, 1).reshape(SIZE, SIZE).numpy()
    return grey


def _image(picture: Greys) -> Image.Image:
    return Image.fromarray(np.rint(255 * picture).astype(np.uint8))
