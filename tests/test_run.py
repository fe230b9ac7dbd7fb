"""The run folder: what it says, what it refuses, and that nested state survives being written."""

from __future__ import annotations

import json
import math
import resource

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genvae.errors import PluginError, RunError
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.tensor_files import load_tree, save_tree

leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text())
keys = st.one_of(st.integers(), st.text())
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3), st.tuples(inner, inner)
    ),
    max_leaves=12,
)


@given(trees)
def test_a_tree_of_plain_values_comes_back_with_its_types(tmp_path_factory, tree):
    path = tmp_path_factory.mktemp("tree") / "tree.safetensors"
    save_tree(path, tree)
    assert load_tree(path) == tree


def test_a_trained_optimizer_comes_back_exactly(tmp_path):
    weight = torch.nn.Parameter(torch.randn(3, 2, generator=torch.Generator().manual_seed(0)))
    optimizer = torch.optim.AdamW([weight], lr=math.pi / 1000)
    weight.square().sum().backward()
    optimizer.step()
    save_tree(tmp_path / "state.safetensors", optimizer.state_dict())
    loaded = load_tree(tmp_path / "state.safetensors")
    expected = optimizer.state_dict()
    assert loaded["param_groups"] == expected["param_groups"]
    assert loaded["state"].keys() == expected["state"].keys()
    for name, tensor in expected["state"][0].items():
        assert torch.equal(loaded["state"][0][name], tensor)


def test_a_truncated_tree_is_an_error_that_names_the_file(tmp_path):
    path = tmp_path / "state.safetensors"
    save_tree(path, {"a": torch.ones(100)})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(RunError, match=r"state\.safetensors is damaged"):
        load_tree(path)


def test_the_description_holds_every_option_the_genres_and_the_spec(tiny_run):
    description = json.loads(tiny_run.description_path.read_text())
    assert description["pipeline"]["genres"] == ["drum & bass", "rock", "techno"]
    assert description["pipeline"]["model"]["options"]["latent_dim"] == 4
    assert description["pipeline"]["model"]["options"]["learning_rate"] == 1e-3  # a default, written out
    assert description["pipeline"]["vocoder"]["distribution"] == "genvae"
    assert description["spec"]["n_fft"] == 256


def test_the_digest_changes_with_any_weight_and_any_option(tiny_run):
    before = tiny_run.digest()
    weights = bytearray(tiny_run.weights_path.read_bytes())
    weights[-1] ^= 1
    tiny_run.weights_path.write_bytes(weights)
    changed = tiny_run.digest()
    tiny_run.description_path.write_text(
        tiny_run.description_path.read_text().replace('"iterations": 4', '"iterations": 5')
    )
    assert len({before, changed, tiny_run.digest()}) == 3


def test_a_loaded_run_is_what_was_saved_and_set_to_inference(tiny_run):
    pipeline = tiny_run.load(installed())
    assert not any(module.training for module in pipeline.modules())
    again = Run(tiny_run.path).load(installed())
    for name, tensor in pipeline.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name])


def test_loading_leaves_the_global_generator_alone(tiny_run):
    before = torch.get_rng_state()
    tiny_run.load(installed())
    assert torch.equal(torch.get_rng_state(), before)


def test_an_unfinished_run_says_how_to_go_on(tiny_run):
    tiny_run.weights_path.unlink()
    with pytest.raises(RunError, match=r"has not ended. Try: genvae\.train\(store=STORE, run=.*, resume=True\)"):
        tiny_run.load(installed())


def test_a_missing_plugin_says_which_distribution_brings_it(tiny_run):
    description = json.loads(tiny_run.description_path.read_text())
    description["pipeline"]["prior"] |= {"plugin": "flow", "distribution": "genvae-flows", "version": "2.1"}
    tiny_run.description_path.write_text(json.dumps(description))
    with pytest.raises(Exception, match=r"needs the prior 'flow' 2\.1 of genvae-flows.*pip install genvae-flows"):
        Run(tiny_run.path).load(installed())


