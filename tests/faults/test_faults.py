"""The tools of this folder in a small size; docs/reliability.md has what they found in a large one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks, and reads /proc")

HERE = Path(__file__).parent


def run(tool: str, *words: object) -> None:
    command = [sys.executable, str(HERE / f"{tool}.py"), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.parametrize("command", ["prepare", "train", "generate", "map", "plot"])
def test_a_disk_that_fails_once_costs_nothing_and_is_told(command: str) -> None:
    run("failing_disk", "--only", command, "--sample", 4, "--first", 20)


@pytest.mark.slow
def test_an_export_that_the_disk_refuses_leaves_nothing() -> None:
    run("failing_disk", "--only", "export")


@pytest.mark.slow
def test_a_critic_that_the_disk_refuses_leaves_nothing() -> None:
    run("failing_disk", "--only", "evaluate", "--sample", 8, "--first", 20)


MOUNTS = shutil.which("unshare") and not subprocess.call(
    ["unshare", "--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
    stdout=subprocess.DEVNULL,
    stderr=subprocess.DEVNULL,
)


@pytest.mark.skipif(not MOUNTS, reason="the system lets nobody mount")
@pytest.mark.parametrize("command", ["prepare", "train", "generate", "map", "evaluate"])
def test_a_full_disk_costs_nothing_and_is_told(command: str) -> None:
    run("full_disk", "--only", command, "--sizes", 2)


def test_what_was_killed_and_is_run_again_ends_in_the_same_bytes() -> None:
    run("killed", "--first", 6, "--prepare", 3, "--train", 1)  # the gentle signals, and SIGKILL amid a checkpoint


@pytest.mark.slow
def test_what_was_killed_more_often_ends_in_the_same_bytes_as_well() -> None:
    run("killed", "--prepare", 20, "--train", 15)


def test_no_changed_run_or_store_gets_further_than_an_error_for_people() -> None:
    run("hostile", "--count", 12)


def test_one_seed_gives_the_same_bytes_in_every_way() -> None:
    run("determinism", "--pairs", 3, "--commands", 1)


def test_crowds_dawdlers_and_endless_bodies_cost_the_server_nothing() -> None:
    run("many_clients", "--clients", 8, "--seconds", 2, "--slow", 40, "--bodies", 2)
