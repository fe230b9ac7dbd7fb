"""Executors by name: `local:4` is processes on this machine, `dask://HOST:PORT` a Dask cluster."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import Any

import genvae
from genvae.errors import ClusterError, MissingError, OptionError
from genvae.progress import Listener, Message

_LOCAL = re.compile(r"local:(\d{1,4})")
_DASK = re.compile(r"dask://([^/\s:]+|\[[0-9a-fA-F:]+\]):(\d{1,5})")


@contextmanager
def executor_named(name: str, listener: Listener) -> Iterator[tuple[Executor | None, int | None]]:
    """Yield the executor of a name, None for processes of our own, and how many of those.

    Args:
        name: `local:N` or `dask://HOST:PORT`.
        listener: is told if nobody is there to work yet.

    Raises:
        OptionError: it is no such name.
        MissingError: the extra for it is not installed.
        ClusterError: there is no scheduler, or its workers have another genvae.
    """
    if (local := _LOCAL.fullmatch(name)) and int(local[1]):
        yield None, int(local[1])
    elif dask := _DASK.fullmatch(name):
        with _dask(f"tcp://{dask[1]}:{dask[2]}", name, listener) as executor:
            yield executor, None
    else:
        raise OptionError(f"`executor` takes local:N or dask://HOST:PORT, not {name!r}.")


@contextmanager
def _dask(address: str, name: str, listener: Listener) -> Iterator[Executor]:
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingError(
            "A Dask cluster needs distributed. Install it with: pip install 'genvae[cluster]'"
        ) from error
    with _unlogged():
        try:
            connect: Any = Client  # which has no types
            client = connect(address, set_as_default=False, name="genvae")
        except (OSError, TimeoutError, ValueError) as error:
            raise ClusterError(f"There is no Dask scheduler at {name}. Start one with: dask scheduler") from error
        try:
            _require_same_version(client, name, listener)
            yield client.get_executor(pure=False)  # or a task that failed might be answered from memory
        finally:
            with suppress(Exception):  # the scheduler may have gone
                client.close(timeout=2)


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep Dask from logging a lost scheduler with tracebacks; it is told in our words."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client", "tornado.application")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _require_same_version(client: Any, name: str, listener: Listener) -> None:
    """Shards of one store are made by one genvae."""
    workers = client.get_versions(packages=["genvae"])["workers"]
    for worker, found in sorted(workers.items()):
        version = found["packages"].get("genvae")
        if version != genvae.__version__:
            has = "no genvae" if version is None else f"genvae {version}"
            raise ClusterError(f"The Dask worker {worker} has {has}, expected {genvae.__version__}. Install it there.")
    if not workers:
        listener(Message(f"The scheduler {name} has no workers yet. Start some with: dask worker {name[7:]}"))
