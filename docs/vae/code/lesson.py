"""Trains the VAE of vae.py with its switches set well and badly, and writes the pictures and numbers of docs/vae.

pip install examples/genvae-designs
python docs/vae/code/lesson.py            # eight trainings, some ten minutes on one core
python docs/vae/code/lesson.py two        # one of them, whose numbers it prints
python docs/vae/code/lesson.py --steps 60 --out somewhere    # everything in short, to see whether it works
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import numpy as np
import torch
from genvae_designs.bottles import draw, random_factors
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from sklearn.mixture import GaussianMixture
from torch import Tensor
from vae import VAE, train

HERE = Path(__file__).resolve().parent.parent
SIZE = 64
TRAINING, HELD_OUT = 2000, 500

MODELS = {
    "two": {"latents": 2},
    "collapsed": {"latents": 2, "beta": SIZE * SIZE},
    "free": {"latents": 2, "beta": SIZE * SIZE, "free_nats": 3.0},
    "sixteen": {"latents": 16},
    "autoencoder": {"latents": 16, "beta": 0.0},
    **{f"beta-{beta}": {"latents": 16, "beta": float(beta)} for beta in (4, 16, 64)},
}


def bottles(count: int, seed: int) -> Tensor:
    """Pictures [count, 64 * 64]: the designs of genvae-designs at half their size."""
    pictures = torch.from_numpy(draw(random_factors(count, seed)))
    return torch.nn.functional.avg_pool2d(pictures[:, None], 128 // SIZE).flatten(1)


def trained(name: str, pictures: Tensor, steps: int) -> tuple[VAE, float]:
    """One of MODELS, and the seconds of processor time that it took."""
    torch.manual_seed(0)
    model, begun = VAE(pictures, **MODELS[name]), time.process_time()
    train(model, pictures, steps)
    return model.eval(), time.process_time() - begun


@torch.no_grad()
def numbers(model: VAE, held_out: Tensor, factors: np.ndarray) -> dict[str, object]:
    """What the texts say of a model, on pictures that it has not seen."""
    torch.manual_seed(1)
    _, distortion, rates = model.loss(held_out)
    latents = model.encode(held_out)[0]
    decoded = model.decode(latents)
    entropy = torch.special.entr(held_out) + torch.special.entr(1 - held_out)
    r = np.corrcoef(latents.numpy().T, factors.T)[: latents.shape[1], latents.shape[1] :]
    return {
        "distortion": float(distortion),
        "excess": float(distortion - entropy.sum(dim=1).mean()),  # above the least that grey pictures allow
        "rate": float(rates.sum()),
        "rates": rates.tolist(),
        "rms_error": float((decoded - held_out).square().mean().sqrt()),
        "sharpness": float(steepness(decoded) / steepness(held_out)),
        "r": {"height": np.abs(r[:, 0]).max(), "width": np.abs(r[:, 1]).max()},
        "aggregate_mean": latents.mean(dim=0).tolist(),
        "aggregate_variance": latents.var(dim=0).tolist(),
    }


def steepness(pictures: Tensor) -> Tensor:
    """The mean absolute difference of neighbouring pixels, a number that blur makes smaller."""
    square = pictures.unflatten(1, (SIZE, SIZE))
    return square.diff(dim=1).abs().mean() + square.diff(dim=2).abs().mean()


def nearest(pictures: Tensor, real: Tensor) -> float:
    """The mean over pictures of the root-mean-square difference from the nearest of some real ones."""
    return float(torch.cdist(pictures, real).min(dim=1).values.mean() / SIZE)


def posterior_draws(model: VAE, pictures: Tensor) -> Tensor:
    """A draw from each picture's posterior, [N, latents]: together, draws from the aggregate posterior."""
    mean, log_variance = model.encode(pictures)
    return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


@torch.no_grad()
def samples(model: VAE, pictures: Tensor, held_out: Tensor, count: int) -> tuple[dict[str, Tensor], float]:
    """Designs from two priors, the standard normal and a mixture of Gaussians fitted to the aggregate posterior.

    Returns:
        the designs by prior, and the share of standard normal draws that lie in a hole: where the mixture is thinner
        than at 99 of 100 codes of held-out pictures.
    """
    torch.manual_seed(2)
    mixture = GaussianMixture(10, reg_covar=1e-4, random_state=0).fit(posterior_draws(model, pictures).double().numpy())
    standard = torch.randn(count, mixture.means_.shape[1])
    drawn = mixture.sample(count)[0][np.random.default_rng(0).permutation(count)]  # it samples part after part
    usual = np.quantile(mixture.score_samples(posterior_draws(model, held_out).double().numpy()), 0.01)
    holes = float((mixture.score_samples(standard.double().numpy()) < usual).mean())
    return {"standard": model.decode(standard), "fitted": model.decode(torch.from_numpy(drawn).float())}, holes


def sheet(pictures: Tensor, columns: int) -> np.ndarray:
    """Pictures [N, 4096] side by side, as one."""
    rows = len(pictures) // columns
    square = pictures[: rows * columns].reshape(rows, columns, SIZE, SIZE)
    return square.permute(0, 2, 1, 3).reshape(rows * SIZE, columns * SIZE).numpy()


