"""Makes a run's map from the latents of its training clips. The only place that needs umap and scikit-learn."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from genvae.errors import Cure, GenvaeError, RunError
from genvae.latents.heard import QUALITIES
from genvae.latents.map import LARGEST, METHODS, NEIGHBOURS, LatentMap, pack, read
from genvae.latents.pca import principal
from genvae.progress import Listener, Progress, ignore
from genvae.run import Run
from genvae.tensor_files import save_tensors

MOST = 100_000  # clips on a map
_GLANCE = 0.5  # seconds from one look at UMAP's process to the next

# UMAP makes another map of inputs that differ in their last bits, and those depend on how sums are shared out.
_ONE_THREAD = dict.fromkeys(("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def make_map(run: Run, method: str = "pca", *, seed: int = 0, listener: Listener = ignore) -> LatentMap:
    """Make a map of a run's training clips and keep it in the run; the same seed makes the same map.

    Of more than 100,000 clips, so many are chosen at random.

    Args:
        method: `pca` or `umap`.
        seed: of UMAP, and of the choice.
        listener: is told how far UMAP is.

    Raises:
        RunError: the run holds no latents, or damaged ones.
        GenvaeError: there is no such method, or umap failed.
    """
    if method not in METHODS:
        raise GenvaeError(f"There is no map method {method!r}. There are {' and '.join(METHODS)}.")
    latents, genre, clip, qualities = _latents(run)
    chosen = _chosen(len(latents), seed)
    latents = latents[chosen]
    components = principal(latents)
    held = pack(latents, genre[chosen], clip[chosen], components)
    held |= {name: each[chosen] for name, each in qualities.items()}
    before = _before(run, held)
    points = components.plane(latents) if method == "pca" else _umap(latents, seed, listener)
    held |= before | {f"{method}.points": points, f"{method}.reach": _reach(points)}
    save_tensors(run.map_path, held)
    return LatentMap.load(run, method)


def _latents(run: Run) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
    """The posterior means [N, latent_dim], genres [N] and numbers [N] of the training clips; and how they sound.

    Runs of earlier versions hold no qualities of their clips.
    """
    if not run.latents_path.exists():
        raise RunError(
            f"{run.path} holds no latents of its training clips ({run.latents_path.name}), so no map can be made of "
            "them.",
            cure=Cure.of("make_map", run=run.path, store="STORE"),
        )
    try:
        held = load_file(run.latents_path)
        latents, genre, clip = held["mean"].float(), held["genre"].long(), held["clip"].long()
        clips, dim = latents.shape
        if (genre.shape, clip.shape) != ((clips,), (clips,)) or dim < 2 or not clips:
            raise ValueError("its tensors do not fit each other")
        qualities = {name: held[name] for name in QUALITIES if name in held}
        if any(each.shape != (clips,) or not bool(each.isfinite().all()) for each in qualities.values()):
            raise ValueError("its qualities are of no use")
        if not bool((latents.abs() <= LARGEST).all()):
            raise ValueError("it has values that no latent has")
        if not 0 <= int(genre.min()) <= int(genre.max()) < len(run.config.genres):
            raise ValueError("it has genres that the run does not know")
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise RunError(f"{run.latents_path} is damaged: {error}.") from error
    return latents, genre, clip, qualities


def _chosen(count: int, seed: int) -> Tensor:
    """The places of those of so many clips that are on the map, ascending."""
    if count <= MOST:
        return torch.arange(count)
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))[:MOST].sort().values


def _before(run: Run, held: dict[str, Tensor]) -> dict[str, Tensor]:
    """The points that the run has by other methods, if they are of the same latents."""
    try:
        old = read(run)
    except RunError:
        return {}
    if old is None or not all(torch.equal(old[name], held[name]) for name in ("latent", "clip")):
        return {}
    return {name: tensor for name, tensor in old.items() if name not in held}


def _umap(latents: Tensor, seed: int, listener: Listener) -> Tensor:
    """UMAP's points [N, 2], computed by a process of its own: numba's threads and torch's don't get on in one.

    Raises:
        GenvaeError: with the last line that the process wrote.
    """
    if len(latents) < 2 * NEIGHBOURS:
        raise GenvaeError(
            f"UMAP needs {2 * NEIGHBOURS} clips or more, and the run has {len(latents)}. Take the `method` pca."
        )
    with tempfile.TemporaryDirectory() as folder:
        latents_path, points_path, told = (Path(folder, name) for name in ("latents.npy", "points.npy", "told"))
        np.save(latents_path, latents.numpy(), allow_pickle=False)
        command = [sys.executable, "-m", "genvae.latents.umap_process", str(latents_path), str(points_path), str(seed)]
        with tempfile.TemporaryFile("w+") as written, told.open("wb") as tells:
            with subprocess.Popen(command, env=os.environ | _ONE_THREAD, stdout=tells, stderr=written) as process:
                _wait(process, told, listener)
            written.seek(0)
            lines = written.read().strip().splitlines()
        if process.returncode:
            last = (lines or [f"it ended with status {process.returncode}"])[-1]
            raise GenvaeError(f"UMAP failed: {last}")
        return torch.from_numpy(np.load(points_path, allow_pickle=False))


def _wait(process: subprocess.Popen[bytes], told: Path, listener: Listener) -> None:
    """Until the process ends, telling every now and then how far it is.

    Nobody knows how long it looks for neighbours, of which the seconds are told; then there are epochs to be counted.
    """
    began = time.monotonic()
    try:
        while process.poll() is None:
            done, _, total = told.read_bytes().rpartition(b"\r")[2].strip().partition(b"/")
            if done.isdigit() and total.isdigit():
                listener(Progress("projecting by UMAP", int(done), int(total)))
            else:
                listener(Progress("finding neighbours for UMAP", time.monotonic() - began))
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GLANCE)
    except BaseException:  # Ctrl-C, or a listener that ends the work
        process.kill()
        raise


def _reach(points: Tensor) -> Tensor:
    """The distance to the eighth neighbour (itself not counted) within which 99 % of points [N, 2] have it."""
    from sklearn.neighbors import KDTree  # scikit-learn takes a second to import, which only fitting should pay

    distances, _ = KDTree(points.numpy()).query(points.numpy(), k=min(NEIGHBOURS + 1, len(points)))
    return torch.tensor(np.quantile(distances[:, -1], 0.99), dtype=torch.float32)
