"""Clocks that jump, as they do at a battery's end or when a network sets them: nothing depends on the time of day."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import forked
import numpy as np
import pytest
import soundfile
import torch

import genvae
from genvae.progress import Message
from genvae.run import Run
from genvae.training import trainer

YEARS = 10 * 365.25 * 86_400
OPTIONS = {
    "transform.n_fft": 256,
    "transform.hop": 128,
    "model.width": 16,
    "model.neck": 8,
    "model.latent_dim": 8,
    "train.batch_size": 16,
    "train.validate_every": 10**6,
    "train.precision": "32-true",
}


@pytest.fixture
def leap(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Make the clock on the wall leap ten years forward and back whenever somebody looks at it."""
    real, away = time.time, itertools.cycle((YEARS, 0.0, -YEARS))

    def begin() -> None:
        monkeypatch.setattr(time, "time", lambda: real() + next(away))
        monkeypatch.setattr(time, "time_ns", lambda: int(1e9 * time.time()))

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield begin
    torch.set_num_threads(before)


def results(run: Run) -> dict[str, bytes]:
    """What must not depend on when it was made; events and metrics tell of that."""
    held = forked.contents(run.path)
    return {name: content for name, content in held.items() if not name.startswith(("metrics", "tensorboard"))}


def test_a_store_is_the_same_whatever_the_clock_says(tmp_path: Path, leap: Callable[[], None]) -> None:
    for number in range(3):
        (tmp_path / "music" / "rock").mkdir(parents=True, exist_ok=True)
        wave = np.random.default_rng(number).uniform(-0.5, 0.5, 8000)
        soundfile.write(tmp_path / "music" / "rock" / f"{number}.wav", wave, 8000)
    made = []
    for name in ("calm", "leaping"):
        with ThreadPoolExecutor(1) as executor:
            shape = {"sample_rate": 8000, "clip_ms": 100, "executor": executor, "progress": False}
            genvae.prepare(tmp_path / "music", tmp_path / name, **shape)
        made.append(forked.contents(tmp_path / name))
        leap()
    assert made[0] == made[1]


def test_a_training_is_the_same_whatever_the_clock_says(
    tone_store: Path, tmp_path: Path, leap: Callable[[], None]
) -> None:
    calm = genvae.train(tone_store, tmp_path / "calm", steps=4, seed=3, model="conv-vae", options=OPTIONS)
    leap()
    leaping = genvae.train(tone_store, tmp_path / "leaping", steps=4, seed=3, model="conv-vae", options=OPTIONS)
    assert results(leaping) == results(calm)


def test_minutes_are_those_that_pass_and_not_those_that_the_clock_jumps(
    tone_store: Path, tmp_path: Path, leap: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    said, steps = list[str](), list[int]()

    def listen(event: object) -> None:
        if isinstance(event, Message):
            said.append(event.text)

    for name in ("calm", "leaping"):
        passing = itertools.count(1000.0, 1.0)  # a second whenever somebody looks
        clock = SimpleNamespace(monotonic=passing.__next__, time=time.time)
        monkeypatch.setattr(trainer, "time", clock)
        run = genvae.train(
            tone_store, tmp_path / name, minutes=0.2, seed=3, model="conv-vae", options=OPTIONS, progress=listen
        )
        lines = (run.path / "metrics.jsonl").read_text().splitlines()
        steps.append(max(json.loads(line)["step"] for line in lines))
        leap()
    assert steps[0] == steps[1] > 4
    ends = [text for text in said if text.startswith("Expected end")]
    assert [text.rpartition(", ")[2] for text in ends] == ["12 s from now."] * 2
