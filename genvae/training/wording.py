"""What a training says to people: what is about to happen and what to expect of it, and which number got better."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genvae.files import MISREAD
from genvae.training.plan import Budget

MEASURED = ((5.0, 39_000, "10 of 20"), (30.0, 163_000, "15 of 20"), (120.0, 504_000, "16 of 20"))
"""Minutes, clips that were trained on, and how many new clips were taken for their genre: docs/training.md."""

_FAR = 300 * 86_400.0  # seconds to a day whose name still says which one it is
_OPEN = "which tells little where networks learn against each other"  # of a loss
_BETA_HELD = 0.01  # of a weight that is learnt, below which two losses compare


def opening(
    what: str, device: str, *, weights: int, clips: int, held_out: int, batch: int, step: int, budget: Budget
) -> str:
    """What is about to be trained, on what, for how long.

    Args:
        what: the plugin.
        device: as people call it.
        weights: how many numbers are trained.
        clips: to train on.
        held_out: clips for validation.
        batch: clips in a step.
        step: that the training stands at.
        budget: how long.
    """
    verb = f"Going on at step {step:,} with" if step else "Training"
    steps = budget.total_steps(clips // min(batch, clips))
    planned = f"for {budget.minutes:g} minutes" if steps is None else f"{steps:,} step{'s' * (steps != 1)}"
    return (
        f"{verb} {what} on {device}: {weights:,} weights, {clips:,} clip{'s' * (clips != 1)} ({held_out:,} held out), "
        f"batches of {min(batch, clips)}, {planned}."
    )


def expectation(budget: Budget, steps: int | None, batch: int) -> str:
    """What quality was measured for a budget like this one, in a line.

    Args:
        budget: how long.
        steps: that it stands for, None where time decides.
        batch: clips in a step.
    """
    if steps is None:
        assert budget.minutes is not None  # where no steps are counted, time is
        spent = [row for row in MEASURED if row[0] <= budget.minutes]
    else:
        spent = [row for row in MEASURED if row[1] <= steps * batch]
    if not spent:
        minutes, clips, right = MEASURED[0]
        return (
            f"Expect little: of the shortest training that was measured, {minutes:g} minutes on one core or {clips:,} "
            f"clips, {right} new clips were taken for their genre."
        )
    minutes, clips, right = spent[-1]
    return (
        f"What to expect: with {minutes:g} minutes on one core, or {clips:,} clips, {right} new clips were taken for "
        "their genre where that was measured (docs/training.md)."
    )


def ending(seconds: float) -> str:
    """When the steps will have ended, so many seconds from now."""
    if seconds > _FAR:  # no clock on the wall knows that time, nor does the system's calendar know all of them
        return f"Expected end: {duration(seconds)} from now."
    now = time.time()
    end, today = time.localtime(now + seconds), time.localtime(now)
    same = (end.tm_year, end.tm_yday) == (today.tm_year, today.tm_yday)
    clock = time.strftime("%H:%M" if same else "%a %d %b, %H:%M", end)
    return f"Expected end: {clock}, {duration(seconds)} from now."


def duration(seconds: float) -> str:
    """A length of time as people say it.

    >>> duration(40), duration(125), duration(2 * 3600 + 600)
    ('40 s', '2 min', '2 h 10 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


@dataclass
class Validations:
    """The validations of a run so far, which say of a new one whether it got better.

    The number to watch is the loss, the one that training brings down, on clips that it doesn't train on.

    Attributes:
        history: step and values of each, in their order.
    """

    history: list[tuple[int, Mapping[str, float]]] = field(default_factory=list)

    @classmethod
    def logged(cls, path: Path, step: int) -> Validations:
        """Those up to a step that stand in a log, which may be missing or torn."""
        validations = cls()
        for line in path.read_bytes().splitlines() if path.exists() else ():
            try:
                entry: dict[str, Any] = json.loads(line)
                if entry["kind"] == "validation" and entry["step"] <= step:
                    numbers = {name: float(value) for name, value in entry.items() if type(value) in (int, float)}
                    validations.history.append((int(entry["step"]), {**numbers, "loss": float(entry["loss"])}))
            except MISREAD:
                continue
        return validations

    def describe(self, step: int, values: Mapping[str, float], *, adversarial: bool = False) -> str:
        """Take in a validation, and say it in a line, the number to watch first.

        Args:
            step: that the training stands at.
            values: by their names.
            adversarial: whether the loss is that of networks against each other.
        """
        judged = _OPEN if adversarial else self._judged(step, values)
        self.history.append((step, values))
        others = "  ".join(f"{name} {value:.4g}" for name, value in values.items() if name != "loss")
        return f"step {step}  validation loss {values['loss']:.4g} ({judged})  {others}".rstrip()

    def verdict(
        self, *, held_out: bool, off: str = "Reconstructions without texture are", adversarial: bool = False
    ) -> str:
        """How good the run is at its end, as far as validation can tell.

        Args:
            adversarial: whether the loss is that of networks against each other.
            held_out: whether the clips were of recordings that it was not trained on.
            off: what `distance_db` is of.
        """
        step, last = self.history[-1]
        whose = "recordings that it was not trained on" if held_out else "its own training clips"
        sentence = f"Validation loss {last['loss']:.4g} on {whose}"
        others = [(at, values["loss"]) for at, values in self.history[:-1] if at != step]
        if adversarial:
            sentence += f", {_OPEN}"
        elif others:
            at, least = min(others, key=lambda each: each[1])
            if last["loss"] < least:
                sentence += f", the best of {len(others) + 1}"
            else:
                sentence += f"; it was {least:.4g} at step {at}, so more of the same training would hardly help"
        if "distance_db" in last:
            sentence += f". {off} {last['distance_db']:.1f} dB off"
        return f"{sentence}. How good new clips are, `genvae evaluate` measures."

    def _judged(self, step: int, values: Mapping[str, float]) -> str:
        before = [(at, other) for at, other in self.history if at != step]
        if not before:
            return "the number to watch: lower is better"
        at, last = before[-1]
        change = values["loss"] - last["loss"]
        if "beta" in values and abs(values["beta"] - last.get("beta", 0.0)) > _BETA_HELD * abs(values["beta"]):
            return f"{last['loss']:.4g} at step {at}, but its weights have moved since, so the two hardly compare"
        best = change < 0 and all(values["loss"] < other["loss"] for _, other in before)
        if change == 0:
            return f"as at step {at}"
        return f"{'better' if change < 0 else 'worse'} than {last['loss']:.4g} at step {at}{', the best so far' * best}"
