"""`genvae prepare` as people type it."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from genvae.cli.prepare import prepare
from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError, OptionError, PluginError, StoreError


def corpus(root):
    for n in range(3):
        for genre in ("rock", "piano"):
            (root / genre).mkdir(parents=True, exist_ok=True)
            soundfile.write(root / genre / f"{n} 🎵.wav", np.random.default_rng(n).uniform(-0.5, 0.5, 20000), 8000)
    (root / "rock" / "broken.wav").write_text("x")
    return root


def run(*arguments):
    result = CliRunner().invoke(prepare, [*map(str, arguments), "--workers", "1"])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_it_makes_a_store_and_prints_a_table_that_names_what_was_skipped(tmp_path):
    result = run(corpus(tmp_path / "music"), "--out", tmp_path / "store", "--clip-ms", 500, "--sample-rate", 8000)
    assert result.exit_code == 0
    assert "music/rock/broken.wav: it is in no format that libsndfile knows" in " ".join(result.stdout.split())
    assert any(line.startswith("Prepared ") for line in result.stderr.splitlines())
    assert (
        len(result.stderr.splitlines()) == 2
    )  # the share held out, and the end; no progress bar where there is no terminal
    store = ClipStore.open(tmp_path / "store")
    assert (len(store), store.clip_samples, store.sample_rate) == (30, 4000, 8000)
    assert (
        "Nothing to do"
        in run(tmp_path / "music", "--out", tmp_path / "store", "--clip-ms", 500, "--sample-rate", 8000).stderr
    )


def test_json_is_the_report(tmp_path):
    result = run(corpus(tmp_path / "music"), "--out", tmp_path / "store", "--json")
    assert json.loads(result.stdout) == json.loads((tmp_path / "store" / "report.json").read_text())


def test_nothing_kept_is_a_failure_that_still_reports(tmp_path):
    (tmp_path / "music" / "rock").mkdir(parents=True)
    (tmp_path / "music" / "rock" / "a.wav").write_text("x")
    result = CliRunner().invoke(prepare, [str(tmp_path / "music"), "--out", str(tmp_path / "store"), "--workers", "1"])
    assert isinstance(result.exception, GenvaeError)
    assert "rock/a.wav" in result.stdout


def test_options_of_the_dataset_are_set_and_mistakes_are_answered(tmp_path):
    out = tmp_path / "store"
    small = ["--set", "dataset.seconds=2", "--set", "dataset.recordings=2", "--set", "dataset.genres=piano,techno"]
    assert run("any", "--dataset", "synthetic", "--out", out, *small).exit_code == 0
    store = ClipStore.open(out)
    assert (store.genres, len(store.recordings)) == (("piano", "techno"), 4)
    with pytest.raises(OptionError, match="Did you mean 'seconds'"):
        run("any", "--dataset", "synthetic", "--out", out, "--set", "dataset.secnods=2")
    with pytest.raises(PluginError, match="Did you mean 'synthetic'"):
        run("any", "--dataset", "synthetc", "--out", out)
    with pytest.raises(StoreError, match="clip_ms 1000"):
        run("any", "--dataset", "synthetic", "--out", out, *small, "--clip-ms", 500)


def test_ctrl_c_ends_with_130_and_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("genvae.clips.prepare.run_tasks", interrupted)
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        result = run(corpus(tmp_path / "music"), "--out", tmp_path / "store")
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)  # the command leaves them ignored, as its process ends
    assert result.exit_code == 130
    assert "run the same command again" in result.stderr
    monkeypatch.undo()
    assert run(tmp_path / "music", "--out", tmp_path / "store").exit_code == 0


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
@pytest.mark.parametrize(("sent", "status"), [(["SIGINT"], 130), (["SIGINT", "SIGINT"], 130), (["SIGTERM"], 143)])
def test_stopped_it_ends_at_once_with_all_its_processes_and_a_word(tmp_path, sent, status):
    songs = ["--set", "dataset.recordings=4", "--set", "dataset.seconds=900", "--workers", "2"]
    command = [sys.executable, "-m", "genvae", "prepare", "x", "--dataset", "synthetic", "--out", tmp_path / "s"]
    process = subprocess.Popen(
        [*command, *songs],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    while len(list(tmp_path.glob("s/shards/.*.tmp"))) < 2 and process.poll() is None:
        time.sleep(0.01)
    for name in sent:
        os.killpg(process.pid, getattr(signal, name))  # as a terminal does
        time.sleep(0.02)
    said = process.communicate(timeout=60)[1]  # ends once nobody holds the pipe any more
    assert process.returncode == status
    assert said.strip() == "Interrupted. What is done stays; run the same command again to go on."
