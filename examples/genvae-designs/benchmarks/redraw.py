"""How long a design takes to be redrawn when a slider of the page moves: prints JSON, in milliseconds.

python benchmarks/redraw.py RUN

`processor` and `clock` are of the decoding alone, to the bytes of the PNG file, in this process, one thread. `request`
is what a client on this machine waits for `POST /api/designs` of a `genvae serve` of its own, by the clock; the page
adds the drawing.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import torch

from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.web.engine import Engine
from genvae.web.schema import Source

WARM, COUNTED = 30, 200


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """The median and the 95th percentile of what came after the warming up, in milliseconds."""
    median, most = np.quantile(seconds[WARM:], [0.5, 0.95])
    return {"median": round(1000 * float(median), 2), "p95": round(1000 * float(most), 2)}


def places(engine: Engine) -> list[dict[str, object]]:
    """A walk along the first slider, as the page asks for it."""
    points = engine.maps["pca"].points
    (left, bottom), (right, top) = points.amin(dim=0).tolist(), points.amax(dim=0).tolist()
    across, up = np.linspace(left, right, WARM + COUNTED), (bottom + top) / 2
    return [{"map": "pca", "point": [float(x), up], "genre": engine.genres[0], "shifts": []} for x in across]


def requests(run: Path, asked: Sequence[dict[str, object]]) -> list[float]:
    """Seconds of each request to a server of the run."""
    command = [sys.executable, "-m", "genvae", "serve", "--run", str(run), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        address = re.search(r"http://\S+", process.stderr.readline())
        assert address is not None
        connection = HTTPConnection(urlsplit(address[0]).netloc, timeout=60)
        waited = []
        for each in asked:
            began = time.perf_counter()
            body = json.dumps({"source": each})
            connection.request("POST", "/api/designs", body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            content = answer.read()
            waited.append(time.perf_counter() - began)
            assert answer.status == 200, content
        return waited
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def main() -> None:
    """Measure a run."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("run", type=Path)
    run = options.parse_args().run
    torch.set_num_threads(1)
    engine = Engine(Run(run), installed())
    asked = places(engine)
    processor, clock = [], []
    for each in asked:
        began, on = time.perf_counter(), time.process_time()
        engine.design(Source.model_validate(each))
        processor.append(time.process_time() - on)
        clock.append(time.perf_counter() - began)
    waited = requests(run, asked)
    measured = {"processor": processor, "clock": clock, "request": waited}
    print(json.dumps({name: quantiles(seconds) for name, seconds in measured.items()}))


if __name__ == "__main__":
    main()
