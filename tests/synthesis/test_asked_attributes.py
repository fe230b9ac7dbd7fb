"""Sounds that are asked for with attributes: other sounds of the same seed, which say what was asked for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from conftest import ATTRIBUTES

import genvae
from genvae.errors import AudioError, OptionError
from genvae.pipeline import PipelineConfig
from genvae.synthesis import provenance
from genvae.synthesis.synthesizer import GROUP, Synthesizer

ASKED = {"tempo": 150.0, "key": "D"}


@pytest.fixture(scope="module")
def synthesizer(asked_run_path: Path) -> Synthesizer:
    return genvae.load(asked_run_path)


def test_attributes_change_the_sound_and_not_the_latent(synthesizer: Synthesizer) -> None:
    plain = synthesizer.generate("rock", seed=3)
    fast = synthesizer.generate("rock", seed=3, attributes=ASKED)
    other = synthesizer.generate("rock", seed=3, attributes={**ASKED, "key": "C"})
    assert not torch.equal(plain.wave, fast.wave)
    assert not torch.equal(fast.wave, other.wave)
    asked = synthesizer.with_attributes(ASKED)
    assert torch.equal(asked.latent("rock", seed=3), synthesizer.latent("rock", seed=3))
    assert synthesizer.generate("rock", seed=3, attributes={}).wav() == plain.wav()
    assert synthesizer.generate("rock", seed=3).wav() == plain.wav()  # what was asked before leaves no trace


@pytest.mark.parametrize("more", [{}, {"seconds": 1.2}, {"bpm": 100, "bars": 1}, {"normalise": -3}, {"count": None}])
def test_each_kind_of_sound_is_made_again_from_what_it_says(
    synthesizer: Synthesizer, asked_run_path: Path, tmp_path: Path, more: dict[str, object]
) -> None:
    clip = synthesizer.generate("rock", seed=3, attributes=ASKED, **more)  # type: ignore[call-overload]
    assert clip.describe()["attributes"] == {"key": "D", "tempo": 150.0}
    file = clip.save(tmp_path / "clip.wav")
    assert genvae.regenerate(file, asked_run_path).wav() == file.read_bytes()


def test_mixtures_latents_and_paths_are_asked_for_too(synthesizer: Synthesizer, tmp_path: Path) -> None:
    asked = synthesizer.with_attributes(ASKED)
    z = synthesizer.latent("rock", seed=3)
    assert asked.decode(z, "rock", seed=3).wave.equal(asked.generate("rock", seed=3).wave)
    mixed = asked.generate({"rock": 0.5, "techno": 0.5}, seed=3)
    assert mixed.provenance.attributes == {"key": "D", "tempo": 150.0}
    assert synthesizer.remake(mixed.provenance).wav() == mixed.wav()
    path = asked.interpolate("rock@1", "techno@2", seconds=1.5)
    assert synthesizer.remake(path.provenance).wav() == path.wav()


def test_clips_of_a_group_are_those_that_are_made_alone_with_attributes_too(synthesizer: Synthesizer) -> None:
    asked = synthesizer.with_attributes(ASKED)
    together = asked.generate("rock", seed=4, count=GROUP + 1)
    for index in (0, GROUP - 1, GROUP):
        assert together[index].wav() == asked.generate("rock", seed=4, index=index).wav()


def test_what_a_run_does_not_know_is_refused(synthesizer: Synthesizer, tiny_run_path: Path) -> None:
    with pytest.raises(OptionError, match="tempo=500: this run knows tempo from 60 to 180"):
        synthesizer.generate("rock", attributes={"tempo": 500})
    with pytest.raises(OptionError, match="tempo=90: this run knows no attributes"):
        genvae.load(tiny_run_path).generate("rock", attributes={"tempo": 90})


def test_another_vocoder_is_asked_for_the_same(synthesizer: Synthesizer) -> None:
    asked = synthesizer.with_attributes(ASKED)
    spsi = genvae.load(synthesizer.run, vocoder="spsi").with_attributes(ASKED).generate("rock", seed=3)
    part = genvae.load(synthesizer.run, vocoder="spsi").pipeline.config.vocoder
    assert asked.with_vocoder(part).generate("rock", seed=3).wav() == spsi.wav()


def test_a_description_with_attributes_survives_json(synthesizer: Synthesizer) -> None:
    config = synthesizer.pipeline.config
    assert PipelineConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    assert config.attributes == ATTRIBUTES
    assert "attributes" not in replace(config, attributes=()).to_json()


@pytest.mark.parametrize("value", [[], {}, {"a": None}, {"a": True}, {str(i): 1 for i in range(100)}, "tempo"])
def test_a_file_that_says_attributes_that_are_none_is_told(
    synthesizer: Synthesizer, tmp_path: Path, value: object
) -> None:
    made = synthesizer.generate("rock", seed=3).provenance.to_json()
    with pytest.raises((TypeError, ValueError)):
        provenance._checked({"genvae": 1, **made, "attributes": value})
    with pytest.raises(AudioError):
        provenance.read(tmp_path / "none.wav")
