"""Every logged value as a TensorBoard event."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import genvae


class TensorBoard(genvae.Callback):
    """Events in RUN/tensorboard; those of steps that a killed training left are dropped."""

    _writer: Any = None

    def on_start(self, training: genvae.Training) -> None:
        """Open the file of events."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(training.folder / "tensorboard"), purge_step=training.step + 1)

    def on_step(self, training: genvae.Training, values: Mapping[str, float]) -> None:
        """Write the values."""
        self._write("train", training.step, values)

    def on_validation(self, training: genvae.Training, values: Mapping[str, float]) -> None:
        """Write the values."""
        self._write("validation", training.step, values)

    def on_checkpoint(self, training: genvae.Training) -> None:
        """Let nothing wait in memory that a checkpoint would not bring back."""
        self._writer.flush()

    def on_finish(self, training: genvae.Training) -> None:
        """Close the file."""
        self._writer.close()

    def _write(self, kind: str, step: int, values: Mapping[str, float]) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"{kind}/{name}", value, step)
