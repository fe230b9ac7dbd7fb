"""Checks of models: gradients, shapes, that a batch can be learnt, what a genre changes, draws and state."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from genvae.attributes import Attribute, attribute_dim, told
from genvae.interfaces.model import Model, Posterior
from genvae.interfaces.training_step import TrainingStep
from genvae.pipeline import Pipeline
from genvae.plugin.declarations import SOUNDS, ModelPlugin
from genvae.testing.check import check
from genvae.testing.failure import CheckFailure, expect, expect_close, expect_shape, seeded, unchanged
from genvae.testing.items import example_items
from genvae.testing.partners import pipeline_with
from genvae.testing.reload import reloaded
from genvae.testing.subject import Subject
from genvae.testing.suggestions import suggests_what_exists as suggests_what_exists
from genvae.threads import one_thread
from genvae.training.contract import loss_parts, optimizers_of

GENRES = ("one", "two")
RATE = 8000
SAMPLES = 3840
REACHING_STEPS = 60
STEPS = 400
"""Steps in which a model must have learnt a batch by heart."""
ATTRIBUTES = (Attribute(name="key", words=("C", "D", "E")), Attribute(name="tempo", mean=120, deviation=20, most=200))
TOLD_STEPS = 8
ENOUGH = 0.5
"""The part of the clips' variance that reconstructions may then miss."""


@dataclass(frozen=True)
class Setup:
    """A pipeline around the model, and a batch of three tones.

    Attributes:
        pipeline: with the model in it.
        features: [3, bins, frames].
        genre: [3], the index of each.
        waves: [3, samples], that the features are of.
        attributes: what the model is told of them, [3, attribute_dim], or None.
    """

    pipeline: Pipeline
    features: Tensor
    genre: Tensor
    waves: Tensor
    attributes: Tensor | None = field(default=None, kw_only=True)

    @property
    def model(self) -> Model:
        """The model."""
        return self.pipeline.model


def _setup(subject: Subject, samples: int = SAMPLES, attributes: tuple[Attribute, ...] = ()) -> Setup:
    pipeline = pipeline_with(subject, sample_rate=RATE, clip_samples=samples, genres=GENRES, attributes=attributes)
    if pipeline.config.items != SOUNDS:
        return _item_setup(pipeline)
    time = torch.arange(samples) / RATE
    pitches = torch.tensor([[300.0], [700.0], [1500.0]])  # two of them in one genre, which can't tell those apart
    waves = 0.3 * torch.sin(2 * torch.pi * pitches * time) + 0.01 * torch.randn(3, samples, generator=seeded())
    with torch.no_grad():
        pipeline.transform.fit([waves])
        features = pipeline.transform(waves)
    return Setup(pipeline, features, torch.tensor([0, 1, 0]), waves)


def _item_setup(pipeline: Pipeline) -> Setup:
    """The same with items that are no sounds."""
    items = example_items(3, pipeline.kind.shape)
    with torch.no_grad():
        pipeline.transform.fit([items])
        return Setup(pipeline, pipeline.transform(items), torch.tensor([0, 1, 0]), items)


@dataclass(frozen=True)
class Learnt(Setup):
    """The same after training on the batch.

    Attributes:
        left: the part of the batch's variance that reconstructions miss.
        steps: how many it trained.
    """

    left: float
    steps: int


def _learnt(subject: Subject) -> Learnt:
    """Train on one batch until its clips can be told apart in their reconstructions, or the steps are spent."""
    if "learnt" in subject.cache:
        earlier: Learnt = subject.cache["learnt"]
        return earlier
    setup = _setup(subject)
    model = setup.model.train()
    optimizers, generator = optimizers_of(model.optimizers(), model.optimizers), seeded()
    left, steps = 1.0, 0
    with torch.random.fork_rng(devices=[]), torch.enable_grad():  # a check that only decodes may be the first to ask
        torch.manual_seed(0)  # for dropout and the like
        while steps < STEPS:
            parts = _step(setup, optimizers, generator, steps)
            steps += 1
            _expect_number(parts["loss"], steps)
            if steps % 20 == 0 and (left := _left(setup)) < ENOUGH:
                break
    learnt = Learnt(setup.pipeline, setup.features, setup.genre, setup.waves, left, steps)
    model.eval()
    subject.cache["learnt"] = learnt
    return learnt


