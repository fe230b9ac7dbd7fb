"""How much room on the disk a training takes."""

from __future__ import annotations

from torch import nn

from genvae.files import require_space
from genvae.pipeline import Pipeline
from genvae.run import Run

_MOMENTS = 2  # that an optimiser such as Adam keeps of each weight


def require_space_for_training(run: Run, pipeline: Pipeline, trained: nn.Module, *, clips: int, averaged: bool) -> None:
    """See before training whether its checkpoints and what it ends in have room.

    A checkpoint is written beside the one before it, and the weights and latents beside the last.

    Args:
        run: that is trained.
        pipeline: its parts.
        trained: the one that learns.
        clips: for training.
        averaged: whether an average of the weights is kept, too.

    Raises:
        DiskError: they have none.
    """
    weights = sum(tensor.nbytes for tensor in pipeline.state_dict().values())
    learnt = sum(weight.nbytes for weight in trained.parameters())
    checkpoint = weights + (_MOMENTS + averaged) * learnt
    latents = 4 * clips * pipeline.model.latent_dim
    require_space(run.path, checkpoint + max(checkpoint, weights + latents), "This training needs")
