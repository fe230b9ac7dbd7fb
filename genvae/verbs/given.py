"""What several verbs are given: a run or a store, open or named, and names."""

from __future__ import annotations

import os
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from genvae.errors import RunError
from genvae.pretrained import PRETRAINED, RUN_VARIABLE, pretrained_run

if TYPE_CHECKING:
    from genvae.clips.store import ClipStore
    from genvae.run import Run


def open_run(run: Run | Path | str | None = None) -> Run:
    """Open a run without loading its weights.

    Args:
        run: the folder, or the file that `pack` wrote; None for the one that the environment variable GENVAE_RUN
            names, else for the run that comes with genvae, which is also called `pretrained`. A run is passed on.

    Raises:
        RunError: there is none, or its description is damaged.
    """
    from genvae.run import Run

    if isinstance(run, Run):
        return run
    run = run or os.environ.get(RUN_VARIABLE) or None
    if run is None or (str(run) == PRETRAINED and not Path(run).exists()):
        return Run(pretrained_run())
    if not Path(run).exists() and get_close_matches(str(run), [PRETRAINED, "embedded", "default"], cutoff=0.8):
        raise RunError(f"There is no run {str(run)!r}. The one that comes with genvae is called {PRETRAINED!r}.")
    if Path(run).is_file():
        from genvae.packing import unpack

        return unpack(Path(run))
    return Run(Path(run))


def open_store(store: ClipStore | Path | str) -> ClipStore:
    """Open a clip store; one that is open is passed on.

    Raises:
        StoreError: there is none, or it is unfinished or damaged.
    """
    from genvae.clips.store import ClipStore

    return store if isinstance(store, ClipStore) else ClipStore.open(store)


def names_of(names: Iterable[str] | None) -> list[str] | None:
    """Names of attributes; one alone may be given as a text."""
    return None if names is None else [names] if isinstance(names, str) else list(names)
