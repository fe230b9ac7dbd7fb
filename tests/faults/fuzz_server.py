"""Asks a server what schemathesis thinks up from its own description, with all of its checks.

    pip install schemathesis
    python tests/faults/fuzz_server.py --count 10000

A server of a small run, a store and a file of votes is started as a user would. Its description is that of any run;
here it is narrowed by what /api/info says of this one (genres, maps, attributes, latents of so many numbers), so that
most of what is asked for can be answered, and what fits the description must be. Where only the server knows whether it
can (a trial or an upload that it remembers, bytes that are a sound file), a 400 counts as an answer. The first round
goes through what stands in the description one by one (2,900 requests), all rounds draw at random. Exits with 1 if a
check fails, if the server answers 5xx other than its 503, says anything, or is not at rest in the end.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import serving

EACH = 100  # requests of an operation in a round
# Of this Python, wherever its scripts lie. It compares as floats, to which 2**63 - 1 and the numbers that are left out
# here are the same, and takes a seed that is too large for one that is not.
PROGRAM = """
import re
import schemathesis
from schemathesis.cli import schemathesis as main

@schemathesis.hook
def filter_case(context, case):
    numbers = re.findall("[0-9]{19}", str((case.body, case.query)))
    return not any(2**63 <= int(number) < 2**63 + 1024 for number in numbers)

main()
"""
REFUSED = {  # 400 where the description can't say what will do
    "/api/reconstruct": "bytes that are no sound file, and uploads that are no longer remembered",
    "/api/place": "bytes that are no sound file",
    "/api/listen/sound/{trial}/{slot}": "trials that are no longer remembered",
    "/api/listen/vote": "trials that are no longer remembered",
    "/api/listen/trial": "sources that are too few or too many for the question",
}
SETTINGS = """
continue-on-failure = true
request-timeout = 120.0
suppress-health-check = ["all"]

[generation]
no-shrink = true
exclude-header-characters = "\\u0000"
"""


def narrowed(described: dict[str, Any], server: serving.Asked) -> dict[str, Any]:
    """The server's description, which leaves open what only a run can say, with what this run has."""
    info, heard = server.json("/api/info"), server.json("/api/lesson/sound?genre=rock&seed=1")
    maps, genres = info["maps"], info["genres"]
    known: dict[str, dict[str, Any]] = {
        "genre": {"enum": genres},
        "run": {"enum": [each["digest"] for each in info["runs"]]},
        "vocoder": {"enum": [each["name"] for each in info["vocoders"]]},
        "map": {"enum": [each["method"] for each in maps]},
        "method": {"enum": [each["method"] for each in maps]},
        "quality": {"enum": [each["name"] for each in maps[0]["qualities"]]},
        "stage": {"enum": heard["stages"]},
        "guidance": {"enum": heard["guidance"]},
        "latent": {"minItems": info["latent_dim"], "maxItems": info["latent_dim"]},
        "mix": {"propertyNames": {"enum": genres}},
    }
    shifts = {"prefixItems": [{"type": "number"}] * info["directions"], "items": {"const": 0}}
    sources = {"items": {"enum": server.json("/api/listen")["sources"]}}
    attributes: dict[str, dict[str, Any]] = {
        each["name"]: {"enum": each["words"]}
        if each["words"]
        else {"type": "number", "minimum": each["least"], "maximum": each["most"]}
        for each in info["attributes"]
    }
    typed = [f"{each['name']}={(each['words'] or [each['mean']])[0]}" for each in info["attributes"]]

    def narrow(name: str, schema: dict[str, Any]) -> None:
        options = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
        if not options:
            return
        if name == "shifts" and options[0]["type"] == "array":
            options[0].update(shifts)
        elif name == "attributes" and options[0]["type"] == "array":
            options[0]["items"] = {"enum": typed}
        elif name == "attributes":
            options[0].update(properties=attributes, additionalProperties=False)
        elif name in known:
            options[0].update(known[name])
        elif name == "sources":
            schema.update(sources)

    components = described["components"]["schemas"]
    asked = {name: each for name, each in components.items() if name == "Source" or name.endswith("Request")}
    for holder in _objects([asked, described["paths"]]):
        for name, schema in holder.get("properties", {}).items() if isinstance(holder.get("properties"), dict) else ():
            narrow(name, schema)
        for parameter in holder.get("parameters", ()) if isinstance(holder.get("parameters"), list) else ():
            narrow(parameter["name"], parameter["schema"])
    if not heard["guidance"]:  # of a model that knows none
        del described["paths"]["/api/lesson/guided"]
    return described


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _objects(each)


