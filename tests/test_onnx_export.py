"""The exported decoder makes in onnxruntime what the model makes in torch, and says what that means."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import GENRES, Genvae
from torch import Tensor

import genvae
from genvae import onnx_export
from genvae.audio.limiter import limited
from genvae.errors import GenvaeError, PluginError
from genvae.onnx_export import Draw, _draws_of, _exported, export_onnx
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer, item_generator


@pytest.fixture(scope="module")
def exported(tiny_run_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "decoder.onnx"
    done = export_onnx(Run(tiny_run_path), installed(), path)
    assert done.difference < onnx_export.TOLERANCE
    return path


def test_the_same_draws_give_the_same_features_in_another_runtime(exported: Path, tiny_run_path: Path) -> None:
    session = onnxruntime.InferenceSession(exported, providers=["CPUExecutionProvider"])
    model = Run(tiny_run_path).load(installed()).model
    z = torch.randn(1, model.latent_dim, generator=torch.Generator().manual_seed(5))
    for index in range(len(GENRES)):
        with torch.no_grad():
            wanted = model.decode(z, torch.tensor([index]), generator=torch.Generator().manual_seed(7))
        [_, _, noise] = session.get_inputs()
        drawn = torch.randn(*noise.shape, generator=torch.Generator().manual_seed(7))
        given = {"z": z.numpy(), "genre": np.array([index]), noise.name: drawn.numpy()}
        [features] = session.run(["features"], given)
        np.testing.assert_allclose(features, wanted.numpy(), atol=1e-3)


def test_the_file_says_what_its_features_mean(exported: Path, tiny_run_path: Path) -> None:
    model = onnx.load(exported)
    onnx.checker.check_model(model)
    said = json.loads(next(entry.value for entry in model.metadata_props if entry.key == "genvae"))
    run = Run(tiny_run_path)
    assert said["run"] == run.digest()
    assert said["genres"] == list(GENRES)
    assert said["spec"] == run.spec.to_json()
    assert said["sample_rate"] == run.config.sample_rate
    [draw] = said["draws"]
    assert draw["distribution"] == "normal"


def test_the_command_writes_a_mean_that_draws_nothing(genvae: Genvae, tiny_run_path: Path) -> None:
    result = genvae("export", tiny_run_path, "--mean", "--json")
    assert result.exit_code == 0, result.output
    said = json.loads(result.stdout)
    assert said["draws"] == []
    assert said["inputs"].keys() == {"z", "genre"}
    session = onnxruntime.InferenceSession(said["path"], providers=["CPUExecutionProvider"])
    model = Run(tiny_run_path).load(installed()).model
    z = torch.ones(1, model.latent_dim)
    [features] = session.run(None, {"z": z.numpy(), "genre": np.array([1])})
    with torch.no_grad():
        np.testing.assert_allclose(features, model.decode(z, torch.tensor([1])).numpy(), atol=1e-3)
    again = genvae("export", tiny_run_path)
    assert again.exit_code == 3
    assert "decoder.onnx exists" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere is not a run"),
        (["nowhere", "-o", "no/x.onnx"], "there is no folder no"),
        (["nowhere", "--format", "pickle"], "'pickle' is not"),
        (["--part", "spectrogram", "--mean"], "--mean is of the decoder alone"),
    ],
)
def test_wrong_input_is_refused_in_words(genvae: Genvae, arguments: Sequence[str], said: str) -> None:
    result = genvae("export", *arguments)
    assert result.exit_code
    assert said in result.stderr


def _made(made: Any) -> Any:
    """A part as far as finding its draws goes."""
    return SimpleNamespace(compute=made)


def test_every_draw_becomes_an_input_in_its_order() -> None:
    def made(z: Tensor, *, generator: torch.Generator) -> Tensor:
        torch.randn(4)  # not of this generator, so none of its draws
        return torch.rand(3, generator=generator).sum() + torch.randn(1, 2, generator=generator).sum()

    draws, values = _draws_of(_made(made), [torch.zeros(1, 2)])
    assert draws == (Draw("draw_0", "uniform", (3,)), Draw("draw_1", "normal", (1, 2)))
    assert [value.shape for value in values] == [(3,), (1, 2)]


def test_a_draw_that_can_not_be_an_input_is_named() -> None:
    def made(z: Tensor, *, generator: torch.Generator) -> Tensor:
        return torch.randint(3, (1,), generator=generator)

    with pytest.raises(GenvaeError, match="draws with randint"):
        _draws_of(_made(made), [torch.zeros(1, 2)])


def test_a_model_that_can_not_be_traced_is_named_in_one_line() -> None:
    class Stubborn(torch.nn.Module):
        def forward(self, z: Tensor) -> Tensor:
            raise ValueError("only on Sundays\nor never")

    with pytest.raises(PluginError, match=r"model 'stubborn' can't be exported: ValueError: only on Sundays$"):
        _exported(Stubborn(), (torch.ones(1, 2),), ["z"], "decoder", "stubborn")


@pytest.fixture(scope="module")
def preferring(tone_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose prior prefers some of its draws."""
    path = tmp_path_factory.mktemp("preferring") / "run"
    options = {"transform.n_fft": 256, "transform.hop": 128, "model.width": 32, "prior.draws": 3}
    genvae.train(tone_store, path, model="conv-vae", prior="local", steps=2, options=options, progress=False)
    pipeline = Run(path).load(installed())
    z = torch.randn(60, pipeline.model.latent_dim)
    with torch.no_grad():
        pipeline.prior.learn_preference(z, torch.arange(60) % 3, z[:, 0], generator=torch.Generator().manual_seed(0))
    Run(path).save_weights(pipeline)
    Run(path).seal()
    return path