def _step(
    setup: Setup, optimizers: list[torch.optim.Optimizer], generator: torch.Generator, number: int
) -> dict[str, Tensor]:
    """One step of training, as the loop takes it."""
    model = setup.model

    def loss(*inputs: Any, **options: Any) -> dict[str, Tensor]:
        return loss_parts(model.loss(*inputs, **options), model.loss)

    step = TrainingStep(
        optimizers,
        torch.autograd.backward,
        loss,
        generator,
        number=number,
        progress=number / STEPS,
        waves=setup.waves,
        attributes=setup.attributes,
    )
    with unchanged():
        return loss_parts(model.training_step(setup.features, setup.genre, step), model.training_step)


def _expect_number(loss: Tensor, steps: int) -> None:
    """Raise CheckFailure for a loss that is NaN, or has grown beyond all numbers."""
    if bool(loss.isnan()):
        cure = "look for a logarithm or square root of 0, or 0 / 0"
        cure = cure if steps == 1 else f"{cure}, or lower the learning rate"
        raise CheckFailure("a loss that is a number", f"NaN at step {steps}: {cure}")
    cure = "look for an exponential, or a division by 0" if steps == 1 else "the learning rate is too high"
    expect(not bool(loss.isinf()), "a finite loss", f"infinite at step {steps}: {cure}")


@torch.no_grad()
def _left(setup: Setup) -> float:
    """Of what tells the clips of the batch apart, the part that reconstructions miss, in the kindest of all modes."""
    features, genre, model = setup.features, setup.genre, setup.model
    variance = (features - features.mean(0)).square().mean()
    least = float("inf")
    for training in (True, False):  # batch normalisation knows only the former's statistics yet
        for generator in (None, seeded()):  # a decoder may have to draw
            if least >= ENOUGH:
                model.train(training)
                decoded = model.decode(model.encode(features, genre).mean, genre, generator=generator)
                least = min(least, float((decoded - features).square().mean() / variance))
    model.train()
    return least


@check
def encodes_and_decodes(subject: Subject) -> None:
    """`encode` gives a Posterior of latent_dim dimensions, `decode` the features' shape, for clips of any length."""
    for samples in (SAMPLES, 130, 3001):
        setup = _setup(subject, samples)
        model = setup.model.eval()
        latent_dim = getattr(model, "latent_dim", None)
        expect(isinstance(latent_dim, int), "`latent_dim` to be set in __init__, as a whole number", repr(latent_dim))
        with torch.no_grad():
            posterior = model.encode(setup.features, setup.genre)
            expect(isinstance(posterior, Posterior), "`encode` to return a genvae.Posterior", type(posterior).__name__)
            for name in ("mean", "log_variance"):
                expect_shape(getattr(posterior, name), (3, model.latent_dim), f"of 3 clips, posterior.{name}")
            for generator in (None, seeded()):
                decoded = model.decode(posterior.mean, setup.genre, generator=generator)
                expect_shape(decoded, setup.features.shape, f"of clips of {samples} samples, decoded features")


@check
def every_parameter_gets_a_gradient(subject: Subject) -> None:
    """Some training steps reach every parameter that wants a gradient, each at least once."""
    setup = _setup(subject)
    model = setup.model.train()
    optimizers, generator = optimizers_of(model.optimizers(), model.optimizers), seeded(1)
    missed = {name: p for name, p in model.named_parameters() if p.requires_grad}
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)  # for dropout and the like
        for number in range(REACHING_STEPS):  # what starts at zero hides what is behind it, and a stage may come later
            _step(setup, optimizers, generator, number)
            missed = {name: p for name, p in missed.items() if p.grad is None or not p.grad.any()}
            if not missed:
                break
    expect(not missed, "a gradient for every parameter (or requires_grad_(False))", f"none for {', '.join(missed)}")


@check
@torch.no_grad()
def computes_in_single_precision(subject: Subject) -> None:
    """Weights, latents and decoded features are float32, as the features are."""
    setup = _setup(subject)
    model = setup.model.eval()
    other = {
        name: p.dtype for name, p in model.named_parameters() if p.is_floating_point() and p.dtype != torch.float32
    }
    shown = ", ".join(f"{name} is {dtype}" for name, dtype in list(other.items())[:3])
    expect(not other, "weights in float32", shown)
    posterior = model.encode(setup.features, setup.genre)
    expect(posterior.mean.dtype == torch.float32, "latents in float32", f"{posterior.mean.dtype}")
    decoded = model.decode(posterior.mean, setup.genre)
    expect(decoded.dtype == torch.float32, "decoded features in float32", f"{decoded.dtype}")


