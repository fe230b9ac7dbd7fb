"""Beginning where another run ended: its weights, with what it knows of each genre brought to other genres."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genvae.errors import RunError, SpecMismatch
from genvae.interfaces.vocoder import Vocoder
from genvae.pipeline import SECTIONS, Pipeline
from genvae.plugin.registry import Registry
from genvae.run import Run


@torch.no_grad()
def inherit(pipeline: Pipeline, source: Run, registry: Registry) -> None:
    """Take over the transform's statistics and the model's weights of a trained run, and its vocoder's if that is ours.

    What a model knows of a genre stands in its `nn.Embedding` layers with a row a genre: a genre that the source has
    too keeps its row, a new one begins at the mean of all. A whole network that the source does without begins anew.

    Raises:
        RunError: the source's training has not ended, it is damaged, or its weights have other shapes.
    """
    theirs = source.load(registry)
    genres, before = pipeline.config.genres, theirs.config.genres
    rows = _rows(pipeline.model, genres)
    same = pipeline.config.vocoder == theirs.config.vocoder
    for section in ("transform", "model", "vocoder") if same else ("transform", "model"):
        own, source_state = getattr(pipeline, section).state_dict(), getattr(theirs, section).state_dict()
        known = {name.partition(".")[0] for name in source_state}
        inherited = {name: tensor for name, tensor in own.items() if name.partition(".")[0] in known}
        if inherited.keys() != source_state.keys():
            raise RunError(f"{source.path} has another {section} than this run: leave its options as they are.")
        for name, tensor in inherited.items():
            value = source_state[name]
            if section == "model" and name in rows:
                value = _brought(value, before, genres)
            if value.shape != tensor.shape:
                raise RunError(
                    f"{source.path} can't be continued: the {section}'s {name} has the shape "
                    f"{list(value.shape)} there and {list(tensor.shape)} here."
                )
            tensor.copy_(value)


def take_over(pipeline: Pipeline, source: Run, registry: Registry) -> bool:
    """Take over every part of a trained run, but for a vocoder that is none of its own.

    Returns:
        whether the vocoder is the run's own.

    Raises:
        RunError: the source's training has not ended, or it is damaged.
    """
    theirs = source.load(registry)
    own = pipeline.config.vocoder == theirs.config.vocoder
    for section in SECTIONS if own else [each for each in SECTIONS if each != "vocoder"]:
        getattr(pipeline, section).load_state_dict(getattr(theirs, section).state_dict())
    return own


@torch.no_grad()
def take_vocoder(vocoder: Vocoder, source: Run, registry: Registry) -> None:
    """Take over what the vocoder of a trained run has learnt, and nothing else of it.

    Raises:
        RunError: the source's training has not ended, it is damaged, or its vocoder has other options.
        SpecMismatch: its vocoder is for other features.
    """
    theirs = source.load(registry).vocoder
    if differing := theirs.spec.differences(vocoder.spec):
        named = ", ".join(f"{name} = {value!r} (here {here!r})" for name, (value, here) in differing.items())
        raise SpecMismatch(f"The vocoder of {source.path} is for features with {named}.")
    own, learnt = vocoder.state_dict(), theirs.state_dict()
    if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in learnt.items()}:
        raise RunError(f"The vocoder of {source.path} has other options: leave those of the vocoder out.")
    vocoder.load_state_dict(learnt)


def _rows(model: nn.Module, genres: Sequence[str]) -> set[str]:
    """The names of the weights that have a row for each genre."""
    return {
        f"{name}.weight"
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding) and module.num_embeddings == len(genres)
    }


def _brought(rows: Tensor, before: Sequence[str], genres: Sequence[str]) -> Tensor:
    """Rows [before, n] -> [genres, n]."""
    return torch.stack([rows[before.index(genre)] if genre in before else rows.mean(0) for genre in genres])
