"""The handshake of transform and vocoder: which of the two things that a front end can give, a vocoder is given."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from conftest import CLIP_SAMPLES, MODEL, SAMPLE_RATE

from genvae import FeatureSpec, Vocoder, VocoderPlugin
from genvae.errors import SpecMismatch
from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin import registry
from genvae.plugin.registry import installed
from genvae.training.monitor import validate_model

FRAMES: dict[str, Any] = {"n_fft": 256, "hop": 128}
TRANSFORMS: dict[str, dict[str, Any]] = {
    "stft": FRAMES,
    "mel": FRAMES | {"n_mels": 30},
    "cqt": FRAMES | {"bins": 60, "f_min": 100},
    "torchaudio-stft": FRAMES,
    "torchaudio-mel": FRAMES | {"n_mels": 30},
    "nnaudio-stft": FRAMES,
    "nnaudio-mel": FRAMES | {"n_mels": 30, "trainable": True},
    "nnaudio-cqt": FRAMES | {"bins": 60, "f_min": 100},
}


def config(transform: str, vocoder: str = "griffin-lim", **values: Any) -> PipelineConfig:
    return PipelineConfig.assemble(
        installed(),
        sample_rate=SAMPLE_RATE,
        clip_samples=CLIP_SAMPLES,
        genres=("a", "b"),
        plugins={"transform": transform, "vocoder": vocoder, "model": "conv-vae"},
        values={"transform": values, "model": MODEL},
    )


def built(transform: str, vocoder: str = "griffin-lim", **values: Any) -> Pipeline:
    return Pipeline.build(config(transform, vocoder, **values), installed())


class MelVocoder(Vocoder):
    """Takes mel bands, as most neural vocoders do, and only 30 of them."""

    def __init__(self, options: Any, *, spec: FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        spec.require("mel-vocoder", kind="mel", bins=30)

    def forward(self, spectrogram: torch.Tensor, *, length: int | None = None, generator: Any = None) -> torch.Tensor:
        assert spectrogram.shape[1] == 30
        assert length is not None
        return torch.zeros(len(spectrogram), length)


@pytest.fixture
def mel_vocoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in the place of griffin-lim."""
    load = registry.load_factory

    def load_factory(plugin: Any) -> Any:
        return MelVocoder if isinstance(plugin, VocoderPlugin) else load(plugin)

    monkeypatch.setattr(registry, "load_factory", load_factory)


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_vocoder_of_magnitudes_serves_every_front_end_that_has_a_way_to_them(transform: str) -> None:
    made = built(transform, **TRANSFORMS[transform])
    wave = 0.3 * torch.randn(2, CLIP_SAMPLES, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        made.transform.fit([wave])
        features = made.transform(wave)
        assert made.model.encode(features, torch.tensor([0, 1])).mean.shape == (2, 4)
        sound = made.sound(features, length=CLIP_SAMPLES)
    assert made.vocoder.spec.kind == "magnitude"
    assert sound.shape == (2, CLIP_SAMPLES)
    level = sound[:, 500:-500].square().mean().sqrt()
    assert level > 0.1  # of 0.3; griffin-lim and lost detail cost some


def test_a_vocoder_of_mel_bands_is_given_them(mel_vocoder: None) -> None:
    made = built("mel", **TRANSFORMS["mel"])
    assert made.vocoder.spec == made.transform.spec
    features = made.transform(torch.zeros(1, CLIP_SAMPLES))
    assert made.sound(features, length=100).shape == (1, 100)


def test_a_vocoder_that_takes_neither_says_so_of_both(mel_vocoder: None) -> None:
    with pytest.raises(SpecMismatch, match=r"bins = 30, but.*gives 20\. Nor do its magnitudes fit:.*kind = 'mel'"):
        built("mel", **TRANSFORMS["mel"] | {"n_mels": 20})
    with pytest.raises(SpecMismatch, match=r"^mel-vocoder needs features with kind = 'mel', but.* 'magnitude'\.$"):
        built("stft")


def test_waveforms_go_to_the_vocoder_identity() -> None:
    with pytest.raises(SpecMismatch, match="griffin-lim needs features with kind = 'magnitude'"):
        built("waveform")
    made = built("waveform", "identity")
    wave = 0.3 * torch.randn(1, CLIP_SAMPLES, generator=torch.Generator().manual_seed(0))
    features = made.transform(wave)
    assert made.model.decode(torch.zeros(1, 4), torch.tensor([0])).shape == features.shape
    assert torch.equal(made.sound(features, length=CLIP_SAMPLES), wave)


@pytest.mark.parametrize("transform", ["mel", "cqt"])
def test_validation_measures_features_in_their_own_units(transform: str) -> None:
    made = built(transform, **TRANSFORMS[transform])
    wave = 0.3 * torch.randn(2, CLIP_SAMPLES, generator=torch.Generator().manual_seed(0))
    genre = torch.tensor([0, 1])
    told = validate_model(made, [(wave, genre)], seed=0)
    made.eval()
    with torch.no_grad():
        features = made.transform(wave)
        decoded = made.model.decode(made.model.encode(features, genre).mean, genre)
        apart = made.transform.invert(decoded) - made.transform.invert(features)  # nepers, in bands
    expected = apart.square().mean((1, 2)).sqrt().mean() * 20 / math.log(10)
    assert told["distance_db"] == pytest.approx(float(expected), rel=1e-4)


def test_a_spec_is_a_different_one_where_its_bands_are_normalised_otherwise() -> None:
    spec = built("mel", **TRANSFORMS["mel"]).transform.spec
    assert spec.differences(replace(spec, mel_norm="peak")) == {"mel_norm": ("area", "peak")}
