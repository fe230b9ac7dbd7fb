"""The average of the weights over the last steps."""

from __future__ import annotations

import torch
from torch import nn

from genvae.training.averaging import Average


def test_it_is_the_exponential_average_after_its_first_steps():
    model = nn.Linear(1, 1, bias=False)
    average = Average(model, 0.9)
    expected = model.weight.item()
    for step in range(1, 200):
        with torch.no_grad():
            model.weight.fill_(float(step % 7))
        average.update(step)
        decay = min(0.9, step / (step + 10))
        expected = decay * expected + (1 - decay) * (step % 7)
    last = model.weight.item()
    with average.in_place():
        assert abs(model.weight.item() - expected) < 1e-4
    assert model.weight.item() == last


def test_without_decay_the_weights_are_those_of_the_last_step():
    model = nn.Linear(3, 2)
    average = Average(model, 0.0)
    before = model.weight.detach().clone()
    average.update(1)
    with average.in_place():
        assert torch.equal(model.weight, before)
    assert average.state() == {}


def test_its_state_goes_on_where_it_was():
    model = nn.Linear(3, 2)
    first, second = Average(model, 0.5), Average(model, 0.5)
    with torch.no_grad():
        model.weight.add_(1.0)
    first.update(50)
    second.load(first.state())
    for name, tensor in second.state().items():
        assert torch.equal(tensor, first.state()[name])
