"""Checks of vocoders that learn, which those without a loss pass as they are."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor

from genvae.interfaces.training_step import TrainingStep
from genvae.interfaces.vocoder import Vocoder
from genvae.testing.check import check
from genvae.testing.failure import expect, expect_close, seeded, unchanged
from genvae.testing.reload import reloaded
from genvae.testing.sounds import music, noise, tone
from genvae.testing.subject import Subject
from genvae.testing.vocoder_setup import alike, learns, must_learn, rate_of
from genvae.training.contract import loss_parts, optimizers_of

SAMPLES = 4096
STEPS = 60
"""Steps in which the loss of one batch must have come down, and every weight been reached."""


def _step(
    vocoder: Vocoder, optimizers: list[torch.optim.Optimizer], pair: tuple[Tensor, Tensor], number: int
) -> dict[str, Tensor]:
    """One step of training, as the loop takes it."""

    def loss(*inputs: Any, **options: Any) -> dict[str, Tensor]:
        return loss_parts(vocoder.loss(*inputs, **options), vocoder.loss)

    step = TrainingStep(
        optimizers,
        torch.autograd.backward,
        loss,
        seeded(number),
        number=number,
        progress=number / STEPS,
        waves=pair[1],
    )
    torch.manual_seed(number)
    with unchanged():
        return loss_parts(vocoder.training_step(*pair, step), vocoder.training_step)


def _setup(subject: Subject) -> tuple[Vocoder, tuple[Tensor, Tensor]]:
    """A vocoder that is about to be trained, and a batch (spectrogram [3, bins, frames], wave [3, samples])."""
    vocoder, feed = alike(subject)
    rate = rate_of(subject)
    waves = torch.cat([music(SAMPLES, rate), 0.3 * noise(1, SAMPLES), tone(700.0, SAMPLES, rate)])
    pair = feed(waves), waves
    vocoder.fit([pair])
    return vocoder.train(), pair


@check
def learns_where_it_says_so(subject: Subject) -> None:
    """With `learns=True` it has a loss; training on a batch reaches every weight and, unless adversarial, lowers it."""
    if not learns(subject):
        expect(not must_learn(subject), "`loss`, as `learns=True` is declared", "there is none")
        return
    vocoder, pair = _setup(subject)
    optimizers = optimizers_of(vocoder.optimizers(), vocoder.optimizers)
    missed = {name: weight for name, weight in vocoder.named_parameters() if weight.requires_grad}
    before = [each.clone() for each in pair]
    losses = []
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        for number in range(STEPS):
            losses.append(float(_step(vocoder, optimizers, pair, number)["loss"].detach()))
            expect(losses[-1] == losses[-1], "a loss that is a number", f"NaN at step {number + 1}")
            missed = {name: p for name, p in missed.items() if p.grad is None or not p.grad.any()}
    for name, tensor, then in zip(("spectrogram", "wave"), pair, before, strict=True):
        expect(torch.equal(tensor, then), f"the {name} as it was", "training changes it in place")
    expect(not missed, "a gradient for every weight (or requires_grad_(False))", f"none for {', '.join(missed)}")
    if vocoder.adversarial:
        return  # what a contest's networks lose together goes up as well as down, and not alike on all processors
    first, last = sum(losses[:5]) / 5, sum(losses[-5:]) / 5
    expect(last < first, f"a lower loss after {STEPS} steps on one batch", f"{last:.4g}, and {first:.4g} at first")


@check
def resumes_to_the_same_weights(subject: Subject) -> None:
    """Training that is stopped and goes on from its state ends with the weights of one that was not stopped."""
    if not learns(subject):
        return
    ends = []
    for stop in (False, True):
        vocoder, pair = _setup(subject)
        optimizers = optimizers_of(vocoder.optimizers(), vocoder.optimizers)
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            for number in range(6):
                if stop and number == 3:
                    states = copy.deepcopy([each.state_dict() for each in optimizers])
                    vocoder = reloaded(vocoder, alike(subject)[0]).train()
                    optimizers = optimizers_of(vocoder.optimizers(), vocoder.optimizers)
                    for optimizer, state in zip(optimizers, states, strict=True):
                        optimizer.load_state_dict(state)
                _step(vocoder, optimizers, pair, number)
        ends.append(vocoder.state_dict())
    for name, value in ends[0].items():
        if value.is_floating_point():
            what = f"the same {name} when training is resumed: keep what changes in a parameter or a buffer"
            expect_close(ends[1][name], value, 1e-6, what)


@check
@torch.no_grad()
def reload_equals(subject: Subject) -> None:
    """Saved and loaded into a new one, it makes the same waveform."""
    vocoder, (spectrogram, _) = _setup(subject)
    fresh = reloaded(vocoder, alike(subject)[0])
    expect_close(
        fresh.eval()(spectrogram), vocoder.eval()(spectrogram), 1e-6, "the same waveform after saving and loading"
    )
