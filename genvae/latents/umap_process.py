"""Run as a process: UMAP of the latents in one file, its points in another.

python -m genvae.latents.umap_process LATENTS.npy POINTS.npy SEED

On stdout it tells how many of its epochs are done, as `12/200`, with a carriage return before each.
"""

from __future__ import annotations

import sys
import warnings

import numpy as np


def main() -> None:
    """Lay the latents [N, latent_dim] out on a plane, [N, 2] float32 about the origin.

    McInnes, Healy & Melville, UMAP, 2018. It begins from the principal plane, not from the graph's spectrum, which is
    slow to find for many clips and sometimes not found. More neighbours and more room between points than by default
    keep it of one piece, so that most of the plane is somewhere to go.
    """
    from umap import UMAP

    latents_path, points_path, seed = sys.argv[1], sys.argv[2], int(sys.argv[3])
    latents = np.load(latents_path, allow_pickle=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a seed means one thread is what is wanted
        points = UMAP(
            n_neighbors=30,
            min_dist=0.5,
            init="pca",
            random_state=seed,
            n_jobs=1,
            tqdm_kwds={"disable": False, "file": sys.stdout, "bar_format": "{n}/{total}"},
        ).fit_transform(latents)
    np.save(points_path, (points - points.mean(axis=0)).astype(np.float32), allow_pickle=False)


if __name__ == "__main__":
    main()
