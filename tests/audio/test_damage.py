"""Damage costs what is damaged and no more, and is told with its seconds."""

import io

import mutate
import numpy as np
import pytest
import soundfile

from genvae.audio import decode
from genvae.audio.decode import SoundfileStream
from genvae.audio.mono import MonoStream
from genvae.audio.read import read_mono
from genvae.errors import AudioError

RATE = 32000


def noise(seconds: float = 6.0, channels: int = 1) -> np.ndarray:
    return np.random.default_rng(3).uniform(-0.4, 0.4, (round(seconds * RATE), channels))


def written(wave: np.ndarray, rate: int = RATE, **form: str) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave, rate, **form)
    return file.getvalue()


def read(path, content: bytes, frames: int = 5000):
    path.write_bytes(content)
    with SoundfileStream(path) as stream:
        sound = np.concatenate([*stream.blocks(frames), np.zeros((0, stream.channels), np.float32)])
        return sound, stream.damage


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("suffix", "form"), [("flac", "FLAC"), ("ogg", "OGG"), ("opus", "OGG")])
def test_around_flipped_bits_every_sample_is_that_of_the_whole_file(tmp_path, suffix, form, seed):
    subtype = {"flac": "PCM_16", "ogg": "VORBIS", "opus": "OPUS"}[suffix]
    rate = 48000 if suffix == "opus" else RATE
    content = bytearray(written(noise(20 if suffix == "opus" else 6, 2), rate, format=form, subtype=subtype))
    whole, none = read(tmp_path / f"whole.{suffix}", bytes(content))
    assert not none
    rng = np.random.default_rng(seed)
    for place in rng.integers(len(content) // 4, len(content), 3):  # behind the headers
        content[place] ^= 1 << int(rng.integers(8))
    sound, damage = read(tmp_path / f"damaged.{suffix}", bytes(content), frames=int(rng.integers(100, 20000)))
    good = np.ones(len(whole), bool)
    for each in damage:
        assert each.start < each.end
        good[each.start : each.end] = False
        if suffix != "opus":  # whose decoder looks back over more than a packet
            assert not sound[each.start : each.end].any()
    assert 1 <= len(damage) <= 3
    last = len(sound)
    assert last == len(whole) or not good[last - 1] or last > 0.6 * len(whole)  # the last page may be the damaged one
    tolerance = 0 if suffix != "opus" else 0.2
    if suffix == "opus":
        for each in damage:
            good[each.end : each.end + rate // 2] = False  # it converges
    np.testing.assert_allclose(sound[good[:last]], whole[:last][good[:last]], atol=tolerance)
    most = {"flac": 4096 / RATE, "ogg": 3.0, "opus": 3.0}[suffix] * rate
    assert all(each.end - each.start <= 3 * most for each in damage)


def test_only_the_clips_that_damage_touches_are_left_out(tmp_path):
    from genvae.clips.chop import Chopper

    content = bytearray(written(noise(10), format="FLAC", subtype="PCM_16"))
    content[len(content) // 2] ^= 4
    (tmp_path / "x.flac").write_bytes(content)
    with SoundfileStream(tmp_path / "x.flac") as stream:
        chopper = Chopper(stream, sample_rate=RATE, clip_samples=RATE // 10)
        finite = np.concatenate([clips.finite for clips in chopper])
        [damage] = stream.damage
    bad = np.flatnonzero(~finite)
    assert bad.tolist() == list(range(damage.start * 10 // RATE, (damage.end - 1) * 10 // RATE + 1))
    assert chopper.mono.shortfall().startswith(f"sound is missing from {damage.start / RATE:.3f} to")


def test_frames_that_are_lost_from_an_mp3_cost_their_own_time(tmp_path):
    content = written(noise(20), format="MP3", subtype="MPEG_LAYER_III")
    half = len(content) // 2
    whole, _ = read(tmp_path / "whole.mp3", content)
    sound, [damage] = read(tmp_path / "x.mp3", content[:half] + bytes(4000) + content[half + 4000 :])
    assert abs(damage.start / RATE - 10) < 0.5
    lost = 20 * 4000 / len(content)
    assert abs((len(whole) - len(sound)) / RATE - lost) < 0.15
    np.testing.assert_allclose(sound[: damage.start - 3000], whole[: damage.start - 3000], atol=0.02)
    piece, around = whole[15 * RATE : 16 * RATE, 0], sound[14 * RATE :, 0]
    lag = np.argmax(np.correlate(around, piece))
    np.testing.assert_allclose(around[lag : lag + RATE], piece, atol=0.02)


@pytest.mark.parametrize("side", [-1.0, -0.9])
def test_channels_that_cancel_in_mono_are_noticed_and_one_is_taken(tmp_path, side):
    wave = noise()[:, :1] * np.array([1.0, side])
    (tmp_path / "x.wav").write_bytes(written(wave, format="WAV", subtype="FLOAT"))
    sound = read_mono(tmp_path / "x.wav")
    np.testing.assert_allclose(sound.wave, wave[:, 0], atol=1 / 32768)
    assert "channel 1 was taken alone" in sound.remarks[0]


def test_channels_that_differ_are_averaged_without_a_remark(tmp_path):
    wave = noise(channels=2)
    (tmp_path / "x.wav").write_bytes(written(wave, format="WAV", subtype="FLOAT"))
    sound = read_mono(tmp_path / "x.wav")
    np.testing.assert_allclose(sound.wave, wave.mean(axis=1), atol=1 / 32768)
    assert not sound.remarks


def test_a_part_of_a_damaged_file_tells_of_the_damage_in_it_alone(tmp_path):
    content = bytearray(written(noise(10), format="FLAC", subtype="PCM_16"))
    content[len(content) // 2] ^= 4
    path = tmp_path / "x.flac"
    whole, [damage] = read(path, bytes(content))
    for start, end, hit in ((0.5, 2.0, False), (4.0, 6.0, True), (7.0, 9.0, False)):
        with SoundfileStream(path, start=start, end=end) as stream:
            part = np.concatenate(list(stream.blocks(3000)))
            said = [(each.start, each.end) for each in stream.damage]
        np.testing.assert_array_equal(part, whole[round(start * RATE) : round(end * RATE)])
        first = round(start * RATE)
        assert said == ([(damage.start - first, damage.end - first)] if hit else [])


def test_joined_to_flac_files_none_of_whose_frames_can_be_read_others_are_read_and_the_loss_is_told(tmp_path):
    whole = written(noise(channels=2), format="FLAC", subtype="PCM_16")
    place = whole.index(b"\xff\xf8")  # of the first frame; what is read for metadata now ends four bytes too late
    lost = whole[: place - 2] + whole[place + 2 :]
    alone, _ = read(tmp_path / "whole.flac", whole)
    sound, damage = read(tmp_path / "joined.flac", lost + whole + lost + lost + whole)
    np.testing.assert_array_equal(sound, np.concatenate([alone, alone]))
    assert [(each.start, each.end) for each in damage] == [(0, 0), (len(alone), len(alone))]
    with pytest.raises(AudioError, match="it stops before the end that its header tells"):
        read(tmp_path / "lost.flac", lost)


def test_under_a_header_that_fits_none_of_many_frames_few_are_tried(tmp_path, monkeypatch):
    tried = []
    opened = decode._open
    monkeypatch.setattr(decode, "_open", lambda *each: tried.append(each) or opened(*each))
    whole = written(noise(96.0, channels=2), format="FLAC", subtype="PCM_16")
    place = whole.index(b"\xff\xf8")
    with pytest.raises(AudioError, match="can't be decoded"):
        read(tmp_path / "lost.flac", whole[: place - 2] + whole[place + 2 :] + whole[place : place + 1])
    sound, damage = read(tmp_path / "joined.flac", whole[: place - 2] + whole[place + 2 :] + whole)
    assert len(sound) == 96 * RATE
    assert len(damage) == 1
    assert len(tried) < 150  # of some 1,500 frames


def test_a_file_full_of_beginnings_of_flac_files_ends(tmp_path):
    whole = written(noise(1.0), format="FLAC", subtype="PCM_16")
    beginning = whole[: whole.index(b"\xff\xf8")]
    with pytest.raises(AudioError, match="more than 1,000 FLAC files are joined"):
        read(tmp_path / "full.flac", whole + 3000 * beginning)


def test_a_stream_of_a_plugin_that_knows_no_damage_is_read(tmp_path):
    class Plain:
        sample_rate, channels, frames = 8000, 1, 800

        def blocks(self, frames):
            yield np.full((800, 1), 0.25, np.float32)

    mono = MonoStream(Plain())
    assert sum(map(len, mono)) == 800
    assert (mono.shortfall(), mono.remarks()) == ("", [])


def test_damaged_files_of_every_format_are_kept_partial_or_skipped_with_a_reason():
    found = mutate.try_all(180, workers=2)
    assert found.faults == []
    assert {suffix for suffix, _ in found.states} >= set(mutate.FORMATS)
    assert {state for _, state in found.states} == {"kept", "partial", "skipped"}


@pytest.mark.slow
def test_two_thousand_damaged_files_are_kept_partial_or_skipped_with_a_reason():
    found = mutate.try_all(2000, first=1000, workers=2)
    assert found.faults == []
    assert sum(found.states.values()) == 2000