@pytest.mark.parametrize("which", ["tiny_run_path", "preferring"])
def test_all_that_comes_before_the_vocoder_is_what_a_clip_is_made_of(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    run, path = Run(request.getfixturevalue(which)), tmp_path / "spectrogram.onnx"
    genre = run.config.genres[1]
    done = export_onnx(run, installed(), path, part="spectrogram")
    generator = item_generator(3, genre, 5)
    make = {"normal": torch.randn, "uniform": torch.rand}
    given = {draw.name: make[draw.distribution](*draw.shape, generator=generator).numpy() for draw in done.draws}
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    given |= {"genre": np.array([1]), "temperature": np.full(1, 0.7, np.float32)}
    [spectrogram] = session.run(["spectrogram"], given)
    pipeline = run.load(installed())
    with torch.no_grad():
        wave = pipeline.vocoder(torch.from_numpy(spectrogram), length=run.config.clip_samples)[0]
    wanted = Synthesizer(run, installed()).generate(genre, seed=3, index=5, temperature=0.7).wave.numpy()
    wave = limited(wave, run.config.sample_rate).numpy()
    assert np.linalg.norm(wave - wanted) < 0.05 * np.linalg.norm(wanted)


def test_a_file_that_differs_from_torch_is_not_written(
    tiny_run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Liar:
        def __init__(self, content: bytes, providers: object) -> None:
            """Reads nothing."""

        def get_inputs(self) -> list[SimpleNamespace]:
            return [SimpleNamespace(name="z"), SimpleNamespace(name="genre")]

        def run(self, names: object, given: dict[str, Any]) -> list[Any]:
            run = Run(tiny_run_path)
            return [np.full((1, run.spec.bins, run.spec.frames(run.config.clip_samples)), 9.0, np.float32)]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Liar)
    monkeypatch.setattr(onnx_export, "_exported", lambda *arguments: onnx.ModelProto())
    with pytest.raises(GenvaeError, match=r"differs from torch by .* Nothing was written"):
        export_onnx(Run(tiny_run_path), installed(), tmp_path / "x.onnx", mean=True)
    assert not list(tmp_path.iterdir())


def test_a_missing_library_is_named_with_what_brings_it(
    tiny_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnx_export, "_NEEDS", ("onnx", "onnx_that_is_not_here"))
    with pytest.raises(GenvaeError, match=r"onnx_that_is_not_here.*genvae\[export\]"):
        export_onnx(tiny_run, installed(), tmp_path / "x.onnx")
