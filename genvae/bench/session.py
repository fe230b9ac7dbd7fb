"""One run of the benchmark: its suites one after the other, under the same conditions."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from genvae.bench import machine
from genvae.bench.contest import Measurement
from genvae.bench.harness import Conditions, measure, pinned, reason
from genvae.bench.sounds import Sounds
from genvae.bench.suites import Context, cases
from genvae.plugin.registry import Registry

ON_THE_CPU = frozenset({"startup", "decode", "prepare", "generate", "map", "serve"})
"""Suites whose work has no use for another device."""


class Session:
    """What is to be measured, and under what conditions.

    Args:
        suites: names from SUITES.
        sounds: a folder of recordings; None for invented music.
        run: to generate with; None for the pretrained one.
        thorough: more cases, and twice the rounds in four times the time.
        status: is told what is being measured.

    Attributes:
        machine: what it runs on, in plain values. described: the same in words, with the sounds.
    """

    def __init__(
        self,
        suites: Sequence[str],
        registry: Registry,
        conditions: Conditions,
        *,
        sounds: Path | None = None,
        run: Path | None = None,
        thorough: bool = False,
        status: Callable[[str], object] = lambda text: None,
    ) -> None:
        self._suites, self._registry, self._run, self._status = suites, registry, run, status
        self._thorough = thorough
        if thorough:
            conditions = replace(conditions, seconds=4 * conditions.seconds, rounds=2 * conditions.rounds)
        self._conditions = conditions
        self._sounds = Sounds(sounds, registry)
        self.machine = {
            **machine.describe(threads=conditions.threads, device=conditions.device),
            "sounds": self._sounds.described,
        }
        self.described = f"{machine.in_words(self.machine)}\nMeasured on {self._sounds.described}."

    def measurements(self) -> Iterator[list[Measurement]]:
        """The measurements of case after case."""
        with pinned(self._conditions.threads), tempfile.TemporaryDirectory(prefix="genvae-bench-") as scratch:
            for suite in self._suites:
                yield from self._measured(suite, Path(scratch))

    def _measured(self, suite: str, scratch: Path) -> Iterator[list[Measurement]]:
        conditions = self._conditions
        if suite in ON_THE_CPU:
            conditions = replace(conditions, device="cpu", synchronize=None)
        context = Context(
            conditions=conditions,
            registry=self._registry,
            sounds=self._sounds,
            thorough=self._thorough,
            scratch=scratch,
            run=self._run,
        )
        self._status(f"{suite}: making ready")
        suite_cases = cases(suite, context)
        while True:
            try:
                case = next(suite_cases)
            except StopIteration:
                return
            except Exception as error:  # the other suites can do without this one
                yield [
                    Measurement(
                        suite=suite,
                        case="whole",
                        contender="all",
                        metric="value",
                        value=None,
                        unit="",
                        threads=conditions.threads,
                        device=conditions.device,
                        better="lower",
                        reason=reason(error),
                    )
                ]
                return
            self._status(f"{suite}: {case.name}")
            yield measure(case, conditions)
