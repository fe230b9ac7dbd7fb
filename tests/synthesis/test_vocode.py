"""genvae.vocode: magnitudes that others made, in their conventions, to sounds."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import librosa
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import genvae
from genvae.errors import OptionError, PluginError, SpecMismatch

RATE = 22050
SAMPLES = 9000


def sound() -> NDArray[np.float32]:
    """A glide over a steady tone, with a little noise, [samples]."""
    time = np.arange(SAMPLES) / RATE
    glide = np.sin(2 * np.pi * (300 * time + 600 * time**2)) + np.sin(2 * np.pi * 554.4 * time)
    return (0.2 * glide + 0.01 * np.random.default_rng(0).standard_normal(SAMPLES)).astype(np.float32)


def convergence_db(wanted: NDArray[Any], wave: NDArray[Any], hop: int) -> float:
    got = np.abs(librosa.stft(wave, n_fft=2 * (len(wanted) - 1), hop_length=hop))
    return float(20 * np.log10(np.linalg.norm(wanted - got) / np.linalg.norm(wanted)))


@pytest.mark.parametrize(
    ("n_fft", "hop", "window"), [(1024, 256, "hann"), (512, 100, "hamming"), (256, 64, "blackman")]
)
def test_librosas_phase_and_no_rounds_give_the_sound_back(n_fft: int, hop: int, window: str) -> None:
    spectrum = librosa.stft(sound(), n_fft=n_fft, hop_length=hop, window=window)
    rebuilt = genvae.vocode(
        np.abs(spectrum),
        n_fft=n_fft,
        hop=hop,
        window=window,
        options={"iterations": 0},
        initial_phase=np.angle(spectrum),
        length=SAMPLES,
    )
    np.testing.assert_allclose(rebuilt, sound(), atol=2e-6)


def test_torchs_phase_unwrapped_over_many_turns_serves_as_well() -> None:
    spectrum = torch.stft(
        torch.from_numpy(sound()).double(),
        512,
        128,
        window=torch.hann_window(512, dtype=torch.float64),
        pad_mode="constant",
        return_complex=True,
    )
    turned = spectrum.angle() + 2 * torch.pi * 1000
    rebuilt = genvae.vocode(
        spectrum.abs(), vocoder="admm", options={"iterations": 0}, initial_phase=turned, length=SAMPLES
    )
    torch.testing.assert_close(rebuilt, torch.from_numpy(sound()), atol=3e-6, rtol=0)


@pytest.mark.parametrize("vocoder", ["pghi-refined", "admm"])
def test_it_comes_closer_than_librosa_after_as_many_rounds(vocoder: str) -> None:
    wanted = np.abs(librosa.stft(sound(), n_fft=1024, hop_length=256))
    theirs = librosa.griffinlim(wanted, n_iter=16, hop_length=256, n_fft=1024, length=SAMPLES, random_state=0)
    ours = genvae.vocode(wanted, vocoder=vocoder, options={"iterations": 16}, length=SAMPLES)
    assert convergence_db(wanted, ours, 256) < convergence_db(wanted, theirs, 256) - 1


def test_numpy_gives_numpy_and_torch_gives_torch_the_same_numbers() -> None:
    wanted = np.abs(librosa.stft(sound(), n_fft=512))
    ours = genvae.vocode(wanted, hop=128)
    assert isinstance(ours, np.ndarray)
    assert ours.shape == ((wanted.shape[1] - 1) * 128,)
    for dtype in (np.float64, np.float32):
        given = wanted.astype(dtype)
        assert genvae.vocode(given, hop=128).dtype == np.float32
        assert np.array_equal(genvae.vocode(given, hop=128), ours)
        tensor = genvae.vocode(torch.from_numpy(given).requires_grad_(), hop=128)
        assert isinstance(tensor, torch.Tensor)
        assert not tensor.requires_grad
        assert np.array_equal(tensor.numpy(), ours)
    assert np.array_equal(genvae.vocode(np.asfortranarray(wanted[:, ::-1])[:, ::-1], hop=128), ours)


def test_leading_dimensions_are_kept_and_each_clip_stands_for_itself() -> None:
    one = np.abs(librosa.stft(sound(), n_fft=256))
    phase = np.random.default_rng(0).uniform(-np.pi, np.pi, (2, 3, *one.shape))
    many = np.stack([one * gain for gain in (1, 2, 3, 4, 5, 6)]).reshape(2, 3, *one.shape)
    waves = genvae.vocode(many, initial_phase=phase, length=8000)
    assert waves.shape == (2, 3, 8000)
    alone = genvae.vocode(many[1, 0], initial_phase=phase[1, 0], length=8000)
    np.testing.assert_allclose(waves[1, 0], alone, atol=1e-6)
    assert genvae.vocode(many[:0], length=8000).shape == (0, 3, 8000)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_tensor_stays_on_its_device() -> None:
    wanted = torch.from_numpy(np.abs(librosa.stft(sound(), n_fft=512))).cuda()
    wave = genvae.vocode(wanted, initial_phase=torch.zeros_like(wanted), seed=1)
    assert wave.device == wanted.device


def test_a_seed_decides_what_is_drawn_and_without_one_nothing_is() -> None:
    wanted = np.abs(librosa.stft(sound(), n_fft=256))

    def made(seed: int | None) -> NDArray[np.float32]:
        return genvae.vocode(wanted, vocoder="griffin-lim", options={"iterations": 2}, seed=seed)

    assert np.array_equal(made(None), made(None))
    assert np.array_equal(made(1), made(1))
    assert not np.array_equal(made(1), made(2))


def test_silence_and_a_single_frame_are_served() -> None:
    assert not genvae.vocode(np.zeros((129, 5))).any()
    assert genvae.vocode(np.ones((129, 1)), length=40).shape == (40,)
    assert genvae.vocode(np.ones((129, 1))).shape == (0,)


GOOD = np.ones((129, 5))
MISTAKES: dict[str, tuple[Any, dict[str, Any], type[Exception], str]] = {
    "one dimension": (GOOD[0], {}, OptionError, r"`magnitudes` must be \[..., bins, frames\].*\[5\]"),
    "no frames": (GOOD[:, :0], {}, OptionError, "`magnitudes`.*a frame"),
    "decibels": (-GOOD, {}, OptionError, "`magnitudes`.*not decibels"),
    "not a number": (GOOD * np.nan, {}, OptionError, "`magnitudes`.*645 of 645"),
    "complex": (GOOD + 0j, {}, OptionError, r"`magnitudes`.*complex128.*abs\(S\)"),
    "a complex tensor": (torch.ones(129, 5) + 0j, {}, OptionError, r"`magnitudes`.*complex64.*abs\(S\)"),
    "another FFT size": (GOOD, {"n_fft": 512}, OptionError, "`n_fft` of 512 gives 257 bins.*has 129"),
    "an odd FFT size": (GOOD, {"n_fft": 257}, OptionError, "`n_fft` must be even"),
    "no hop": (GOOD, {"hop": 0}, OptionError, "`hop` must be from 1 to 256, but is 0"),
    "gaps": (GOOD, {"hop": 257}, OptionError, "`hop` must be from 1 to 256"),
    "a broken hop": (GOOD, {"hop": 64.0}, OptionError, "`hop` must be a whole number, not 64.0"),
    "a window of another name": (GOOD, {"window": "han"}, OptionError, "`window` can't be 'han'. Did you mean 'hann'"),
    "no length": (GOOD, {"length": 0}, OptionError, "`length` must be at least 1"),
    "a negative seed": (GOOD, {"seed": -1}, OptionError, "`seed`"),
    "another phase": (GOOD, {"initial_phase": GOOD.T}, OptionError, r"`initial_phase`.*\[129, 5\].*\[5, 129\]"),
    "a complex phase": (GOOD, {"initial_phase": GOOD + 0j}, OptionError, r"`initial_phase`.*np.angle"),
    "an infinite phase": (GOOD, {"initial_phase": GOOD * np.inf}, OptionError, "`initial_phase`.*not finite"),
    "a phase for one pass": (
        GOOD,
        {"vocoder": "spsi", "initial_phase": GOOD},
        OptionError,
        "`initial_phase`.*'spsi' takes none.*These do: admm, griffin-lim, pghi-refined, raar",
    ),
    "no such vocoder": (GOOD, {"vocoder": "raa"}, PluginError, "vocoder 'raa'. Did you mean 'raar'"),
    "no such option": (GOOD, {"options": {"rounds": 3}}, OptionError, "`options`: .*'rounds'"),
    "an option out of range": (GOOD, {"options": {"iterations": -3}}, OptionError, "`options`: .*iterations.*-3"),
    "a vocoder of complex spectra": (GOOD, {"vocoder": "istft"}, SpecMismatch, "`vocoder` 'istft'.*kind"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_the_field(mistake: str) -> None:
    magnitudes, given, kind, said = MISTAKES[mistake]
    with pytest.raises(kind, match=said) as caught:
        genvae.vocode(magnitudes, **given)
    assert "--" not in str(caught.value)
    assert len(re.findall(r"\n", str(caught.value))) < 2


def test_a_vocoder_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GENVAE_STRICT", raising=False)
    monkeypatch.setattr("genvae_plugins.vocoders.spsi.phases", lambda *_: 1 / 0)
    with pytest.raises(PluginError, match="The vocoder 'spsi' failed while making a waveform: ZeroDivisionError"):
        genvae.vocode(GOOD, vocoder="spsi")


def test_importing_genvae_stays_light_until_it_is_used() -> None:
    code = "import genvae, sys; assert 'vocode' in dir(genvae); print({'torch', 'numpy'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.strip() == "set()"
