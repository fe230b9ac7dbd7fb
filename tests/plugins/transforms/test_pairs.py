"""The same FeatureSpec means the same numbers: our front ends, torchaudio's, nnAudio's and librosa's, in pairs."""

from __future__ import annotations

from typing import Any

import librosa
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transform_sounds import RATE, make, music, noise

PAIRS = [
    (ours, theirs, values)
    for ours, theirs, cases in [
        ("stft", "torchaudio-stft", [{}, {"n_fft": 512, "hop": 100, "window": "hamming"}]),
        ("stft", "nnaudio-stft", [{}, {"n_fft": 512, "hop": 100, "window": "blackman"}]),
        ("mel", "torchaudio-mel", [{}, {"formula": "htk", "norm": "peak", "n_mels": 64, "f_min": 50, "f_max": 9000}]),
        ("mel", "nnaudio-mel", [{}, {"formula": "htk", "norm": "peak", "n_mels": 64, "f_min": 50, "f_max": 9000}]),
        ("mel", "torchaudio-mel", [{"formula": "htk"}, {"norm": "peak", "window": "blackman"}]),
        ("mel", "nnaudio-mel", [{"formula": "htk"}, {"norm": "peak", "window": "blackman"}]),
        ("cqt", "nnaudio-cqt", [{}, {"bins": 100, "bins_per_octave": 24, "f_min": 200, "hop": 300}]),
    ]
    for values in cases
]


@pytest.mark.parametrize(("ours", "theirs", "values"), PAIRS)
def test_one_spec_is_one_meaning(ours: str, theirs: str, values: dict[str, Any]) -> None:
    one, other = make(ours, **values), make(theirs, **values)
    assert one.spec == other.spec
    assert one.magnitude_spec == other.magnitude_spec
    waves = torch.cat([music(), noise(1, RATE), torch.zeros(1, RATE)])
    a, b = one.invert(one(waves)).exp(), other.invert(other(waves)).exp()
    assert (a - b).abs().max() < 1e-5 * a.max()
    torch.testing.assert_close(one(waves), other(waves), atol=5e-3, rtol=0)  # nepers, down to 100 dB below full scale
    one.fit([waves])
    other.fit([waves])
    torch.testing.assert_close(one(waves), other(waves), atol=5e-3, rtol=0)
    other.load_state_dict(one.state_dict())  # so a model that was trained with one can be used with the other


@pytest.mark.parametrize(("ours", "theirs"), sorted({(a, b) for a, b, _ in PAIRS}))
def test_one_spec_is_one_meaning_at_any_length(ours: str, theirs: str) -> None:
    one, other = make(ours), make(theirs)

    @settings(deadline=None, max_examples=8)
    @given(samples=st.integers(1, 30_000))
    def check(samples: int) -> None:
        wave = noise(1, samples, seed=samples)
        torch.testing.assert_close(one(wave), other(wave), atol=5e-3, rtol=0)

    check()


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman"])
@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 256), (512, 100)])
def test_stft_is_librosas(window: str, n_fft: int, hop: int) -> None:
    stft = make("stft", n_fft=n_fft, hop=hop, window=window)
    waves = music()
    theirs = np.abs(librosa.stft(waves.numpy(), n_fft=n_fft, hop_length=hop, window=window, pad_mode="constant"))
    ours = stft.invert(stft(waves)).exp().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=3e-6 * theirs.max())


@pytest.mark.parametrize("formula", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["area", "peak"])
@pytest.mark.parametrize("values", [{}, {"n_mels": 40, "f_min": 55.5, "f_max": 7777.7, "n_fft": 2048}])
@pytest.mark.parametrize("sample_rate", [RATE, 11025, 8000])
def test_mel_is_librosas(formula: str, norm: str, values: dict[str, Any], sample_rate: int) -> None:
    if values.get("f_max", 0) > sample_rate / 2:
        values = {**values, "f_max": 3500}
    mel = make("mel", sample_rate, formula=formula, norm=norm, **values)
    spec = mel.spec
    waves = music(8000)
    theirs = librosa.feature.melspectrogram(
        y=waves.numpy(),
        sr=sample_rate,
        n_fft=spec.n_fft,
        hop_length=spec.hop,
        pad_mode="constant",
        power=1,
        n_mels=spec.bins,
        fmin=spec.f_min,
        fmax=spec.f_max,
        htk=formula == "htk",
        norm="slaney" if norm == "area" else None,
    )
    ours = mel.invert(mel(waves)).exp().numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=3e-6 * theirs.max())


def test_cqt_is_librosas_but_for_its_shortcuts() -> None:
    """librosa halves the sample rate from octave to octave, which costs it accuracy at the ends and in low octaves.

    Its windows hold 3 % fewer periods unless its filter scale makes up for that.
    """
    cqt = make("cqt")
    wave = music(4 * RATE)[:1]
    frequencies = librosa.cqt_frequencies(84, fmin=cqt.spec.f_min)
    [bandwidth] = set(np.round(librosa.filters._relative_bandwidth(freqs=frequencies), 9))
    theirs = np.abs(
        librosa.cqt(
            wave[0].numpy(),
            sr=RATE,
            hop_length=256,
            fmin=cqt.spec.f_min,
            n_bins=84,
            pad_mode="constant",
            filter_scale=bandwidth / (2 ** (1 / 12) - 1),
            sparsity=0,
        )
    )
    ours = cqt.invert(cqt(wave)).exp()[0].numpy()
    assert ours.shape == theirs.shape
    inner = slice(60, -60)  # away from the ends
    for low in range(0, 84, 12):
        octave = slice(low, low + 12)
        apart = np.linalg.norm(ours[octave, inner] - theirs[octave, inner])
        assert apart < 0.03 * np.linalg.norm(theirs[octave, inner]), f"octave from bin {low}"
