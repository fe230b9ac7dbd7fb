"""A run from latent to sound in onnxruntime, as docs/onnx.md plays it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import soundfile
import torch
from conftest import CLIP_SAMPLES, GENRES, SAMPLE_RATE, Genvae

from genvae.errors import GenvaeError
from genvae.plugin.registry import installed
from genvae.spec import FeatureSpec
from genvae.synthesis.phase_rounds import PhaseRounds
from genvae.verbs import load

PAGE = Path(__file__).parents[1] / "docs" / "onnx.md"
SPEC = FeatureSpec(kind="magnitude", bins=129, sample_rate=8000, n_fft=256, hop=64, window="hann", scale="linear")


def test_the_transform_is_torchs_and_its_inverse_gives_the_wave_back() -> None:
    wave = torch.randn(1, 3001, generator=torch.Generator().manual_seed(0))
    phases = PhaseRounds(SPEC, 3001)
    real, imaginary = phases.analysed(wave)
    window = torch.hann_window(256)
    wanted = torch.stft(wave, 256, 64, window=window, center=True, pad_mode="constant", return_complex=True)
    assert torch.allclose(torch.complex(real, imaginary), wanted, atol=1e-4)
    assert torch.allclose(phases.sounding(real, imaginary), wave, atol=1e-4)


def test_more_rounds_come_nearer_to_the_magnitudes() -> None:
    times = torch.arange(8000) / 8000
    wave = (0.3 * torch.sin(2 * torch.pi * (200 + 300 * times) * times))[None]
    start = torch.rand(1, 129, 126, generator=torch.Generator().manual_seed(1))

    def apart(rounds: int) -> float:
        phases = PhaseRounds(SPEC, 8000, rounds)
        magnitude = torch.complex(*phases.analysed(wave)).abs()
        made = torch.complex(*phases.analysed(phases(magnitude, start))).abs()
        return float((made - magnitude).norm() / magnitude.norm())

    assert apart(16) < 0.5 * apart(1)


def test_what_is_no_magnitude_is_refused() -> None:
    with pytest.raises(GenvaeError, match="takes 'complex' features"):
        PhaseRounds(FeatureSpec(**{**SPEC.to_json(), "kind": "complex", "bins": 258}), 8000)


def test_the_example_of_the_docs_plays_a_run_and_gives_what_torch_gives(genvae: Genvae, tiny_run_path: Path) -> None:
    result = genvae("export", tiny_run_path, "--part", "waveform")
    assert result.exit_code == 0, result.output
    [block] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    names: dict[str, object] = {}
    exec(compile(block, PAGE.name, "exec"), names)
    sound, rate = soundfile.read(f"{GENRES[0]}.wav")
    assert (len(sound), rate) == (CLIP_SAMPLES, SAMPLE_RATE)
    assert 0.001 < abs(sound).max() <= 1

    model = load(tiny_run_path)
    session = onnxruntime.InferenceSession("waveform.onnx", providers=["CPUExecutionProvider"])
    z, label, noise, start = session.get_inputs()
    generator = torch.Generator().manual_seed(3)
    latent, drawn = model.latent("rock", seed=1), torch.randn(noise.shape, generator=generator)
    turns = torch.rand(start.shape, generator=generator)
    values = (latent[None], torch.tensor([1]), drawn, turns)
    [made] = session.run(None, {i.name: v.numpy() for i, v in zip((z, label, noise, start), values, strict=True)})
    pipeline = model.run.load(installed())
    with torch.no_grad():
        features = pipeline.model.decode(latent[None], torch.tensor([1]), generator=torch.Generator().manual_seed(3))
        wave = PhaseRounds(pipeline.transform.spec, CLIP_SAMPLES)(pipeline.transform.invert(features), turns)
    assert np.abs(made - wave.numpy()).max() < 2e-3 * float(wave.abs().max())