def strips(path: Path, rows: dict[str, Tensor]) -> None:
    """A figure of one row of pictures a line, each with its label."""
    count = len(next(iter(rows.values())))
    figure, axes = plt.subplots(len(rows), figsize=(8, 8 / count * len(rows) + 0.35 * len(rows)), squeeze=False)
    for ax, (label, pictures) in zip(axes[:, 0], rows.items(), strict=True):
        ax.imshow(sheet(pictures, count), cmap="gray", vmin=0, vmax=1)
        ax.set_title(label, fontsize=9, loc="left", pad=3)
        ax.set_axis_off()
    save(figure, path)


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG on white, which can be read on any ground."""
    figure.savefig(path, dpi=110, bbox_inches="tight", facecolor="white")
    plt.close(figure)


@torch.no_grad()
def plane(path: Path, model: VAE, held_out: Tensor, factors: np.ndarray) -> None:
    """The plane of two latents: where held-out bottles lie, and what the decoder draws over all of it."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
    at = model.encode(held_out)[0].numpy()
    dots = left.scatter(*at.T, c=56 + 52 * factors[:, 0], s=9, cmap="viridis")
    figure.colorbar(dots, ax=left, label="true height in pixels")
    left.set(xlabel="latent 1", ylabel="latent 2", title="500 bottles that it has not seen", aspect="equal")
    steps = torch.linspace(-2, 2, 9)
    z = torch.cartesian_prod(-steps, steps).flip(1)  # rows from the top down
    right.imshow(sheet(model.decode(z), 9), cmap="gray", vmin=0, vmax=1, extent=(-2.25, 2.25, -2.25, 2.25))
    right.set(xlabel="latent 1", ylabel="latent 2", title="the decoder over the plane")
    save(figure, path)


@torch.no_grad()
def figures(
    folder: Path, models: dict[str, VAE], pictures: Tensor, held_out: Tensor, factors: np.ndarray
) -> dict[str, object]:
    """Draw all figures; returns what was measured on the way."""
    shown = held_out[:10]
    decoded = {name: model.decode(model.encode(shown)[0]) for name, model in models.items()}
    plane(folder / "plane.png", models["two"], held_out, factors)
    strips(
        folder / "collapse.png",
        {
            "held-out bottles": shown,
            "collapsed: the error averaged over pixels, not summed": decoded["collapsed"],
            "the same with 3 free nats a latent": decoded["free"],
            "the same summed": decoded["two"],
        },
    )
    strips(
        folder / "blur.png",
        {
            "held-out bottles": shown,
            "2 latents": decoded["two"],
            "16 latents": decoded["sixteen"],
        },
    )
    made, holes = {}, {}
    for name in ("autoencoder", "sixteen", "two"):
        made[name], holes[name] = samples(models[name], pictures, held_out, 500)
    strips(
        folder / "holes.png",
        {
            "β = 0, from the standard normal": made["autoencoder"]["standard"][:10],
            "β = 0, from a mixture fitted to its posteriors": made["autoencoder"]["fitted"][:10],
            "β = 1, from the standard normal": made["sixteen"]["standard"][:10],
            "β = 1, from a mixture fitted to its posteriors": made["sixteen"]["fitted"][:10],
        },
    )
    distances = {
        name: {prior: nearest(drawn, pictures) for prior, drawn in each.items()} for name, each in made.items()
    }
    distances["real"] = {"held out": nearest(held_out, pictures)}
    return {"nearest": distances, "holes": holes}


def rate_distortion(path: Path, table: dict[str, dict[str, float]]) -> None:
    """The curve of rate against distortion, from the models of 16 latents."""
    names = ["sixteen", "beta-4", "beta-16", "beta-64"]
    figure, ax = plt.subplots(figsize=(5.4, 3.6))
    ax.plot([table[n]["rate"] for n in names], [table[n]["excess"] for n in names], "o-", color="#0b6bcb")
    for name in names:
        beta = MODELS[name].get("beta", 1.0)
        ax.annotate(f"β = {beta:g}", (table[name]["rate"], table[name]["excess"]), (7, 5), textcoords="offset points")
    ax.set(xlabel="rate: KL in nats a picture", ylabel="distortion above its least, nats")
    ax.spines[["top", "right"]].set_visible(False)
    save(figure, path)


def main() -> None:
    """Train, measure, draw; with names, train only these and print their numbers."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("names", nargs="*", choices=[[], *MODELS], metavar="NAME", help=f"of {', '.join(MODELS)}")
    options.add_argument("--steps", type=int, default=1000, help="of each training")
    options.add_argument("--out", type=Path, default=HERE, help="folder of numbers.json and pictures/")
    chosen = options.parse_args()
    factors = random_factors(HELD_OUT, seed=1)
    pictures, held_out = bottles(TRAINING, seed=0), bottles(HELD_OUT, seed=1)
    models, table = {}, {}
    for name in chosen.names or MODELS:
        models[name], seconds = trained(name, pictures, chosen.steps)
        table[name] = {**numbers(models[name], held_out, factors), "cpu_seconds": seconds}
        print(name, json.dumps({k: v for k, v in table[name].items() if not isinstance(v, list)}), flush=True)
    if chosen.names:
        return
    folder = chosen.out / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    rate_distortion(folder / "rate-distortion.png", table)
    table.update(figures(folder, models, pictures, held_out, factors))
    (chosen.out / "numbers.json").write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