def test_features_that_mean_something_else_than_in_training_are_refused_by_field(tiny_run):
    """As when another version of a transform is installed than the one that the model was trained with."""
    description = json.loads(tiny_run.description_path.read_text())
    description["spec"]["hop"] = 64
    tiny_run.description_path.write_text(json.dumps(description))
    with pytest.raises(RunError, match="features with hop = 64, but the transform that is installed gives 128"):
        Run(tiny_run.path).load(installed())


def test_a_run_of_a_newer_format_asks_for_an_upgrade(tiny_run):
    description = json.loads(tiny_run.description_path.read_text()) | {"format": 99, "genvae": "9.0"}
    tiny_run.description_path.write_text(json.dumps(description))
    with pytest.raises(RunError, match=r"newer genvae \(9\.0\): upgrade"):
        Run(tiny_run.path)


def change(run, section, **values):
    description = json.loads(run.description_path.read_text())
    (description["pipeline"][section] if section else description["pipeline"]).update(values)
    run.description_path.write_text(json.dumps(description))
    return Run(run.path)


def test_a_change_after_the_seal_is_noticed_before_anything_is_loaded(tiny_run):
    tiny_run.seal()
    assert tiny_run.verify() == []
    weights = bytearray(tiny_run.weights_path.read_bytes())
    weights[-3] ^= 16  # a weight, which nothing else would tell
    tiny_run.weights_path.write_bytes(weights)
    [said] = tiny_run.verify()
    assert "weights.safetensors is damaged" in said
    with pytest.raises(RunError, match=r"weights\.safetensors is damaged: its content is another"):
        tiny_run.load(installed())
    (tiny_run.path / "seal.json").write_text("{")
    with pytest.raises(RunError, match=r"seal\.json is damaged"):
        tiny_run.load(installed())
    (tiny_run.path / "seal.json").unlink()
    tiny_run.load(installed())  # as runs of older versions are


def test_parts_out_of_proportion_to_the_weights_are_refused_before_they_are_made(tiny_run):
    described = json.loads(tiny_run.description_path.read_text())["pipeline"]["model"]["options"]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RunError, match=r"pipeline\.json describes parts .*model\.width = 8192"):
        change(tiny_run, "model", options=described | {"width": 8192}).load(installed())
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000  # KiB


@pytest.mark.parametrize(
    ("section", "name"), [("vocoder", "iterations"), ("model", "latent_dim"), ("transform", "n_fft")]
)
def test_an_option_of_a_file_that_is_out_of_its_range_is_the_files_fault(tiny_run, section, name):
    described = json.loads(tiny_run.description_path.read_text())["pipeline"][section]["options"]
    with pytest.raises(RunError, match=rf"{section}\.{name} takes"):
        change(tiny_run, section, options=described | {name: 10**9}).load(installed())


@pytest.mark.parametrize(
    "name",
    ["x; curl example.org | sh", "a b", "-r http:", "x\nError: run", "", "--index-url=x", "$(sh).py", "../x.py"],
)
def test_a_name_that_is_none_never_becomes_a_command(tiny_run, name):
    for values in ({"distribution": name, "version": "1"}, {"distribution": "fine", "version": f"1{name} ;"}):
        with pytest.raises(PluginError) as told:
            change(tiny_run, "prior", plugin="p", **values).load(installed())
        assert "pip install" not in str(told.value)
        assert "--plugin" not in str(told.value)
        assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("prior", {"distribution": 3}),
        ("prior", {"version": ["1"]}),
        ("prior", {"options": [1]}),
        (None, {"sample_rate": float("inf")}),
        (None, {"clip_samples": 2**62}),
        (None, {"genres": ["a", "a"]}),
        (None, {"genres": 7}),
        (None, {"model": None}),
    ],
)
def test_values_of_the_wrong_kind_are_damage(tiny_run, section, values):
    with pytest.raises(RunError, match=r"damaged"):
        change(tiny_run, section, **values)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format": 1e999}', '{"format": NaN}', "\x00", "7", "[]"])
def test_json_that_no_writer_gives_is_damage(tiny_run, text):
    tiny_run.description_path.write_text(text)
    with pytest.raises(RunError, match=r"pipeline\.json is damaged"):
        Run(tiny_run.path)
