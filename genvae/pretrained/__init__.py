"""The run that comes with genvae, so that sound is one command away, offline."""

from __future__ import annotations

from pathlib import Path

from genvae.errors import RunError


def default_run() -> Path:
    """The folder of the embedded run.

    Raises:
        RunError: this installation has none.
    """
    path = Path(__file__).parent / "default"
    if not (path / "pipeline.json").is_file():
        raise RunError(
            "This installation of genvae has no embedded run. Train one (genvae prepare, then genvae train) "
            "and name it with --run RUN, or install genvae again."
        )
    return path
