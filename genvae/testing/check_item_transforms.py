"""Checks of transforms of items that are no sounds: shapes as the spec says, there and back, and state."""

from __future__ import annotations

import torch
from torch import Tensor

from genvae.interfaces.transform import Transform
from genvae.plugin.declarations import TransformPlugin
from genvae.spec import FeatureSpec
from genvae.testing.check import check
from genvae.testing.failure import CheckFailure, expect_close, expect_shape
from genvae.testing.items import example_items, item_kind
from genvae.testing.reload import reloaded
from genvae.testing.subject import Subject


def _ready(subject: Subject) -> tuple[Transform, Tensor]:
    """The transform, and four items."""
    assert isinstance(subject.plugin, TransformPlugin)
    transform: Transform = subject.make(sample_rate=0)
    return transform.eval(), example_items(4, item_kind(subject.plugin.items).shape)


@check
@torch.no_grad()
def gives_the_frames_of_its_spec(subject: Subject) -> None:
    """Items give spec.bins x spec.frames(their last axis), and `invert` keeps the shape."""
    transform, items = _ready(subject)
    if not isinstance(spec := getattr(transform, "spec", None), FeatureSpec):
        raise CheckFailure("`spec` to be a genvae.FeatureSpec, set in __init__", repr(spec))
    shape = (len(items), spec.bins, spec.frames(items.shape[-1]))
    features = expect_shape(transform(items), shape, "features of 4 items")
    expect_shape(transform.invert(features), shape, "inverted features")


@check
@torch.no_grad()
def comes_back(subject: Subject) -> None:
    """`invert` gives the items back, as no vocoder stands behind it."""
    transform, items = _ready(subject)
    transform.fit([items])
    expect_close(
        transform.invert(transform(items)), items, 0.01, "the items from `invert`, to 1 % of the largest value"
    )


@check
@torch.no_grad()
def batch_equals_single(subject: Subject) -> None:
    """An item gives the same features alone and in a batch with others."""
    transform, items = _ready(subject)
    alone = torch.cat([transform(item[None]) for item in items])
    expect_close(transform(items), alone, 3e-3, "the same features alone and in a batch", scale=1.0)


@check
@torch.no_grad()
def state_survives(subject: Subject) -> None:
    """What `fit` learnt is in the state: saved and loaded into a new one, it gives the same features."""
    transform, items = _ready(subject)
    transform.fit(iter(items[:, None].unbind(0)))
    fresh = reloaded(transform, subject.make(sample_rate=0).eval())
    what = "the same features after saving and loading; what `fit` learns must be in buffers"
    expect_close(fresh(items), transform(items), 0, what)
