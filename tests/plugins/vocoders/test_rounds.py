"""Rounds of projection against the equations written out with torch's own STFT."""

from __future__ import annotations

import pytest
import torch
from vocoder_sounds import SPEC, convergence_db, log_magnitude, make, music, spectrum

from genvae import FeatureSpec, windows
from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import polar
from genvae_plugins.vocoders.rounds import Rounds


def wanted(length: int, spec: FeatureSpec = SPEC) -> tuple[Frames, torch.Tensor, torch.Tensor]:
    magnitude = log_magnitude(music(length), spec).transpose(1, 2).exp().contiguous()
    frames = Frames(spec, windows.of(spec), magnitude.shape[1], length)
    return frames, magnitude, polar(magnitude, torch.rand(magnitude.shape, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("turns", [1, 2])
@pytest.mark.parametrize("hop", [256, 128, 200])
@pytest.mark.parametrize(("momentum", "relaxation"), [(0.0, 0.0), (0.99, 0.0), (0.5, 0.5)])
def test_they_are_what_the_equation_says(turns: int, hop: int, momentum: float, relaxation: float) -> None:
    spec = FeatureSpec(kind="magnitude", bins=513, sample_rate=16000, n_fft=1024, hop=hop, window="hann", scale="log")
    frames, magnitude, start = wanted(6000, spec)
    spectra, before = start.clone(), [None] * turns
    for _ in range(4):
        for turn in range(turns):
            consistent = spectrum(frames.trim(frames.synthesise(spectra)), spec).transpose(1, 2)
            last = consistent if before[turn] is None else before[turn]
            aim = consistent + momentum * (consistent - last) + relaxation * (consistent - spectra)
            spectra = spectra.clone()
            spectra[:, turn::turns] = torch.polar(magnitude, aim.angle())[:, turn::turns]
            before[turn] = consistent
    expected = frames.trim(frames.synthesise(spectra))

    rounds = Rounds(frames, 1, turns=turns)
    for _ in range(2):  # what the first run leaves in memory is nothing to the second
        found = frames.trim(rounds.run(magnitude, start, 4, momentum=momentum, relaxation=relaxation))
        torch.testing.assert_close(found, expected, atol=2e-3, rtol=0)


def test_turns_lead_deeper_than_fast_griffin_lim() -> None:
    frames, magnitude, start = wanted(16000)
    logs = magnitude.log().transpose(1, 2)
    together = Rounds(frames, 1).run(magnitude, start, 12, momentum=0.99)
    by_turns = Rounds(frames, 1, turns=2).run(magnitude, start, 12, momentum=0.5, relaxation=0.5)
    assert convergence_db(logs, frames.trim(by_turns)) < convergence_db(logs, frames.trim(together)) - 1


def test_what_one_clip_broke_does_not_reach_the_next() -> None:
    vocoder, logs = make("pghi-refined"), log_magnitude(music(8000))
    overflowing = torch.full_like(logs, 88.0)
    assert torch.equal(vocoder(torch.cat([overflowing, logs]))[1], vocoder(logs)[0])
