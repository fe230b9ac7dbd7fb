"""What a model is handed in a training step, and a batch that is computed in parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import genvae
from genvae.errors import OptionError
from genvae.plugin.registry import forget_file, use_file

OWN = """
import json, torch, genvae
from genvae.testing.sounds import tone
class Asks(genvae.Model):
    latent_dim = 2
    def __init__(self, options, *, spec, frames, genres):
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.layer = torch.nn.Linear(spec.bins * frames, 4)
        self.back = torch.nn.Linear(2, spec.bins * frames)
        self.shape = (spec.bins, frames)
        self.register_buffer("numbers", torch.full((8,), -1.0))
        self.register_buffer("progresses", torch.full((8,), -1.0))
        self.register_buffer("loudest", torch.zeros(1))
    def encode(self, features, genre):
        return genvae.Posterior(*self.layer(features.flatten(1)).chunk(2, dim=1))
    def decode(self, z, genre, *, generator=None):
        return self.back(z).unflatten(1, self.shape)
    def loss(self, features, genre, *, generator):
        return {"loss": (self.decode(self.encode(features, genre).mean, genre) - features).square().mean()}
    def training_step(self, features, genre, step):
        self.numbers[step.number], self.progresses[step.number] = step.number, step.progress
        self.loudest = step.waves.abs().max()[None]
        assert len(step.waves) == len(features)
        return super().training_step(features, genre, step)
@genvae.hookimpl
def genvae_models():
    yield genvae.ModelPlugin(name="asks", summary="S.", factory="own_steps:Asks", conditional=False)
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "own_steps.py"
    file.write_text(OWN)
    use_file(file)
    yield file
    forget_file(file)


OPTIONS = {"transform.n_fft": 256, "transform.hop": 128, "train.batch_size": 16, "train.callbacks": ()}


def test_a_step_says_its_number_the_progress_and_the_waveforms(tone_store: Path, tmp_path: Path, own: Path) -> None:
    run = genvae.train(tone_store, tmp_path / "run", steps=4, model="asks", options=OPTIONS, progress=False)
    from safetensors.torch import load_file

    state = load_file(run.weights_path)
    assert state["model.numbers"].tolist() == [0, 1, 2, 3, -1, -1, -1, -1]
    assert state["model.progresses"].tolist() == [0, 0.25, 0.5, 0.75, -1, -1, -1, -1]
    assert 0.1 < float(state["model.loudest"]) <= 1  # the tones' amplitude is 0.4


def test_a_model_with_a_step_of_its_own_is_not_accumulated(tone_store: Path, tmp_path: Path, own: Path) -> None:
    with pytest.raises(OptionError, match="the model 'asks' has a training step of its own"):
        genvae.train(
            tone_store,
            tmp_path / "run",
            steps=1,
            model="asks",
            options={**OPTIONS, "train.accumulate": 2},
            progress=False,
        )


class Plain(genvae.Model):
    """A model whose loss is a mean over clips."""

    latent_dim = 3

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.layer = nn.Linear(3, 3)
        self.sizes: list[int] = []

    def encode(self, features: Tensor, genre: Tensor) -> genvae.Posterior:
        raise NotImplementedError

    def decode(self, z: Tensor, genre: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        raise NotImplementedError

    def loss(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        self.sizes.append(len(features))
        return {"loss": (self.layer(features) - genre[:, None]).square().mean()}

    def optimizers(self) -> Sequence[torch.optim.Optimizer]:  # type: ignore[override]
        return [torch.optim.SGD(self.parameters(), lr=0.1)]


@pytest.mark.parametrize("parts", [2, 3, 7, 50])
def test_a_batch_in_parts_gives_the_weights_of_the_whole(parts: int) -> None:
    features, genre = torch.randn(7, 3, generator=torch.Generator().manual_seed(0)), torch.arange(7)
    models = [Plain(), Plain()]
    models[1].load_state_dict(models[0].state_dict())
    values = []
    for model, accumulate in zip(models, (1, parts), strict=True):
        step = genvae.TrainingStep(
            model.optimizers(), torch.autograd.backward, model.loss, torch.Generator(), accumulate=accumulate
        )
        values.append(float(model.training_step(features, genre, step)["loss"]))
    assert values[0] == pytest.approx(values[1], rel=1e-6)
    assert torch.allclose(models[0].layer.weight, models[1].layer.weight, atol=1e-6)
    assert len(models[1].sizes) == min(parts, 7)
    assert max(models[1].sizes) == -(-7 // min(parts, 7))
