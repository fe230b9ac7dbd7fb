"""How clips sound, in numbers: tones and noises whose level, centre and pitch are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from genvae.clips.store import ClipStore
from genvae.latents import LatentMap
from genvae.latents.fit import make_map
from genvae.latents.heard import QUALITIES, measure
from genvae.run import Run
from genvae.tensor_files import save_tensors

RATE = 22050
TIMES = torch.arange(RATE) / RATE


def harmonics(hertz: float, gain: float = 0.1) -> torch.Tensor:
    return gain * sum(torch.sin(2 * np.pi * k * hertz * TIMES) / k for k in range(1, 6))


@pytest.mark.parametrize("hertz", [65.4, 110.0, 220.0, 440.0, 987.8])
def test_the_pitch_of_a_tone_with_harmonics_is_its_fundamental(hertz):
    [[_, _, pitch]] = measure(harmonics(hertz)[None], RATE).tolist()
    assert abs(12 * (pitch - np.log2(hertz))) < 0.5  # semitones


def test_noise_and_silence_have_no_pitch():
    noise = 0.1 * torch.randn(1, RATE, generator=torch.Generator().manual_seed(0))
    assert measure(torch.cat([noise, torch.zeros(1, RATE)]), RATE)[:, 2].tolist() == [0, 0]


def test_loudness_is_the_mean_power_in_decibels_and_brightness_the_centre_of_the_spectrum():
    tone = 0.5 * torch.sin(2 * np.pi * 1000 * TIMES)
    [[loud, bright, _], [soft, same, _]] = measure(torch.stack([tone, 0.05 * tone / 0.5]), RATE).tolist()
    assert loud == pytest.approx(10 * np.log10(0.125), abs=0.01)
    assert loud - soft == pytest.approx(20, abs=0.01)
    assert 2**bright == pytest.approx(1000, rel=0.01)
    assert same == pytest.approx(bright, abs=1e-4)


def test_a_clip_shorter_than_a_frame_is_measured_too():
    assert measure(torch.ones(2, 100), RATE).isfinite().all()


def test_training_keeps_how_clips_sound_in_the_map(trained, tone_store):
    run, store = Run(trained), ClipStore.open(tone_store)
    found = LatentMap.load(run, "pca")
    assert tuple(found.heard) == QUALITIES
    expected = measure(torch.from_numpy(store.waves(found.clip.numpy())), store.sample_rate)
    for name, values in zip(QUALITIES, expected.T, strict=True):
        assert torch.allclose(found.heard[name], values, atol=0.05, rtol=1e-3)
    genres = [run.config.genres[int(index)] for index in found.genre]
    bright = {
        genre: np.mean([float(b) for b, g in zip(found.heard["brightness"], genres, strict=True) if g == genre])
        for genre in ("high", "low")
    }
    assert bright["high"] > bright["low"] + 1


def test_a_run_without_measures_has_a_map_all_the_same(tiny_run):
    make_map(tiny_run)
    assert LatentMap.load(tiny_run, "pca").heard == {}
    held = load_file(tiny_run.latents_path)
    save_tensors(tiny_run.latents_path, {**held, "loudness": torch.linspace(-40, -10, len(held["clip"])).half()})
    make_map(tiny_run)
    assert list(LatentMap.load(tiny_run, "pca").heard) == ["loudness"]
