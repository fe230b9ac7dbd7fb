"""The run that comes with genvae, so that sound is one command away, offline."""

from __future__ import annotations

from pathlib import Path

from genvae.errors import RunError

PRETRAINED = "pretrained"
"""Its name, wherever a run's folder may stand."""

RUN_VARIABLE = "GENVAE_RUN"
"""The environment variable that may name another run to use by default."""


def pretrained_run() -> Path:
    """The folder of the pretrained run.

    Raises:
        RunError: this installation has none.
    """
    path = Path(__file__).parent / "default"
    if not (path / "pipeline.json").is_file():
        raise RunError(
            "This installation of genvae has no pretrained run. Install genvae again, or name a `run` of your own."
        )
    return path
