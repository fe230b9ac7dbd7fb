"""Kinds of items: what sounds refuse, PNG files that say what made them, and that no file can have a class imported."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import make_run
from PIL import Image

from genvae import png
from genvae.clips.work import Settings
from genvae.errors import AudioError, ItemError, OptionError, PluginError, SpecMismatch
from genvae.items import Sounds, read_comment, suffix_of
from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin.declarations import SOUNDS
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.spec import FeatureSpec

PICTURE = np.arange(48, dtype=np.uint8).reshape(6, 8)


@pytest.mark.parametrize("picture", [PICTURE, np.stack([PICTURE] * 3, axis=-1)])
def test_a_png_file_holds_the_picture_and_its_texts(tmp_path: Path, picture: np.ndarray) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png.encode_png(picture, {"ICMT": '{"genvae": 1}', "ISFT": "genvae 9"}))
    with Image.open(path) as opened:
        assert np.array_equal(np.asarray(opened), picture)
        assert opened.info["Software"] == "genvae 9"
    assert read_comment(path) == '{"genvae": 1}'
    path.write_bytes(png.encode_png(picture))
    assert read_comment(path) == ""


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a nothing"])
def test_what_is_no_png_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ItemError, match=r"a\.png can't be read"):
        read_comment(tmp_path / "a.png")


def test_sounds_are_finite_samples_in_one_row() -> None:
    sounds = Sounds(8000, 100)
    assert sounds.check(np.zeros(7, np.float32)) is None
    assert "in one row" in str(sounds.check(np.zeros((2, 7), np.float32)))
    assert "not finite" in str(sounds.check(np.array([0, np.nan], np.float32)))
    picture = sounds.show(np.sin(np.arange(8000) / 5).astype(np.float32))
    assert picture.dtype == np.uint8
    assert picture.shape[2] in (3, 4)


def test_a_file_of_another_format_is_refused_with_those_that_there_are() -> None:
    assert suffix_of(Path("a.FLAC"), Sounds.suffixes) == ".flac"
    with pytest.raises(AudioError, match=r"sound files are \.wav, \.flac, \.ogg"):
        suffix_of(Path("a.png"), Sounds.suffixes)
    with pytest.raises(ItemError, match=r"picture files are \.png. Did you mean 'png'"):
        suffix_of(Path("a.pngg"), (".png",), "picture")


def test_a_spec_of_pictures_has_a_frame_a_column_and_no_rate() -> None:
    spec = FeatureSpec(kind="picture", bins=6, scale="linear")
    assert (spec.frames(8), spec.samples(8)) == (8, 8)
    assert (spec.sample_rate, spec.n_fft, spec.hop) == (0, 0, 0)


def test_settings_of_sounds_are_refused_of_other_items_and_not_told() -> None:
    settings = Settings(dataset="mine", items="mine:Kind")
    assert settings.to_json() == {"dataset": "mine", "validation": 0.1, "items": "mine:Kind"}
    assert "items" not in Settings().to_json()
    with pytest.raises(OptionError, match="`silence_db` is for sounds, and 'mine'"):
        Settings(dataset="mine", items="mine:Kind", silence_db=-40)


def test_a_run_of_items_that_no_plugin_declares_has_nothing_imported(tmp_path: Path) -> None:
    shutil.copytree(make_run(tmp_path / "sound").path, tmp_path / "run")
    path = tmp_path / "run" / "pipeline.json"
    described = json.loads(path.read_text())
    assert "items" not in described["pipeline"]
    described["pipeline"]["items"] = "antigravity:Kind"  # a module that opens a browser when it is imported
    path.write_text(json.dumps(described))
    with pytest.raises(PluginError, match="'antigravity:Kind', which no installed plugin knows"):
        Run(tmp_path / "run").load(installed())
    assert "antigravity" not in sys.modules


def test_a_transform_of_sounds_is_refused_where_items_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = installed()
    config = PipelineConfig.assemble(registry, sample_rate=8000, clip_samples=4000, genres=["a"])
    assert config.items == SOUNDS
    monkeypatch.setattr(registry, "require_items", lambda items: None)
    with pytest.raises(SpecMismatch, match=r"'stft' takes genvae.items:Sounds, but the items are mine:Kind"):
        Pipeline.build(replace(config, items="mine:Kind"), registry)
