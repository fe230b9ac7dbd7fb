"""Draws docs/pictures/genres.png: new clips of each genre, and their levels over frequency (median, 10 to 90 %).

python docs/pictures/genres.py [RUN]
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
import torch

from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

matplotlib.use("agg")
import matplotlib.pyplot as plt  # after the backend is chosen

COLUMNS, CLIPS, SEED = 4, 60, 1
COLOURS = ("#0072B2", "#D55E00", "#009E73")  # Okabe & Ito's, which colour-blind people can tell apart


def main() -> None:
    """Generate the clips and write the picture beside this file."""
    run = Path(sys.argv[1]) if len(sys.argv) > 1 else pretrained_run()
    synthesizer = Synthesizer(Run(run), installed())
    rate, genres = synthesizer.sample_rate, synthesizer.genres
    figure, axes = plt.subplots(
        len(genres), COLUMNS + 1, figsize=(11, 6.2), layout="constrained", width_ratios=[1] * COLUMNS + [1.5]
    )
    image = None
    for number, (row, genre) in enumerate(zip(axes, genres, strict=True)):
        waves = torch.stack([synthesizer.generate(genre, seed=SEED, index=i).wave for i in range(CLIPS)])
        spectra = torch.stft(waves, 1024, 256, window=torch.hann_window(1024), return_complex=True).abs() / 256
        level = 20 * torch.log10(spectra.clamp_min(1e-6)).numpy()  # dB of full scale, [CLIPS, bins, frames]
        for column, axis in enumerate(row[:COLUMNS]):
            image = axis.imshow(
                level[column],
                origin="lower",
                aspect="auto",
                extent=(0, 1, 0, rate / 2000),
                cmap="magma",
                vmin=-90,
                vmax=-10,
            )
            axis.set_ylim(0, 8)
            axis.set_title(f"{genre}-s{SEED}-{column:03d}", fontsize=9)
            axis.tick_params(labelsize=8, labelleft=column == 0, labelbottom=number == len(genres) - 1)
        row[0].set_ylabel(f"{genre}\nkHz", fontsize=10)
        hertz = np.linspace(0, rate / 2, level.shape[1])
        for other, colour in zip(genres, COLOURS, strict=False):
            if other == genre:
                low, middle, high = np.percentile(level.mean(axis=2), [10, 50, 90], axis=0)
                row[-1].fill_between(hertz[1:], low[1:], high[1:], color=colour, alpha=0.25, linewidth=0)
                row[-1].plot(hertz[1:], middle[1:], color=colour)
        row[-1].set(xscale="log", xlim=(40, rate / 2), ylim=(-100, -10))
        row[-1].set_title(f"mean level of {CLIPS} clips, dB", fontsize=9)
        row[-1].tick_params(labelsize=8)
        row[-1].grid(alpha=0.3)
    for axis in axes[-1, :COLUMNS]:
        axis.set_xlabel("s", fontsize=9)
    axes[-1, -1].set_xlabel("Hz", fontsize=9)
    assert image is not None
    figure.colorbar(image, ax=axes[:, :COLUMNS], label="dB of full scale", location="left", shrink=0.6, pad=0.01)
    figure.savefig(Path(__file__).parent / "genres.png", dpi=90)


if __name__ == "__main__":
    main()
