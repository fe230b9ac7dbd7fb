"""What every vocoder of log magnitudes promises, on closed forms and on odd shapes."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from vocoder_sounds import DECLARED, SPEC, convergence_db, impulse, log_magnitude, make, music, spec_of, tone

from genvae.errors import OptionError, SpecMismatch
from genvae.plugin.options import build

CASES: list[tuple[str, dict[str, Any]]] = [
    ("griffin-lim", {"iterations": 16}),
    ("pghi-refined", {}),
    ("pghi-refined", {"start": "queue"}),
    ("pghi", {}),
    ("raar", {"iterations": 20}),
    ("admm", {"iterations": 20}),
    ("spsi", {}),
    ("zero-phase", {}),
    ("torchaudio-griffin-lim", {"iterations": 16}),
]
MISSING = DECLARED["torchaudio-griffin-lim"].unavailable
WHY = MISSING() if MISSING else None
EVERY = pytest.mark.parametrize(
    ("name", "values"),
    [
        pytest.param(
            name,
            values,
            id="-".join([name, *map(str, values.values())]),
            marks=pytest.mark.skipif(name.startswith("torchaudio") and WHY is not None, reason=str(WHY)),
        )
        for name, values in CASES
    ],
)
# How close the magnitudes of `music` must come, in dB. One pass leaves frames that do not fit together.
REACHED = {"zero-phase": -1, "spsi": -8, "pghi": -14, "griffin-lim": -15, "torchaudio-griffin-lim": -14}
DRAWING = ("griffin-lim", "pghi", "torchaudio-griffin-lim")


@EVERY
def test_magnitudes_are_reached(name: str, values: dict[str, Any]) -> None:
    wanted = log_magnitude(music())
    assert convergence_db(wanted, make(name, **values)(wanted, length=16000)) < REACHED.get(name, -20)


@EVERY
@pytest.mark.parametrize("frequency", [440.0, 1234.5])
def test_a_tone_keeps_its_frequency(name: str, values: dict[str, Any], frequency: float) -> None:
    wave = make(name, **values)(log_magnitude(tone(frequency)), length=22050)[0]
    peak = torch.fft.rfft(wave * torch.hann_window(22050)).abs().argmax().item()  # in a second each bin is 1 Hz
    # Zero phases repeat with the hop: they turn a tone into multiples of 86 Hz.
    assert peak == pytest.approx(frequency, abs=3 if name != "zero-phase" else 22050 / 256)


@EVERY
def test_the_level_is_kept(name: str, values: dict[str, Any]) -> None:
    for sound in (tone(440), music()):
        wave = make(name, **values)(log_magnitude(sound), length=sound.shape[1])
        least = 0.5 if name in ("zero-phase", "spsi") else 0.95  # frames that do not fit together take from the level
        assert least < float(wave.norm() / sound.norm()) < 1.05


@EVERY
@pytest.mark.parametrize("position", [3000, 4096])
def test_an_impulse_stays_where_it_is(name: str, values: dict[str, Any], position: int) -> None:
    wave = make(name, **values)(log_magnitude(impulse(position, 8192)), length=8192)[0]
    energy = wave.square()
    centre = float((energy * torch.arange(8192)).sum() / energy.sum())
    # The walk from the loudest bin outwards knows an impulse; other ways find no peak in it to follow.
    assert centre == pytest.approx(position, abs=8 if "queue" in values.values() or name == "pghi" else 64)


@EVERY
def test_silence_stays_silence(name: str, values: dict[str, Any]) -> None:
    for level in (-math.inf, -1000.0, math.log(1e-9)):
        wave = make(name, **values)(torch.full((1, 513, 9), level))
        assert wave.shape == (1, 2048)
        assert wave.abs().max() < 1e-8


@EVERY
def test_a_batch_gives_what_each_clip_gives_alone(name: str, values: dict[str, Any]) -> None:
    clips = [log_magnitude(wave) for wave in (music(6000), 0.1 * music(6000).flip(1), tone(700, 6000))]
    together = make(name, **values)(torch.cat(clips), length=6000)
    for row, clip in zip(together, clips, strict=True):
        torch.testing.assert_close(row[None], make(name, **values)(clip, length=6000), atol=1e-7, rtol=0)


@EVERY
def test_threads_change_nothing(name: str, values: dict[str, Any]) -> None:
    clips = torch.cat([log_magnitude(music(6000)), log_magnitude(tone(500, 6000)), log_magnitude(tone(900, 6000))])
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = make(name, **values)(clips)
        torch.set_num_threads(2)
        shared = make(name, **values)(clips)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(shared, alone, atol=1e-7, rtol=0)


@EVERY
def test_only_the_generator_decides_what_is_drawn(name: str, values: dict[str, Any]) -> None:
    vocoder, clip = make(name, **values), log_magnitude(music(4000))
    state = torch.random.get_rng_state()
    fixed = vocoder(clip)
    drawn = vocoder(clip, generator=torch.Generator().manual_seed(1))
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(99)
    assert torch.equal(vocoder(clip), fixed)
    assert torch.equal(vocoder(clip, generator=torch.Generator().manual_seed(1)), drawn)
    if name in DRAWING:
        assert not torch.equal(vocoder(clip, generator=torch.Generator().manual_seed(2)), drawn)


@EVERY
@pytest.mark.parametrize("length", [1, 255, 4096, 4097, 9000])
def test_the_length_is_what_was_asked_for(name: str, values: dict[str, Any], length: int) -> None:
    wave = make(name, **values)(log_magnitude(music(4096)), length=length)
    assert wave.shape == (1, length)
    assert wave.isfinite().all()


@EVERY
@pytest.mark.parametrize(("field", "value"), [("kind", "mel"), ("scale", "linear"), ("bins", 80), ("window", "kaiser")])
def test_features_that_it_cannot_serve_are_refused_by_field(
    name: str, values: dict[str, Any], field: str, value: Any
) -> None:
    with pytest.raises(SpecMismatch, match=f"{name} .*{field}"):
        make(name, dataclasses.replace(SPEC, **{field: value}), **values)


@EVERY
def test_the_spectrogram_is_left_as_it_was(name: str, values: dict[str, Any]) -> None:
    clip = log_magnitude(music(4000))
    before = clip.clone()
    make(name, **values)(clip)
    assert torch.equal(clip, before)


@EVERY
def test_it_runs_under_inference_mode_and_for_tensors_that_want_gradients(name: str, values: dict[str, Any]) -> None:
    clip = log_magnitude(music(4000)).expand(2, -1, -1).contiguous()
    plain = make(name, **values)(clip)
    with torch.inference_mode():
        torch.testing.assert_close(make(name, **values)(clip.clone()), plain)
    torch.testing.assert_close(make(name, **values)(clip.requires_grad_()).detach(), plain)


@EVERY
@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_a_number_shows_in_its_clip_alone(name: str, values: dict[str, Any], value: float) -> None:
    clip = log_magnitude(music(4000))
    broken = clip.clone()
    broken[0, 5, 5] = value
    wave = make(name, **values)(torch.cat([broken, clip]))
    assert not wave[0].isfinite().all()
    torch.testing.assert_close(wave[1:], make(name, **values)(clip))


@settings(max_examples=150, deadline=None)
@given(
    case=st.sampled_from([(n, v | ({"iterations": 3} if v.get("iterations") else {})) for n, v in CASES[:-1]]),
    half=st.integers(2, 70),
    hop_part=st.floats(0.05, 1.0),
    frames=st.integers(1, 12),
    batch=st.integers(0, 3),
    window=st.sampled_from(["hann", "hamming", "blackman"]),
    seed=st.integers(0, 99),
)
def test_any_shape_gives_a_finite_waveform(
    case: tuple[str, dict[str, Any]], half: int, hop_part: float, frames: int, batch: int, window: str, seed: int
) -> None:
    name, values = case
    spec = spec_of(2 * half, max(1, round(hop_part * 2 * half)), window)
    logs = 3 * torch.randn(batch, spec.bins, frames, generator=torch.Generator().manual_seed(seed))
    wave = make(name, spec, **values)(logs)
    assert wave.shape == (batch, spec.samples(frames))
    assert wave.isfinite().all()


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("pghi", "tolerance", 0),
        ("pghi", "tolerance", 1),
        ("pghi-refined", "iterations", -1),
        ("pghi-refined", "momentum", -0.5),
        ("pghi-refined", "start", "heap"),
        ("raar", "iterations", -1),
        ("raar", "beta", 0),
        ("raar", "beta", 1.5),
        ("admm", "iterations", -1),
        ("admm", "rho", -0.1),
        ("torchaudio-griffin-lim", "momentum", 1.0),
    ],
)
def test_senseless_options_are_refused_by_name(name: str, option: str, value: object) -> None:
    with pytest.raises(OptionError, match=option):
        build(DECLARED[name].options, {option: value}, where="vocoder")
