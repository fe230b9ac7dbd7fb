"""A grid by genre: an original clip, its reconstruction, and new clips, as spectrograms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from genvae.plots import style
from genvae.plots.sound import Sound, draw_spectrogram, levels


def grid(rows: Mapping[str, Sequence[Sound]]) -> Figure:
    """Spectrograms of sounds, a genre a row, with a common scale of levels in each row.

    Args:
        rows: by genre, all of one length; their names stand above the columns' first.
    """
    columns = max(len(sounds) for sounds in rows.values())
    drawn = style.figure(0.8 + 1.35 * len(rows))
    axes = drawn.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
    for line, (genre, sounds) in zip(axes, rows.items(), strict=True):
        loudest = max(float(levels(sound.wave).max()) for sound in sounds)
        mesh = None
        for panel, sound in zip(line, sounds, strict=True):
            mesh = draw_spectrogram(panel, sound, scale="mel", loudest=loudest)
            panel.set_title(sound.name, fontsize=10)
        line[0].set_ylabel(f"{genre}\nHz", fontsize=10)
        assert mesh is not None
        drawn.colorbar(mesh, ax=list(line), label="dB", pad=0.01)
    for panel in axes[-1]:
        panel.set_xlabel("time in s")
    return drawn
