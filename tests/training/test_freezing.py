"""Training a few networks of a model (`train.only`)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genvae.errors import OptionError
from genvae.training.freezing import learn_only


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.still = nn.Linear(2, 2), nn.Linear(2, 2), nn.Identity()


def test_only_the_named_networks_change_in_a_step() -> None:
    model = Two()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    learn_only(model, ["second"])
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.5)
    model.second(model.first(torch.ones(1, 2))).sum().backward()
    optimizer.step()
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    assert changed == {"second.weight", "second.bias"}


def test_without_names_all_networks_learn() -> None:
    model = Two()
    learn_only(model, ())
    assert all(weight.requires_grad for weight in model.parameters())


@pytest.mark.parametrize("name", ["third", "still"])
def test_a_network_that_is_not_there_or_has_no_weights_is_refused_with_those_that_are(name: str) -> None:
    with pytest.raises(OptionError, match=rf"train.only: Two has no network '{name}'.*It has: first, second"):
        learn_only(Two(), ["first", name])
