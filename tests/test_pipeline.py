"""PipelineConfig: names and options become parts, suggestions give way to the user, and specs are compared early."""

from __future__ import annotations

import pytest

from genvae.errors import OptionError, PluginError, RunError, SpecMismatch
from genvae.pipeline import DEFAULTS, Pipeline, PipelineConfig
from genvae.plugin.registry import installed


def assemble(**given: object) -> PipelineConfig:
    return PipelineConfig.assemble(installed(), sample_rate=22050, clip_samples=22050, genres=("a", "b"), **given)


def test_by_default_every_part_is_the_default_with_its_options_written_out():
    config = assemble()
    assert {section: getattr(config, section).name for section in DEFAULTS} == DEFAULTS
    assert config.transform.options["n_fft"] == 1024
    assert config.transform.options["hop"] == 256


def test_a_models_suggestions_hold_until_the_user_speaks():
    assert assemble(plugins={"model": "reference-vae"}).transform.options["scaling"] == "unit"
    values = {"transform": {"scaling": "standard"}}
    config = assemble(plugins={"model": "reference-vae"}, values=values)
    assert config.transform.options["scaling"] == "standard"
    assert config.transform.options["n_fft"] == 512


def test_the_description_survives_json():
    config = assemble(values={"model": {"latent_dim": "32"}})
    assert PipelineConfig.from_json(config.to_json()).to_json() == config.to_json()
    assert config.model.options["latent_dim"] == 32


@pytest.mark.parametrize("missing", ["sample_rate", "genres", "model"])
def test_a_description_with_a_part_missing_is_refused(missing):
    value = assemble().to_json()
    del value[missing]
    with pytest.raises(RunError, match="damaged"):
        PipelineConfig.from_json(value)


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(PluginError, match="Did you mean 'griffin-lim'"):
        assemble(plugins={"vocoder": "grifin-lim"})
    with pytest.raises(OptionError, match="Did you mean 'n_fft'"):
        assemble(values={"transform": {"nfft": 512}})


def test_parts_that_do_not_fit_are_refused_before_anything_trains_and_the_field_is_named():
    config = assemble(plugins={"model": "reference-vae"}, values={"transform": {"n_fft": 2048}})
    with pytest.raises(SpecMismatch, match=r"reference-vae needs features with bins = 256 or 257, .* gives 1025"):
        Pipeline.build(config, installed())


def test_state_is_named_by_section():
    values = {"transform": {"n_fft": 128, "hop": 64}, "model": {"width": 16, "neck": 4, "latent_dim": 4}}
    pipeline = Pipeline.build(assemble(plugins={"model": "conv-vae"}, values=values), installed())
    state = pipeline.state_dict()
    assert {name.partition(".")[0] for name in state} == {"transform", "model", "prior"}
