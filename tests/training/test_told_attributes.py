"""Attributes in training: what batches tell, which models are told, and what a run keeps of them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TONE_RATE
from torch import Tensor, nn

import genvae
from genvae.attributes import Attribute
from genvae.clips.attributes import FILE, ClipAttribute
from genvae.clips.batches import attributes_of
from genvae.clips.estimates import level
from genvae.clips.store import ClipStore
from genvae.errors import OptionError, RunError
from genvae.interfaces.model import TrainingStep
from genvae.plugin.registry import forget_file, use_file
from genvae.run import Run
from genvae.training.data import HIDDEN, Batches
from genvae.training.job import new_job
from genvae.training.plan import Budget

SMALL = {
    "transform.n_fft": 256,
    "transform.hop": 128,
    "model.width": 16,
    "model.neck": 4,
    "model.latent_dim": 4,
    "train.batch_size": 16,
    "train.callbacks": (),
}


@pytest.fixture(scope="module")
def loud_store(tone_store: Path, tmp_path_factory: pytest.TempPathFactory) -> ClipStore:
    """The store of tones, which keeps how loud each is."""
    out = tmp_path_factory.mktemp("loud") / "store"
    options = {"sample_rate": TONE_RATE, "clip_ms": 500, "workers": 1, "progress": False}
    return genvae.prepare(tone_store.parent / "music", out, attributes=["loudness", "tempo"], **options)


def learnt(store: ClipStore) -> tuple[Attribute, ...]:
    return (Attribute.of("loudness", store.attributes["loudness"].values, unit="dB"),)


def test_a_clip_that_begins_elsewhere_is_told_its_own_loudness(loud_store: ClipStore) -> None:
    [attribute] = learnt(loud_store)
    numbers = loud_store.select(split="train")
    batches = Batches(loud_store, numbers, batch_size=32, seed=1, shift=True, attributes=[attribute])
    batch = batches.at(3)
    assert batch.attributes is not None
    told = batch.attributes.numpy()
    known = told[:, 1] == 1
    assert known.any()
    np.testing.assert_array_equal(told[known], attribute.told(level(batch.waves.numpy()))[known])
    assert (told[~known] == 0).all()
    again = batches.at(3).attributes
    assert again is not None
    assert torch.equal(again, batch.attributes)


def test_attributes_are_hidden_as_often_as_is_said(loud_store: ClipStore) -> None:
    numbers = loud_store.select(split="train")
    batches = Batches(loud_store, numbers, batch_size=len(numbers), seed=1, attributes=learnt(loud_store))
    told = torch.cat([rows for step in range(60) if (rows := batches.at(step).attributes) is not None])
    hidden = float((told[:, 1] == 0).float().mean())
    assert hidden == pytest.approx(1 - (1 - HIDDEN) ** 2, abs=0.02)


def test_words_of_a_run_that_was_begun_elsewhere_keep_their_places(loud_store: ClipStore) -> None:
    values = np.array([0, 1, np.nan], np.float32)
    kept = ClipAttribute(name="key", unit="", words=("A", "C"), estimated=False, values=values)
    store = ClipStore.open(loud_store.path)
    store._attributes = {"key": kept}, "digest"
    rows = attributes_of(store, np.arange(3), [Attribute(name="key", words=("C", "D"))])
    assert rows is not None
    assert rows.tolist() == [[0, 0], [1, 0], [0, 0]]


def test_a_batch_that_is_computed_in_parts_tells_each_part_its_own() -> None:
    heard: list[Tensor] = []

    class Hears(genvae.Model):
        latent_dim = 1

        def __init__(self) -> None:
            nn.Module.__init__(self)
            self.weight = nn.Parameter(torch.ones(1))

        def loss(
            self, features: Tensor, genre: Tensor, *, generator: torch.Generator, attributes: Tensor | None = None
        ) -> dict[str, Tensor]:
            assert attributes is not None
            heard.append(attributes)
            return {"loss": (self.weight * features).mean()}

        encode = decode = None  # type: ignore[assignment]

    model, rows = Hears(), torch.arange(14.0).reshape(7, 2)
    step = TrainingStep(
        [torch.optim.SGD(model.parameters(), 0.1)],
        torch.autograd.backward,
        model.loss,
        torch.Generator(),
        accumulate=3,
        attributes=rows,
    )
    model.training_step(torch.ones(7, 2, 2), torch.zeros(7, dtype=torch.int64), step)
    assert len(heard) == 3
    assert torch.equal(torch.cat(heard), rows)


def test_a_run_keeps_what_it_learnt_of_them_and_can_be_asked(loud_store: ClipStore, tmp_path: Path) -> None:
    run = genvae.train(
        loud_store, tmp_path / "run", steps=3, model="conv-vae", options=SMALL, attributes="loudness", progress=False
    )
    [attribute] = run.config.attributes
    values = loud_store.attributes["loudness"].values[loud_store.select(split="train")]
    assert attribute.mean == pytest.approx(values.mean(), rel=1e-4)
    assert attribute.unit == "dB"
    clip = genvae.load(run).generate("low", seed=1, attributes={"loudness": attribute.least})
    assert clip.provenance.attributes == {"loudness": attribute.least}
    further = genvae.train(
        loud_store, tmp_path / "more", steps=2, source=run, progress=False, options={"train.callbacks": ()}
    )
    assert further.config.attributes == run.config.attributes
    with pytest.raises(OptionError, match="was trained with the attributes loudness: leave `attributes` out"):
        genvae.train(loud_store, tmp_path / "other", steps=2, source=run, attributes=["tempo"], progress=False)


def test_a_stopped_training_goes_on_only_with_the_same_attributes(loud_store: ClipStore, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(loud_store.path, store)
    path = tmp_path / "run"
    values = {"model": {"width": 16, "neck": 4, "latent_dim": 4}, "transform": {"n_fft": 256, "hop": 128}}
    job = new_job(
        path,
        ClipStore.open(store),
        budget=Budget(steps=2),
        plugins={"model": "conv-vae"},
        values=values,
        attributes=["loudness"],
    )
    assert job.create is not None
    job.create(job.options)
    (store / FILE).unlink()
    with pytest.raises(RunError, match="keeps other attributes of its clips than when"):
        genvae.train(store, path, resume=True, progress=False)
    shutil.copy(loud_store.path / FILE, store / FILE)
    assert genvae.train(store, path, resume=True, progress=False).finished


def test_what_the_store_does_not_keep_is_refused_with_the_command_that_keeps_it(
    tone_store: Path, loud_store: ClipStore, tmp_path: Path
) -> None:
    ask = {"steps": 1, "model": "conv-vae", "options": SMALL, "progress": False}
    with pytest.raises(OptionError, match="keeps no attribute 'loudness'") as refused:
        genvae.train(tone_store, tmp_path / "run", attributes=["loudness"], **ask)
    assert refused.value.cure is not None
    assert refused.value.cure.fields["attributes"] == "loudness"
    with pytest.raises(OptionError, match=r"Of no training clip .* the attribute 'tempo' is known"):
        genvae.train(loud_store, tmp_path / "run", attributes=["tempo"], **ask)
    assert not (tmp_path / "run").exists()


OLD = """
import torch, genvae
class Old(genvae.Model):
    latent_dim = 2
    def __init__(self, options, *, spec, frames, genres):
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.layer, self.back = torch.nn.Linear(spec.bins * frames, 4), torch.nn.Linear(2, spec.bins * frames)
        self.shape = (spec.bins, frames)
    def encode(self, features, genre):
        return genvae.Posterior(*self.layer(features.flatten(1)).chunk(2, dim=1))
    def decode(self, z, genre, *, generator=None):
        return self.back(z).unflatten(1, self.shape)
    def loss(self, features, genre, *, generator):
        return {"loss": (self.decode(self.encode(features, genre).mean, genre) - features).square().mean()}
@genvae.hookimpl
def genvae_models():
    yield genvae.ModelPlugin(name="old", summary="S.", factory="old_model:Old", conditional=False)
"""


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "old_model.py"
    file.write_text(OLD)
    use_file(file)
    yield file
    forget_file(file)


def test_a_model_that_says_nothing_of_attributes_never_sees_any(
    old: Path, loud_store: ClipStore, tmp_path: Path
) -> None:
    options = {"transform.n_fft": 256, "transform.hop": 128, "train.callbacks": ()}
    run = genvae.train(loud_store, tmp_path / "run", steps=2, model="old", options=options, progress=False)
    assert "attributes" not in json.loads(run.description_path.read_text())["pipeline"]
    assert "attributes" not in run.data
    assert genvae.load(run).generate("low", seed=1).wave.isfinite().all()
    with pytest.raises(OptionError, match=r"'old' takes no `attributes`. Those that do: .*conv-vae.*flow-vae"):
        genvae.train(
            loud_store, tmp_path / "no", steps=2, model="old", options=options, attributes=["loudness"], progress=False
        )
    assert Run(run.path).config.attributes == ()
