"""A process that computes for a server: it holds the runs' engines, and does what it is sent, one thing at a time.

Through the connection come pickled calls, (digest, method, args, kwargs), and `GIVE_UP`; back goes one `Answer` for
each call, after a first one that says that the engines are there. It ends when the other end of the connection does.
"""

from __future__ import annotations

import pickle
import signal
import traceback
from collections.abc import Mapping
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Literal

from genvae.errors import GenvaeError

GIVE_UP = b""
"""What is sent when nobody waits any more for the call that is being answered."""

Outcome = Literal["value", "refused", "abandoned", "failed"]
Answer = tuple[Outcome, Any]
"""What a call gave: its value; why it was refused; None where it was given up; a traceback of what went wrong."""


def main(connection: Connection, runs: Mapping[str, tuple[Path, Path]]) -> None:
    """Load the engines, and answer calls until the connection is closed.

    Args:
        connection: to the server.
        runs: by digest, a run's folder, and the file of the weights that are shared.
    """
    with suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is the server's affair
    with suppress(EOFError, OSError):  # the server has ended
        try:
            engines = _engines(runs)
        except GenvaeError as error:
            _send(connection, ("refused", str(error)))
            return
        except Exception:
            _send(connection, ("failed", traceback.format_exc()))
            return
        _send(connection, ("value", None))
        while True:
            call = connection.recv_bytes()
            if call != GIVE_UP:
                _send(connection, _answer(engines, connection, call))


def _engines(runs: Mapping[str, tuple[Path, Path]]) -> dict[str, Any]:
    """The engines of the runs, by digest.

    Raises:
        GenvaeError: a run has changed since the server loaded it, or is damaged.
    """
    import torch

    from genvae.plugin.registry import installed
    from genvae.run import Run
    from genvae.web.engine import Engine

    torch.set_num_threads(1)  # the other cores have processes of their own
    engines = {}
    for digest, (path, weights) in runs.items():
        engine = Engine(Run(path), installed())
        if engine.digest != digest:
            raise GenvaeError(f"{path} has changed since the server was started: start it anew.")
        engine.use_shared(weights)
        engines[digest] = engine
    return engines


def _answer(engines: Mapping[str, Any], connection: Connection, call: bytes) -> Answer:
    from genvae.web.elsewhere import takes_check
    from genvae.web.worker import Abandoned

    def check(*_: object) -> None:
        if connection.poll():  # nothing else is sent before the answer
            connection.recv_bytes()
            raise Abandoned

    digest, name, args, kwargs = pickle.loads(call)
    method = getattr(engines[digest], name)
    try:
        return "value", method(*args, **kwargs, **({"check": check} if takes_check(method) else {}))
    except Abandoned:
        return "abandoned", None
    except GenvaeError as error:
        return "refused", str(error)
    except Exception:
        return "failed", traceback.format_exc()


def _send(connection: Connection, answer: Answer) -> None:
    connection.send_bytes(pickle.dumps(answer))
