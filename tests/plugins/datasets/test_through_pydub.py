"""The pydub dataset: folders of what libsndfile does not read."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
import soundfile

import genvae_plugins.datasets as declared
from genvae_plugins.datasets.through_pydub import ThroughPydub

needs_ffmpeg = pytest.mark.skipif(not (shutil.which("ffmpeg") and shutil.which("ffprobe")), reason="needs ffmpeg")


@needs_ffmpeg
def test_folders_are_genres_here_too(tmp_path):
    (tmp_path / "rock").mkdir()
    soundfile.write(tmp_path / "rock" / "b.wav", np.zeros(8000), 8000)
    convert = ["ffmpeg", "-v", "error", "-i", tmp_path / "rock" / "b.wav", "-c:a", "aac", tmp_path / "rock" / "a.m4a"]
    subprocess.run(convert, check=True)
    found = list(ThroughPydub(None, tmp_path).recordings())
    assert [(r.id, r.genre) for r in found] == [("rock/a.m4a", "rock"), ("rock/b.wav", "rock")]
    for recording in found:
        with recording.open() as stream:
            assert stream.sample_rate == 8000


def test_without_ffmpeg_its_row_says_what_to_install(monkeypatch):
    plugin = next(p for p in declared.genvae_datasets() if p.name == "pydub")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert "install ffmpeg" in plugin.unavailable()
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    assert plugin.unavailable() is None
    assert replace(plugin, unavailable=None).factory.endswith("through_pydub:ThroughPydub")
