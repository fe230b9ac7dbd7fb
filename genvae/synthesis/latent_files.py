"""Latents in .npy files, float32 [clips, latent_dim]: what `genvae encode` writes and other tools make."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from genvae.errors import GenvaeError
from genvae.files import write_whole

MOST = 100_000  # latents in a file


def read_latents(path: Path, latent_dim: int) -> Tensor:
    """The latents of a file that may come from anywhere, [clips, latent_dim]; a single one may have one axis.

    Raises:
        GenvaeError: it can't be read, holds something else, or latents of another run.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that are odd, or claim more than there is
            held = np.lib.format.open_memmap(path, mode="r")  # mapped: what it says it holds costs nothing yet
    except OSError as error:
        raise GenvaeError(f"{path} can't be read: {error.strerror or 'it is no .npy file'}.") from error
    except Exception as error:  # numpy parses the header as Python, and a forged one makes that fail in many ways
        raise GenvaeError(f"{path} can't be read: it is no .npy file of numbers.") from error
    if held.dtype.kind not in "fiu":
        raise GenvaeError(f"{path} holds no array of real numbers: latents are float32 [clips, {latent_dim}].")
    if held.ndim not in (1, 2) or held.shape[-1] != latent_dim or held.size == 0:
        raise GenvaeError(
            f"{path} holds numbers of shape {list(held.shape)}; this run's latents are [clips, {latent_dim}]."
        )
    if len(held) > MOST and held.ndim == 2:
        raise GenvaeError(f"{path} holds {len(held)} latents, more than {MOST}: take a part of them.")
    latents = np.array(held, dtype=np.float32).reshape(-1, latent_dim)
    if not np.isfinite(latents).all():
        raise GenvaeError(f"{path} holds numbers that are not finite.")
    return torch.from_numpy(latents)


def npy(latents: Tensor) -> bytes:
    """Latents [clips, latent_dim] as the bytes of a .npy file."""
    target = io.BytesIO()
    np.save(target, latents.numpy().astype("<f4"), allow_pickle=False)
    return target.getvalue()


def write_latents(path: Path, latents: Tensor) -> None:
    """Write latents [clips, latent_dim] as a .npy file, whole."""
    write_whole(path, npy(latents))