@check
def leaves_its_input(subject: Subject) -> None:
    """`loss`, `encode`, `decode` and a training step change no tensor that they are given."""
    setup = _setup(subject)
    model = setup.model.train()
    inputs = {"features": setup.features, "genre": setup.genre, "waves": setup.waves}
    before = {name: tensor.clone() for name, tensor in inputs.items()}
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        _step(setup, optimizers_of(model.optimizers(), model.optimizers), seeded(), 0)
    model.eval()
    with torch.no_grad():
        model.loss(setup.features, setup.genre, generator=seeded())
        z = model.encode(setup.features, setup.genre).mean.clone()
        inputs["z"], before["z"] = z, z.clone()
        model.decode(z, setup.genre, generator=seeded())
    changed = [name for name, tensor in inputs.items() if not torch.equal(tensor, before[name])]
    expect(not changed, "what it is given as it was", f"{', '.join(changed)} changed in place")


@check
@torch.no_grad()
def decodes_each_as_if_alone(subject: Subject) -> None:
    """`decode_each` gives a clip, to the bit, what `decode` gives for it alone with the same generator."""
    setup = _setup(subject)
    model = setup.model.eval()
    with one_thread():
        z = model.encode(setup.features, setup.genre).mean
        together = model.decode_each(z, setup.genre, generators=[seeded(number) for number in range(len(z))])
        pairs = zip(torch.split(z, 1), torch.split(setup.genre, 1), strict=True)
        alone = torch.cat([model.decode(*pair, generator=seeded(number)) for number, pair in enumerate(pairs)])
    expect_shape(together, alone.shape, "features of `decode_each`")
    apart = float((together - alone).abs().max())
    expect(
        torch.equal(together, alone), "`decode_each` to give what `decode` gives for one alone", f"{apart:.2g} apart"
    )


@check
def resumes_to_the_same_weights(subject: Subject) -> None:
    """Training that is stopped and goes on from its state ends with the weights of one that was not stopped."""
    apart = _apart_after_resuming(subject)
    if apart is None:
        return
    unavoidable = _apart_after_resuming(subject, stop=False)  # on some machines two trainings are never quite the same
    name, size = apart
    expect(
        unavoidable is not None and size <= 10 * unavoidable[1],
        "the same weights when training is resumed: count in a buffer, or use step.number and step.progress",
        f"{name} differs by {size:.2g}; something that training changes is neither a parameter nor a buffer",
    )


def _apart_after_resuming(subject: Subject, *, stop: bool = True) -> tuple[str, float] | None:
    """The weight that two trainings, of which the second may be stopped and resumed, differ in most."""
    ends = []
    for resumed in (False, stop):
        setup = _setup(subject)
        model = setup.model.train()
        optimizers = optimizers_of(model.optimizers(), model.optimizers)
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            for number in range(8):
                if resumed and number == 4:
                    states = copy.deepcopy([each.state_dict() for each in optimizers])
                    model = reloaded(model, _setup(subject).model).train()
                    setup.pipeline.model = model
                    optimizers = optimizers_of(model.optimizers(), model.optimizers)
                    for optimizer, state in zip(optimizers, states, strict=True):
                        optimizer.load_state_dict(state)
                torch.manual_seed(number)
                _step(setup, optimizers, seeded(number), number)
        ends.append(model.state_dict())
    one, other = ends
    apart = {
        name: float((value.double() - other[name].double()).abs().max())
        for name, value in one.items()
        if value.numel() and not torch.equal(value, other[name])
    }
    return max(apart.items(), key=lambda pair: pair[1]) if apart else None


@check
def overfits_one_batch(subject: Subject) -> None:
    """Trained on three clips alone, it reconstructs more than half of what tells them apart."""
    learnt = _learnt(subject)
    expect(
        learnt.left < ENOUGH,
        f"less than half of the clips' variance to be missed after {STEPS} steps",
        f"{100 * learnt.left:.0f} % is missed: the latents carry too little (is the KL weight too high?), "
        "or the learning rate is too low",
    )


@check
@torch.no_grad()
def genre_changes_the_output_where_it_says_so(subject: Subject) -> None:
    """With `conditional=True` another genre decodes to something else, with False it does not."""
    learnt = _learnt(subject)
    z = torch.randn(2, learnt.model.latent_dim, generator=seeded())
    one, other = (learnt.model.decode(z, torch.full((2,), g), generator=seeded(1)) for g in (0, 1))
    changed = float((one - other).abs().max()) > 1e-6 * float(one.abs().max())
    says = isinstance(subject.plugin, ModelPlugin) and subject.plugin.conditional
    if says:
        expect(changed, "another genre to change what is decoded, or conditional=False in the declaration", "the same")
    else:
        expect(not changed, "the same for every genre, or conditional=True in the declaration", "it changes")


