"""Tells callbacks how a training goes; one that fails costs a warning and itself, never the training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from operator import methodcaller
from typing import Any

import torch
from torch import nn

from genvae.errors import GenvaeError
from genvae.interfaces.callback import Callback, Training
from genvae.pipeline import PartConfig
from genvae.plugin.guard import BrokenContract, defined_at, guarded, named, strict
from genvae.plugin.registry import Registry
from genvae.tensor_files import packed


class Callbacks:
    """The callbacks of one session.

    Args:
        registry: where they come from.
        parts: which ones; none of them in a process other than the first.
        training: what they are told of; its numbers are brought up to date by who calls.
        warn: tells and keeps a warning.
    """

    def __init__(
        self, registry: Registry, parts: Iterable[PartConfig], training: Training, warn: Callable[[str], None]
    ) -> None:
        self.training, self._warn = training, warn
        self._callbacks: dict[str, Callback] = {}
        for part in parts:
            callback = registry.make("callback", part.name, part.options)
            assert isinstance(callback, Callback)
            self._callbacks[part.name] = callback

    def load(self, states: Mapping[str, Mapping[str, Any]]) -> None:
        """Go on from what `state` gave."""
        for name, state in states.items():
            self._call(name, "going on", methodcaller("load", state))

    def state(self) -> dict[str, Mapping[str, Any]]:
        """What each needs after a resumption, by name."""
        states: dict[str, Mapping[str, Any]] = {}

        def keep(callback: Callback) -> None:
            state = callback.state()
            who = f"state{defined_at(callback.state)}"
            if not isinstance(state, Mapping):
                raise BrokenContract(f"{who} returns {named(state)}, expected a dict of plain values and tensors")
            try:
                packed(state)
            except (TypeError, ValueError, RecursionError) as error:
                what = f"{who} gives what no checkpoint can hold ({error})"
                raise BrokenContract(f"{what}: return plain values and tensors alone") from error
            states[name] = dict(state)

        for name in list(self._callbacks):
            self._call(name, "saying what it knows", keep)
        return states

    def tell(self, event: str, *arguments: Any) -> None:
        """Call `on_EVENT` of each with the training and what else there is to tell."""
        for name in list(self._callbacks):
            self._call(name, f"in on_{event}", methodcaller(f"on_{event}", self.training, *arguments))

    def _call(self, name: str, doing: str, call: Callable[[Callback], Any]) -> None:
        callback = self._callbacks.get(name)
        if callback is None:
            return
        try:
            with _apart(self.training.pipeline), guarded(_what(name, doing), type(callback).__module__):
                call(callback)
        except GenvaeError as error:
            if strict():
                raise
            del self._callbacks[name]
            self._warn(f"{error} Training goes on without it.")


def _what(name: str, doing: str) -> str:
    distribution, _, plugin = name.rpartition(":")
    return f"The callback {plugin!r} of {distribution} failed {doing}"


@contextmanager
def _apart(module: nn.Module) -> Iterator[None]:
    """Within, nothing that is drawn, and no mode of the modules, changes what the training does."""
    enabled = torch.is_grad_enabled()
    modes = {each: each.training for each in module.modules()}
    devices = sorted({p.device.index or 0 for p in module.parameters() if p.device.type == "cuda"})
    with torch.random.fork_rng(devices):
        try:
            yield
        finally:
            torch.set_grad_enabled(enabled)
            for each, mode in modes.items():
                each.training = mode
