"""What a run tells of its training and its evaluation may be anything, and is served or left out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.web.app import create_app
from genvae.web.engine import Engine


def about(run: Run) -> dict[str, Any]:
    client = TestClient(create_app([Engine(run, installed())]), base_url="http://localhost")
    answer = client.get("/api/about")
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize(
    "line",
    [
        "[" * 10**5,
        "[7]",
        '{"kind": "train", "step": Infinity, "loss": 1}',
        '{"kind": "train", "step": 1, "loss": 1%s}' % ("0" * 400),
    ],
)
def test_a_log_that_can_not_be_read_is_left_out(tiny_run: Run, line: str) -> None:
    good = {"kind": "train", "step": 1, "loss": 0.5}
    tiny_run.metrics_path.write_text(f"{json.dumps(good)}\n")
    assert about(tiny_run)["curves"] == {"loss": {"train": [[1, 0.5]]}}
    tiny_run.metrics_path.write_text(f"{json.dumps(good)}\n{line}\n")
    assert about(tiny_run)["curves"] == {}


def row(rank: str, value: str) -> str:
    return f'{{"rows": [{{"name": "a", "rank": {rank}, "members": {{"ear": {{"frechet": {{"value": {value}}}}}}}}}]}}'


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (row("1", "2"), [{"name": "a", "rank": 1.0, "members": {"ear": {"frechet": 2.0}}}]),
        (row("1", "NaN"), [{"name": "a", "rank": 1.0, "members": {"ear": {}}}]),
        (row("Infinity", "2"), []),
        (row("1" + "0" * 400, "2"), []),
        ('{"rows": ' + "[" * 10**5, []),
        ('{"rows": {"a": 1}}', []),
    ],
)
def test_numbers_of_an_evaluation_that_are_none_are_left_out(tiny_run: Run, content: str, told: object) -> None:
    (tiny_run.path / "evaluation.json").write_text(content)
    assert about(tiny_run)["evaluation"] == told


@pytest.mark.parametrize(
    ("options", "told"),
    [({"batch_size": 16, "no_more": 1}, ("16", "250")), ({"batch_size": [7]}, ("[7]", "250")), ([7], ()), (None, ())],
)
def test_options_of_a_training_are_told_as_far_as_they_are_any(
    tiny_run: Run, options: object, told: tuple[str, ...]
) -> None:
    path = tiny_run.path / "pipeline.json"
    content = json.loads(path.read_text())
    content["training"] |= {"options": options}
    path.write_text(json.dumps(content))
    values = {each["name"]: each["value"] for each in about(Run(tiny_run.path))["options"]}
    assert tuple(values[name] for name in ("train.batch_size", "train.validate_every") if name in values) == told
    assert "train.no_more" not in values
