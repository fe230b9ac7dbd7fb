"""What a plugin prints goes to stderr, whatever other threads print meanwhile."""

from __future__ import annotations

import sys
import threading

import pytest

from genvae.errors import PluginError
from genvae.plugin.guard import guarded, stdout_for_data


def test_only_the_thread_that_runs_a_plugin_is_kept_from_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout
    inside, done = threading.Event(), threading.Event()

    def plugin() -> None:
        with stdout_for_data(), stdout_for_data():
            print("noise")
            inside.set()
            done.wait(30)
            print("more noise")

    thread = threading.Thread(target=plugin)
    thread.start()
    inside.wait(30)
    print("data")
    with stdout_for_data():
        print("other noise", flush=True)
    print("more data")
    done.set()
    thread.join()
    said = capsys.readouterr()
    assert said.out == "data\nmore data\n"
    assert said.err == "noise\nother noise\nmore noise\n"
    assert sys.stdout is before


def test_a_block_that_raises_gives_stdout_back_and_names_the_line_of_the_package() -> None:
    before = sys.stdout
    with (
        pytest.raises(
            PluginError, match=r"It failed: ZeroDivisionError: division by zero \(.*test_guard.py, line \d+\)"
        ),
        guarded("It failed", __name__),
    ):
        1 / 0  # noqa: B018
    assert sys.stdout is before
