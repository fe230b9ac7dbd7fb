"""Embedders and metrics of plugins in an evaluation: each number under its name, and ranks that know none of them."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import genvae
from genvae.metrics.embedder import default_embedder
from genvae.metrics.evaluation import REAL, Evaluation
from genvae.metrics.plugins import Metrics, embedders
from genvae.metrics.report import as_json, tables
from genvae.plugin.registry import forget_file, installed, use_file
from genvae.progress import Message, Progress
from genvae_plugins.metrics import DuplicatesOptions
from genvae_plugins.metrics.duplicates import Duplicates

OWN = """
import numpy as np
import genvae
class Loud(genvae.Embedder):
    name = "aa-loud 1 (00000001)"
    sample_rate = 4000
    def embed(self, waves):
        EMBED
        return np.log10(np.square(waves.reshape(len(waves), 10, -1)).mean(axis=2) + 1e-9)
class Count(genvae.Metric):
    unit, better = "clips", "alike"
    def measure(self, clips, real, *, sample_rate):
        assert sample_rate == 4000
        MEASURE
        return float(len(clips)) + len(real) / 1000
@genvae.hookimpl
def genvae_embedders():
    yield genvae.EmbedderPlugin(name="aa-loud", summary="S.", factory="own_ears:Loud")
@genvae.hookimpl
def genvae_metrics():
    yield genvae.MetricPlugin(name="count", summary="S.", factory="own_ears:Count")
"""


@pytest.fixture(params=[("pass", "pass")])
def own(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    file = tmp_path / "own_ears.py"
    embed, measure = request.param
    file.write_text(textwrap.dedent(OWN).replace("EMBED", embed).replace("MEASURE", measure))
    use_file(file)
    yield file
    forget_file(file)


def evaluation(store: Path, run: Path, said: list[str] | None = None) -> Evaluation:
    """Of a run that was trained for a step; `said` gets what it warns of."""
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

    def hear(event: Progress | Message) -> None:
        if said is not None and isinstance(event, Message):
            assert event.warning
            said.append(event.text)

    return Evaluation(made, installed(), genvae.ClipStore.open(store), clips=4, listener=hear)


def test_genvaes_own_come_through_the_hook_first_and_last(own: Path) -> None:
    tried = np.random.default_rng(0).normal(0, 0.1, (2, 8000)).astype(np.float32)
    names = [embedder.name.split()[0] for embedder in embedders(installed(), tried, 4000)]
    assert names == ["genvae-statistics", "musicnn", "aa-loud", "genvae-embedder"]
    assert set(Metrics(installed()).used) == {"count", "duplicates"}


def test_what_is_installed_is_shown_and_leaves_the_ranks_alone(tone_store: Path, tmp_path: Path, own: Path) -> None:
    measured = evaluation(tone_store, tmp_path / "run")
    rows = [measured.row(name) for name in (REAL, "white noise")]
    told = as_json(measured, rows)
    assert told["members"][2] == "aa-loud 1 (00000001)"
    assert set(told["rows"][0]["members"]) == set(told["members"])
    assert [pair["members"] for pair in told["agreement"]] == [[told["members"][0], told["members"][-1]]]
    unseen = len(measured.judge.held_out["low"])
    assert told["rows"][0]["metrics"]["count"] == unseen // 2 + (unseen - unseen // 2) / 1000
    assert told["rows"][1]["metrics"]["count"] == measured.judge.clips + (unseen - unseen // 2) / 1000
    shown = {table.title.splitlines()[0]: table for table in tables(measured, rows)}
    [title] = [title for title in shown if title.startswith("Metrics that are installed")]
    assert shown[title].heads == ["clips", "count clips, alike", "duplicates, lower"]
    [compared] = [table for name, table in shown.items() if name.startswith("Compared with")]
    assert {"musicnn distance", "aa-loud distance"} <= set(compared.heads)


FAULTS = {
    "raises": ('raise LookupError("no weights")', 'raise LookupError("no weights")'),
    "gives nothing": ("return None", "return None"),
    "gives no number": ("return np.full((len(waves), 2), np.nan)", 'return float("nan")'),
}


@pytest.mark.parametrize("own", FAULTS.values(), ids=FAULTS, indirect=True)
def test_one_that_fails_is_left_out_with_its_name_and_place_and_harms_nobody(
    tone_store: Path, tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    measured = evaluation(tone_store, tmp_path / "run", said)
    rows = [measured.row(name) for name in (REAL, "white noise")]
    told = as_json(measured, rows)
    assert [name.split()[0] for name in told["members"]][:: len(told["members"]) - 1] == [
        "genvae-statistics",
        "genvae-embedder",
    ]
    assert tables(measured, rows)
    json.dumps(told, allow_nan=False)
    [embedder, metric] = said
    assert "aa-loud" in embedder
    assert re.match(r"The metric 'count' of own_ears.py failed: ", metric)
    assert all(text.endswith(" says so beforehand.") for text in said)
    assert set(told["rows"][0]["metrics"]) == {"duplicates"}
    monkeypatch.setenv("GENVAE_STRICT", "1")
    with pytest.raises((LookupError, TypeError, ValueError)):
        Evaluation(genvae.Run(tmp_path / "run"), installed(), genvae.ClipStore.open(tone_store), clips=4)


@pytest.mark.parametrize("own", [("waves[:] = 0", "clips[:] = 0")], indirect=True)
def test_what_one_does_to_the_clips_reaches_nobody_else(tone_store: Path, tmp_path: Path, own: Path) -> None:
    measured = evaluation(tone_store, tmp_path / "run")
    forget_file(own)
    without = Evaluation(genvae.Run(tmp_path / "run"), installed(), genvae.ClipStore.open(tone_store), clips=4)
    for name in (REAL, "white noise"):
        one, other = measured.row(name), without.row(name)
        assert all(one.rating[member] == other.rating[member] for member in other.rating)
        assert one.signal == other.signal
        assert one.metrics["duplicates"] == other.metrics["duplicates"]


def test_one_that_says_it_is_genvaes_is_left_out(tone_store: Path, tmp_path: Path, own: Path) -> None:
    name = default_embedder().name
    own.write_text(own.read_text().replace("aa-loud 1 (00000001)", name))
    forget_file(own)
    use_file(own)
    said: list[str] = []
    measured = evaluation(tone_store, tmp_path / "run", said)
    assert [member.name for member in measured.judge.members][-1] == name
    assert len(measured.judge.members) == 3
    assert f"has the name of another, {name!r}. It is left out" in said[0]


def test_duplicates_are_the_clips_that_sound_like_another() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, (6, 4000)).astype(np.float32)
    found = Duplicates(DuplicatesOptions())
    assert found.measure(noise, noise, sample_rate=8000) == 0
    noise[4] = 0.5 * noise[1]  # softer, and the same all the same
    assert found.measure(noise, noise, sample_rate=8000) == pytest.approx(2 / 6)
    assert found.measure(noise[:1], noise, sample_rate=8000) == 0
