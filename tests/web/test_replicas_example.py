"""The example of two replicas speaks of what the package has: files, commands, ports, addresses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from genvae.cli.serve import serve

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "replicas"
PORT = 8000


def containerfile() -> dict[str, list[str]]:
    """The lines of each instruction."""
    text = re.sub(r"\\\n", " ", (EXAMPLE / "Containerfile").read_text())
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            found.setdefault(name, []).append(rest)
    return found


def compose() -> dict[str, Any]:
    services: dict[str, Any] = yaml.safe_load((EXAMPLE / "compose.yaml").read_text())["services"]
    return services


def parsed(arguments: list[str]) -> dict[str, Any]:
    """What `genvae serve` makes of its arguments, without running; it raises for one that it doesn't have."""
    plain = [re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", each) for each in arguments]
    return serve.make_context("serve", plain).params


def test_the_image_is_built_of_files_that_are_there_and_hold_all_that_the_build_reads() -> None:
    copied = [each for line in containerfile()["COPY"] for each in line.split()[:-1]]
    assert all((ROOT / each).exists() for each in copied)
    declared = (ROOT / "pyproject.toml").read_text()
    for needed in re.findall(r'packages = \["(\w+)", "(\w+)/', declared)[0]:
        assert needed in copied
    assert re.search(r'readme = "(.*)"', declared)[1] in copied  # type: ignore[index]
    least = re.search(r'requires-python = ">=3\.(\d+)"', declared)
    python = re.fullmatch(r"python:3\.(\d+)-slim", containerfile()["FROM"][0])
    assert least
    assert python
    assert int(python[1]) >= int(least[1])
    bound = re.search(r'"torch>=[\d.]+,(<[\d.]+)"', declared)
    assert bound
    assert f"'torch{bound[1]}'" in " ".join(containerfile()["RUN"])


def test_what_the_image_and_each_replica_run_is_a_command_that_there_is() -> None:
    [start], [usual] = containerfile()["ENTRYPOINT"], containerfile()["CMD"]
    name, verb, *always = json.loads(start)
    assert (name, verb) == ("genvae", "serve")
    alone = parsed([*always, *json.loads(usual)])
    assert (alone["host"], alone["port"], alone["public"]) == ("0.0.0.0", PORT, True)
    for service in ("one", "two"):
        told = parsed([*always, *compose()[service]["command"]])
        assert (told["port"], told["workers"], told["public"]) == (PORT, 2, True)
        assert "localhost" in told["allowed"]


def test_ports_and_names_agree_from_the_balancer_to_the_replicas() -> None:
    services, nginx = compose(), (EXAMPLE / "nginx.conf").read_text()
    assert containerfile()["EXPOSE"] == [str(PORT)]
    assert re.findall(r"server (\w+):(\d+)", nginx) == [("one", str(PORT)), ("two", str(PORT))]
    assert f"listen {PORT};" in nginx
    assert services["balancer"]["ports"] == [f"{PORT}:{PORT}"]
    assert services["balancer"]["depends_on"].keys() == services.keys() - {"balancer"}
    for volume in services["balancer"]["volumes"]:
        assert (EXAMPLE / volume.split(":")[0]).is_file()
    build = services["one"]["build"]
    assert (EXAMPLE / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    assert build["args"].keys() == {each.partition("=")[0] for each in containerfile()["ARG"]}


def test_what_is_asked_and_kept_are_addresses_of_the_server() -> None:
    routes = "".join(path.read_text() for path in (ROOT / "genvae" / "web").rglob("*.py"))
    [check] = containerfile()["HEALTHCHECK"]
    program = json.loads(check[check.index("[") :])[2]
    compile(program, "HEALTHCHECK", "exec")
    asked = re.findall(rf"localhost:{PORT}/api(/[\w/]+)", program)
    kept = re.findall(r"location = /api(\S+);?", (EXAMPLE / "nginx.conf").read_text())
    assert (asked, kept) == (["/health"], ["/generate"])
    assert all(f'@api.get("{address}"' in routes for address in (*asked, *kept))
