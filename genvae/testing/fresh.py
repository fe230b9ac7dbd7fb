"""New processes for checks: each starts with nothing of the plugin imported.

One process imports the engine once and forks a child for each call, so that a check doesn't wait for torch every time.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from genvae.plugin.guard import one_line
from genvae.testing.failure import CheckFailure

PATIENCE = 120
"""Seconds that a call may take."""


def call(
    function: str,
    arguments: Mapping[str, Any],
    *,
    paths: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Any:
    """Call `module:function` in a new process with plain arguments, and return what it returns, which must be plain.

    Args:
        paths: put before the path on which modules are found.
        environment: variables for the new process.

    Raises:
        CheckFailure: the function raised one, or anything else, or the process died.
    """
    with tempfile.TemporaryDirectory(prefix="genvae-check-") as folder:
        result = Path(folder) / "result.json"
        request = {
            "function": function,
            "arguments": dict(arguments),
            "paths": [*paths, *filter(None, sys.path)],
            "environment": dict(environment or {}),
            "result": str(result),
        }
        server = _server()
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        status = server.stdout.readline().strip()
        if not hasattr(os, "fork"):
            _server.cache_clear()  # it served this one call itself
        if not result.is_file():
            raise CheckFailure("a new process to end well", f"it died, with status {status or 'unknown'}")
        answer = json.loads(result.read_text())
    if "failure" in answer:
        raise CheckFailure(*answer["failure"])
    if "error" in answer:
        raise CheckFailure("no error in a new process", answer["error"])
    return answer["value"]


@cache
def _server() -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GENVAE_")}
    server = subprocess.Popen(
        [sys.executable, "-m", "genvae.testing.fresh"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    atexit.register(server.kill)
    return server


def _serve() -> None:
    import genvae.synthesis.synthesizer  # noqa: F401  # what takes long to import, and belongs to no plugin

    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a plugin prints is not an answer
    for line in sys.stdin:
        request = json.loads(line)
        if not hasattr(os, "fork"):
            _answer(request)
            status = 0
        elif child := os.fork():
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        else:
            signal.alarm(PATIENCE)
            _answer(request)
            os._exit(0)
        print(status, file=answers, flush=True)


def _answer(request: Mapping[str, Any]) -> None:
    os.environ.update(request["environment"])
    sys.path[:] = dict.fromkeys([*request["paths"], *sys.path])
    module, _, name = request["function"].partition(":")
    try:
        answer = {"value": getattr(importlib.import_module(module), name)(**request["arguments"])}
    except CheckFailure as failure:
        answer = {"failure": [failure.expected, failure.actual]}
    except BaseException as error:  # whatever it is, the parent must hear of it
        answer = {"error": one_line(error)}
    Path(request["result"]).write_text(json.dumps(answer))


if __name__ == "__main__":
    _serve()
