"""That it streams: what is out is final; and that rounds and a look-ahead are worth something."""

import math

import pytest
import torch
from genvae_rtisi import RtisiOptions
from genvae_rtisi.stream import Stream
from genvae_rtisi.vocoder import Rtisi

import genvae

SPEC = genvae.FeatureSpec(kind="magnitude", bins=257, sample_rate=8000, n_fft=512, hop=128, window="hann", scale="log")
WINDOW = torch.hann_window(512)


def sound(samples: int = 8000) -> torch.Tensor:
    time = torch.arange(samples) / 8000
    glide = torch.sin(2 * math.pi * (300 * time + 400 * time.square()))
    burst = torch.randn(samples, generator=torch.Generator().manual_seed(0)) * (-((time - 0.5) / 0.02).square()).exp()
    return (0.3 * glide + 0.2 * torch.sin(2 * math.pi * 700 * time) + 0.2 * burst)[None]


def magnitudes(wave: torch.Tensor) -> torch.Tensor:
    return torch.stft(wave, 512, 128, window=WINDOW, pad_mode="constant", return_complex=True).abs()


def convergence_db(**options: int) -> float:
    wave = sound()
    wanted = magnitudes(wave)
    made = Rtisi(RtisiOptions(**options), spec=SPEC)((wanted + 1e-6).log(), length=wave.shape[1])
    return 20 * math.log10(float((magnitudes(made) - wanted).norm() / wanted.norm()))


def stream(look_ahead: int) -> Stream:
    return Stream(window=WINDOW, hop=128, look_ahead=look_ahead, iterations=4, silent=256)


@pytest.mark.parametrize("look_ahead", [0, 1, 3])
def test_a_frame_comes_out_as_soon_as_its_look_ahead_is_there(look_ahead: int) -> None:
    frames = magnitudes(sound(2000)).unbind(2)
    one = stream(look_ahead)
    given = [one.push(frame).shape[1] for frame in frames]
    assert given == [0] * look_ahead + [128] * (len(frames) - look_ahead)
    assert sum(given) + one.finish().shape[1] == 512 + 128 * (len(frames) - 1)


@pytest.mark.parametrize("look_ahead", [0, 3])
def test_frames_to_come_change_nothing_before_their_look_ahead(look_ahead: int) -> None:
    vocoder = Rtisi(RtisiOptions(look_ahead=look_ahead, iterations=2), spec=SPEC)
    logs = (magnitudes(sound(4000)) + 1e-6).log()
    other = logs.clone()
    other[:, :, 20:] = other[:, :, 20:].flip(1)
    one, two = vocoder(logs)[0], vocoder(other)[0]
    final = (20 - look_ahead) * 128 - 256  # frames 0 to 19 - look_ahead were given out before frame 20 was known
    assert torch.equal(one[:final], two[:final])
    assert not torch.allclose(one[final : final + 128], two[final : final + 128])


def test_rounds_bring_the_magnitudes_nearer() -> None:
    assert convergence_db(iterations=0) > convergence_db(iterations=2) > convergence_db(iterations=8)


def test_a_look_ahead_brings_them_nearer() -> None:
    assert convergence_db(look_ahead=0) > convergence_db(look_ahead=3)


def test_it_comes_as_close_as_is_said() -> None:
    assert convergence_db() < -20