@check
def is_told_of_attributes_where_it_says_so(subject: Subject) -> None:
    """With `attributes=True` other attributes decode to something else, and none at all to what a row of zeros does."""
    if not (isinstance(subject.plugin, ModelPlugin) and subject.plugin.attributes):
        return
    values: tuple[dict[str, float | str], ...] = (
        {"key": "C", "tempo": 90.0},
        {"key": "D", "tempo": 150.0},
        {"tempo": 120.0},
    )
    rows = torch.cat([torch.from_numpy(told(each, ATTRIBUTES)) for each in values])  # [3, attribute_dim]
    setup = replace(_setup(subject, attributes=ATTRIBUTES), attributes=rows)
    model = setup.model.train()
    optimizers, generator = optimizers_of(model.optimizers(), model.optimizers), seeded()
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(0)  # for dropout and the like
        for number in range(TOLD_STEPS):  # it may begin as a model that hears nothing of them
            _step(setup, optimizers, generator, number)
    _expect_told(setup)


@torch.no_grad()
def _expect_told(setup: Setup) -> None:
    model, genre, rows = setup.model.eval(), setup.genre, setup.attributes
    assert rows is not None
    z = torch.randn(3, model.latent_dim, generator=seeded())

    def decoded(attributes: dict[str, Tensor]) -> Tensor:
        return model.decode(z, genre, generator=seeded(1), **attributes)

    one, other = decoded({"attributes": rows}), decoded({"attributes": rows.roll(1, 0)})
    changed = float((one - other).abs().max()) > 1e-6 * float(one.abs().max())
    expect(changed, "other attributes to change what is decoded, or attributes=False in the declaration", "the same")
    nothing = {"attributes": torch.zeros(3, attribute_dim(ATTRIBUTES))}
    expect_close(decoded(nothing), decoded({}), 0, "the same without attributes as with zeros, which say nothing")
    if type(model).decode_each is Model.decode_each:
        return
    with one_thread():
        alone = [
            model.decode(z[i : i + 1], genre[i : i + 1], generator=seeded(i), **{"attributes": rows[i : i + 1]})
            for i in range(3)
        ]
        asked = {"attributes": rows}
        together = model.decode_each(z, genre, generators=[seeded(i) for i in range(3)], **asked)
    same = torch.equal(together, torch.cat(alone))
    expect(same, "`decode_each` to give what `decode` gives for one alone, with attributes too", "something else")


@check
def draws_from_the_generator_alone(subject: Subject) -> None:
    """In inference the same seed gives the same loss and the same features; torch's global generator is left alone."""
    learnt = _learnt(subject)
    model, features, genre = learnt.model, learnt.features, learnt.genre
    z = torch.randn(3, model.latent_dim, generator=seeded())
    state = torch.get_rng_state()
    with torch.no_grad():
        losses = [model.loss(features, genre, generator=seeded(3))["loss"] for _ in range(2)]
        drawn = [model.decode(z, genre, generator=seeded(3)) for _ in range(2)]
        plain = [model.decode(z, genre) for _ in range(2)]
    untouched = torch.equal(torch.get_rng_state(), state)
    expect(untouched, "torch's global generator as it was", "loss or decode draws from it: use `generator`")
    expect_close(losses[0], losses[1], 0, "the same loss for the same seed")
    expect_close(drawn[0], drawn[1], 0, "the same features for the same seed")
    expect_close(plain[0], plain[1], 0, "the same features each time, without a generator")


@check
@torch.no_grad()
def batch_equals_single(subject: Subject) -> None:
    """In inference a clip is encoded and decoded the same alone and in a batch."""
    learnt = _learnt(subject)
    model, features, genre = learnt.model, learnt.features, learnt.genre
    together = model.encode(features, genre).mean
    alone = torch.cat([model.encode(features[i : i + 1], genre[i : i + 1]).mean for i in range(3)])
    expect_close(together, alone, 1e-3, "the same latents alone and in a batch")
    decoded = model.decode(together, genre)
    alone = torch.cat([model.decode(together[i : i + 1], genre[i : i + 1]) for i in range(3)])
    expect_close(decoded, alone, 1e-3, "the same features alone and in a batch")


@check
@torch.no_grad()
def reload_equals(subject: Subject) -> None:
    """Saved and loaded into a new one, it encodes and decodes the same."""
    learnt = _learnt(subject)
    fresh = reloaded(learnt.model, _setup(subject).model).eval()
    one, other = (model.encode(learnt.features, learnt.genre).mean for model in (learnt.model, fresh))
    expect_close(other, one, 1e-6, "the same latents after saving and loading")
    one, other = (model.decode(one, learnt.genre) for model in (learnt.model, fresh))
    expect_close(other, one, 1e-6, "the same features after saving and loading")
