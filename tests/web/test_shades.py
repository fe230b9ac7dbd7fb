"""How the clips of a map sound: what /api/info lists, and a byte for each clip."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from served import engine, mapped_run  # noqa: F401  # fixtures
from starlette.testclient import TestClient

from genvae.plugin.registry import installed
from genvae.tensor_files import save_tensors
from genvae.web.app import create_app
from genvae.web.engine import Engine
from genvae.web.shades import shades


def test_shades_go_with_the_value_and_none_is_none():
    values = torch.cat([torch.zeros(1), torch.linspace(5, 12, 1001)])
    found = list(shades(values))
    assert found[0] == 0
    assert found[1:] == sorted(found[1:])
    assert (found[1], found[-1]) == (1, 255)
    assert found[501] == pytest.approx(128, abs=1)
    assert set(shades(torch.zeros(5))) == {0}


def test_the_api_tells_what_a_map_can_be_coloured_by(mapped_run):
    held = load_file(mapped_run.map_path)
    clips = len(held["clip"])
    heard = {"loudness": torch.linspace(-60, -6, clips).half(), "pitch": torch.linspace(6, 9, clips).half()}
    save_tensors(mapped_run.map_path, {**held, **heard})
    try:
        measured = Engine(mapped_run, installed())
    finally:
        save_tensors(mapped_run.map_path, held)
    with TestClient(create_app([measured]), base_url="http://127.0.0.1:8000") as client:
        told = {each["name"]: each for each in client.get("/api/info").json()["maps"][0]["qualities"]}
        assert told["loudness"]["unit"] == "dB"
        assert told["loudness"]["low"] == pytest.approx(-59, abs=1)
        assert told["pitch"]["high"] == pytest.approx(2**9, rel=0.05)
        bytes_ = client.get("/api/map/pca/pitch").content
        assert len(bytes_) == clips
        assert list(bytes_) == sorted(bytes_)
        answer = client.get("/api/map/pca/brightness")
        assert answer.status_code == 400
        assert "loudness, pitch" in answer.json()["detail"]


def test_a_run_of_before_has_none(engine):
    assert all(each.heard == {} for each in engine.maps.values())