def settings(described: dict[str, Any]) -> str:
    """Schemathesis's own settings."""
    told = [SETTINGS]
    for path in REFUSED.keys() & described["paths"].keys():
        told.append(f'[[operations]]\ninclude-path = "{path}"\n')
        told.append('checks.positive_data_acceptance.expected-statuses = ["2xx", 400]\n')
    told.append('[checks]\nnot_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", 503]\n')
    return "\n".join([told[0], told[-1], *told[1:-1]])


def fuzz(
    server: serving.Asked, folder: Path, number: int, each: int, phases: str
) -> tuple[Counter[tuple[str, int]], str]:
    """One round: how often an operation was answered with a status, and what schemathesis complains of."""
    report = folder / "report.ndjson"
    report.unlink(missing_ok=True)
    done = subprocess.run(
        [
            *(sys.executable, "-c", PROGRAM, "--config-file", folder / "settings.toml", "--no-color"),
            *("run", folder / "openapi.json", "--url", server.url, "--seed", str(number)),
            *("--max-examples", str(each), "--phases", phases),
            *("--report", "ndjson", "--report-ndjson-path", report),
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    counts: Counter[tuple[str, int]] = Counter()
    for line in report.read_text(encoding="utf-8").splitlines() if report.exists() else ():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for interaction in recorder.get("interactions", {}).values():
            answer = interaction.get("response") or {}
            counts[recorder["label"], int(answer.get("status_code", 0))] += 1
    return counts, "" if done.returncode == 0 else done.stdout + done.stderr


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="requests, and as many more as end a round")
    parser.add_argument("--each", type=int, default=EACH, help="of an operation in a round")
    parser.add_argument("--seed", type=int, default=1, help="of the first round")
    parser.add_argument("--random", action="store_true", help="leave out what goes through the description one by one")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no round after this time")
    chosen = parser.parse_args()
    counts: Counter[tuple[str, int]] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run, store = serving.make(folder)
        with serving.started(run, "--store", str(store), "--votes", str(folder / "votes.csv")) as server:
            described = narrowed(server.json("/api/openapi.json"), server)
            (folder / "openapi.json").write_text(json.dumps(described), encoding="utf-8")
            (folder / "settings.toml").write_text(settings(described), encoding="utf-8")
            began, number = time.monotonic(), chosen.seed
            while counts.total() < chosen.count and time.monotonic() - began < chosen.seconds:
                first = number == chosen.seed and not chosen.random
                phases = "coverage,fuzzing" if first else "fuzzing"
                got, complaint = fuzz(server, folder, number, chosen.each, phases)
                counts += got
                if complaint:
                    faults.append(f"round {number}: {complaint}")
                if not got:
                    break
                number += 1
            health = server.json("/api/health")
            if (health["status"], health["pending"]) != ("ok", 0):
                faults.append(f"in the end it is not at rest: {health}")
        if server.said:
            faults.append(f"it said: {server.said[-3000:]}")
    statuses = sorted({status for _, status in counts})
    print(f"| operation | {' | '.join(map(str, statuses))} |\n|---|{'---|' * len(statuses)}")
    for label in sorted({label for label, _ in counts}):
        print(f"| {label} | {' | '.join(str(counts[label, status]) for status in statuses)} |")
    broken = sum(count for (_, status), count in counts.items() if status == 0 or (status >= 500 and status != 503))
    if broken:
        faults.append(f"{broken} answers were 5xx other than 503, or none")
    print(f"{counts.total()} requests in {number - chosen.seed} rounds, {len(faults)} faults")
    print(*faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
