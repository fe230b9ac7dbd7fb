"""A second map for a run, as UMAP takes long to make one."""

from __future__ import annotations

from genvae.latents import LatentMap
from genvae.latents.map import read
from genvae.run import Run
from genvae.tensor_files import save_tensors


def add_second_map(run: Run) -> None:
    """Give a run that has a PCA map another under UMAP's name: the plane of the third and fourth components."""
    held = read(run)
    assert held is not None
    found = LatentMap.load(run, "pca")
    points = ((found.latents.double() - held["mean"]) @ held["axes"][2:4].T).float()
    save_tensors(run.map_path, {**held, "umap.points": points, "umap.reach": held["pca.reach"]})
