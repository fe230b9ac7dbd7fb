"""Embedders and metrics of plugins in an evaluation: each number under its name, and ranks that know none of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import genvae
from genvae.errors import PluginError
from genvae.metrics.evaluation import REAL, Evaluation
from genvae.metrics.plugins import embedders, metrics
from genvae.metrics.report import as_json, tables
from genvae.plugin.registry import forget_file, installed, use_file
from genvae_plugins.metrics import DuplicatesOptions
from genvae_plugins.metrics.duplicates import Duplicates

OWN = """
import numpy as np
import genvae
class Loud(genvae.Embedder):
    name = "aa-loud 1 (00000001)"
    sample_rate = 4000
    def embed(self, waves):
        if FAILS: raise LookupError("no weights")
        return np.log10(np.square(waves.reshape(len(waves), 10, -1)).mean(axis=2) + 1e-9)
class Count(genvae.Metric):
    unit, better = "clips", "alike"
    def measure(self, clips, real, *, sample_rate):
        assert sample_rate == 4000
        return float(len(clips)) + len(real) / 1000
@genvae.hookimpl
def genvae_embedders():
    yield genvae.EmbedderPlugin(name="aa-loud", summary="S.", factory="own_ears:Loud")
@genvae.hookimpl
def genvae_metrics():
    yield genvae.MetricPlugin(name="count", summary="S.", factory="own_ears:Count")
"""


@pytest.fixture(params=[False])
def own(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    file = tmp_path / "own_ears.py"
    file.write_text(textwrap.dedent(OWN).replace("FAILS", str(request.param)))
    use_file(file)
    yield file
    forget_file(file)


def evaluation(store: Path, run: Path) -> Evaluation:
    options = {
        "transform.n_fft": 256,
        "transform.hop": 128,
        "model.width": 16,
        "model.neck": 4,
        "model.latent_dim": 4,
        "vocoder.iterations": 0,
        "train.callbacks": (),
    }
    made = genvae.train(store, run, steps=1, model="conv-vae", options=options, progress=False)
    return Evaluation(made, installed(), genvae.ClipStore.open(store), clips=4)


def test_genvaes_own_come_through_the_hook_first_and_last(own: Path) -> None:
    names = [embedder.name.split()[0] for embedder in embedders(installed())]
    assert names == ["genvae-statistics", "aa-loud", "genvae-embedder"]
    assert set(metrics(installed())) == {"count", "duplicates"}


def test_what_is_installed_is_shown_and_leaves_the_ranks_alone(tone_store: Path, tmp_path: Path, own: Path) -> None:
    measured = evaluation(tone_store, tmp_path / "run")
    rows = [measured.row(name) for name in (REAL, "white noise")]
    told = as_json(measured, rows)
    assert told["members"][1] == "aa-loud 1 (00000001)"
    assert set(told["rows"][0]["members"]) == set(told["members"])
    assert [pair["members"] for pair in told["agreement"]] == [[told["members"][0], told["members"][2]]]
    unseen = len(measured.judge.held_out["low"])
    assert told["rows"][0]["metrics"]["count"] == unseen // 2 + (unseen - unseen // 2) / 1000
    assert told["rows"][1]["metrics"]["count"] == measured.judge.clips + (unseen - unseen // 2) / 1000
    shown = {table.title.splitlines()[0]: table for table in tables(measured, rows)}
    [title] = [title for title in shown if title.startswith("Metrics that are installed")]
    assert shown[title].heads == ["clips", "count clips, alike", "duplicates, lower"]
    [compared] = [table for name, table in shown.items() if name.startswith("Compared with")]
    assert "aa-loud distance" in compared.heads


@pytest.mark.parametrize("own", [True], indirect=True)
def test_an_embedder_that_fails_is_one_line_with_its_name_and_place(
    tone_store: Path, tmp_path: Path, own: Path
) -> None:
    measured = evaluation(tone_store, tmp_path / "run")
    with pytest.raises(PluginError, match=r"embedder 'aa-loud 1 \(00000001\)' failed: LookupError: no weights"):
        measured.row("white noise")


def test_duplicates_are_the_clips_that_sound_like_another() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (6, 4000)).astype(np.float32)
    found = Duplicates(DuplicatesOptions())
    assert found.measure(noise, noise, sample_rate=8000) == 0
    noise[4] = 0.5 * noise[1]  # softer, and the same all the same
    assert found.measure(noise, noise, sample_rate=8000) == pytest.approx(2 / 6)
    assert found.measure(noise[:1], noise, sample_rate=8000) == 0
