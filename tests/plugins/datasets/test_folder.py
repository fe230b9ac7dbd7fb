"""The folder dataset: whatever names and links people have."""

import os

import numpy as np
import pytest
import soundfile

from genvae.errors import AudioError, GenvaeError
from genvae_plugins.datasets.folder import Folder


def put(path, seconds=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.full(round(8000 * seconds), 0.25), 8000, format="WAV")
    return path


def listed(root):
    return {r.id: r for r in Folder(None, root).recordings()}


def test_the_first_folder_is_the_genre_and_the_order_is_that_of_the_names(tmp_path):
    for name in ("rock/b.wav", "rock/a/z.WAV", "piano/10.flac", "piano/9.Mp3", "rock/a b 🎵.ogg"):
        put(tmp_path / name)
    (tmp_path / "rock" / "cover.jpg").write_text("x")
    (tmp_path / "rock" / ".hidden.wav").write_text("x")
    put(tmp_path / ".trash" / "x.wav")
    (tmp_path / "README.txt").write_text("x")
    found = listed(tmp_path)
    assert list(found) == ["piano/10.flac", "piano/9.Mp3", "rock/a b 🎵.ogg", "rock/a/z.WAV", "rock/b.wav"]
    assert [r.genre for r in found.values()] == ["piano", "piano", "rock", "rock", "rock"]
    assert list(listed(tmp_path)) == list(found)


def test_names_that_are_not_utf8_survive(tmp_path):
    plain = put(tmp_path / "plain.wav")
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    plain.rename(folder / os.fsdecode(b"\xff \xf0\x9f\x98\x80.wav"))
    (recording,) = listed(tmp_path).values()
    assert os.fsencode(recording.id) == b"caf\xe9/\xff \xf0\x9f\x98\x80.wav"
    with recording.open() as stream:
        assert sum(map(len, stream.blocks(100))) == 800


def test_links_are_followed_and_cycles_end(tmp_path):
    root, away = tmp_path / "music", tmp_path / "away"
    put(root / "rock" / "own.wav")
    put(away / "deep" / "far.wav")
    (root / "rock" / "there").symlink_to(away)
    (root / "rock" / "deep").mkdir()
    (root / "rock" / "deep" / "up").symlink_to(root / "rock")
    (away / "round").symlink_to(away)
    (root / "rock" / "file.wav").symlink_to(away / "deep" / "far.wav")
    (root / "linked").symlink_to(away)
    assert list(listed(root)) == [
        "linked/deep/far.wav",
        "rock/file.wav",
        "rock/own.wav",
        "rock/there/deep/far.wav",
    ]


def test_what_needs_ffmpeg_and_what_lies_outside_the_genres_is_named_when_opened(tmp_path):
    put(tmp_path / "rock" / "good.wav")
    (tmp_path / "rock" / "film.M4A").write_text("x")
    put(tmp_path / "loose.wav")
    found = listed(tmp_path)
    with pytest.raises(AudioError, match="--dataset pydub"):
        found["rock/film.M4A"].open()
    with pytest.raises(AudioError, match="ROOT/GENRE"):
        found["loose.wav"].open()


def test_a_fingerprint_changes_with_the_file(tmp_path):
    path = put(tmp_path / "rock" / "a.wav")
    before = listed(tmp_path)["rock/a.wav"].fingerprint
    assert listed(tmp_path)["rock/a.wav"].fingerprint == before
    put(path, seconds=0.2)
    assert listed(tmp_path)["rock/a.wav"].fingerprint != before


def test_a_source_that_can_not_be_used_is_told_in_words(tmp_path):
    with pytest.raises(GenvaeError, match="does not exist"):
        listed(tmp_path / "none")
    file = put(tmp_path / "rock" / "a.wav")
    with pytest.raises(GenvaeError, match="is a file"):
        listed(file)
    with pytest.raises(GenvaeError, match="Name the folder above"):
        listed(tmp_path / "rock")
