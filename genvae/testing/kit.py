"""Runs the checks of a plugin's kind: as a report, as the cases of a pytest function, or one by one."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from genvae.errors import OptionError, nearest
from genvae.plugin.declarations import SOUNDS, Plugin, TransformPlugin, VocoderPlugin
from genvae.plugin.guard import one_line, place, stdout_for_data
from genvae.plugin.registry import why_unavailable
from genvae.testing import (
    check_callbacks,
    check_datasets,
    check_declaration,
    check_embedders,
    check_item_transforms,
    check_metrics,
    check_models,
    check_priors,
    check_schedules,
    check_transforms,
    check_vocoders,
    check_whole,
)
from genvae.testing.check import Check, checks_in
from genvae.testing.endless import PATIENCE, Endless, bounded
from genvae.testing.failure import CheckFailure as CheckFailure
from genvae.testing.failure import unchanged
from genvae.testing.subject import Choice, Subject, find

if TYPE_CHECKING:
    import pytest

CheckState = Literal["passed", "failed", "expected", "unexpected", "unavailable"]

OF_KIND = {
    "dataset": check_datasets,
    "transform": check_transforms,
    "model": check_models,
    "prior": check_priors,
    "vocoder": check_vocoders,
    "schedule": check_schedules,
    "callback": check_callbacks,
    "embedder": check_embedders,
    "metric": check_metrics,
}


@dataclass(frozen=True)
class BoundCheck:
    """One check of one plugin; call it, and it raises CheckFailure where the plugin breaks its promise.

    Attributes:
        subject: the plugin.
        check: what is asked of it.
        expected: why it is expected to fail, None if it isn't.
        patience: seconds that it may take.
    """

    subject: Subject
    check: Check
    expected: str | None = None
    patience: float = PATIENCE

    @property
    def name(self) -> str:
        """The check's name."""
        return self.check.name

    @property
    def id(self) -> str:
        """A name that tells it from those of other plugins."""
        return f"{self.subject.kind}-{self.subject.row.name}-{self.name}"

    def unavailable(self) -> str | None:
        """Why it can't be run on this machine."""
        if self.check.light or self.subject.row.plugin is None:
            return None
        return why_unavailable(self.subject.row.plugin)

    def __call__(self) -> None:
        """Run the check.

        Raises:
            CheckFailure: the plugin breaks its promise, or raises what it should not.
        """
        read = self.check.read(self.subject.kind)
        try:
            with stdout_for_data(), bounded(self.patience), unchanged():
                self.check.function(self.subject)
        except CheckFailure as failure:
            raise CheckFailure(failure.expected, failure.actual, read) from failure.__cause__
        except Endless as error:
            limit = f"an end within {self.patience:g} seconds"
            raise CheckFailure(limit, f"none: it was still at work{self._place(error)}", read) from None
        except (Exception, SystemExit) as error:  # whatever a plugin raises
            actual = f"{one_line(error)}{self._place(error)}"
            raise CheckFailure(
                f"no error ({self.check.about[0].lower()}{self.check.about[1:]})", actual, read
            ) from error

    def _place(self, error: BaseException) -> str:
        """Where in the plugin it happened, or if none of its lines took part, where at all."""
        location = place(error, self.subject.plugin.factory) or place(error, self.subject.row.module)
        if location:
            return location
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f" ({last.filename}, line {last.lineno})"


def plugin_checks(
    target: str | Path,
    *,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    source: Choice = None,
    expected_failures: Mapping[str, str] | None = None,
) -> list[BoundCheck]:
    """The checks of every plugin that a target means.

    Args:
        target: the name of a plugin, or of a distribution for all of its plugins; or the Path of a project's folder, a
            package's folder or a Python file, installed or not.
        kind: needed where plugins of two kinds have the name.
        options: values by dotted names, `{"model.width": 32, "transform.n_fft": 256}`: small ones make checks quick.
        source: of a dataset, a path, or a function that writes one into an empty folder and returns its path; by
            default a folder of genres with three wav files each.
        expected_failures: reasons by the names of checks that are known to fail. They must: one that passes after all
            is a failure, so that the reason doesn't outlive its cause.

    Raises:
        PluginError: there is no such plugin.
        OptionError: there is no such check or option, or it does not take its value.
    """
    expected = dict(expected_failures or {})
    bound = []
    subjects = find(target, kind=kind, values=options, source=source)
    _share_options(subjects)
    for subject in subjects:
        bound += [BoundCheck(subject, each, expected.get(each.name)) for each in _checks_of(subject)]
    names = {each.name for each in bound}
    for name in expected.keys() - names:
        raise OptionError(f"`expect`: there is no check {name!r}. {nearest(name, names)}")
    return bound


def _fields(plugin: Plugin) -> set[str]:
    """The names of a plugin's options."""
    return {field.name for field in fields(plugin.options)}


def _share_options(subjects: list[Subject]) -> None:
    """Leave each plugin those of the given options that it has, where several are checked; refuse what none has.

    Raises:
        OptionError: there is no such option, or it does not take its value.
    """
    names: dict[str, set[str]] = {}
    for subject in subjects:
        if subject.row.plugin is not None:
            names.setdefault(subject.kind, set()).update(_fields(subject.row.plugin))
    for subject in subjects:
        if subject.row.plugin is None or subject.kind not in subject.options:
            continue
        others = names[subject.kind] - _fields(subject.row.plugin)
        own = {name: value for name, value in subject.options[subject.kind].items() if name not in others}
        subject.options = {**subject.options, subject.kind: own}
        try:
            subject.chosen()
        except OptionError:
            raise
        except Exception:  # of the plugin's own options, which a check will tell
            continue


def _checks_of(subject: Subject) -> list[Check]:
    declaration = checks_in(check_declaration)
    if subject.row.plugin is None:
        return declaration[:1]
    if subject.file:  # it is imported only when its user names it, so it may import what it likes
        declaration = [each for each in declaration if each is not check_declaration.imports_light]
    own = OF_KIND[subject.kind]
    if isinstance(subject.row.plugin, TransformPlugin) and subject.row.plugin.items != SOUNDS:
        own = check_item_transforms
    asked = checks_in(own)
    if isinstance(subject.row.plugin, VocoderPlugin) and subject.row.plugin.learns:
        asked = [each for each in asked if each not in check_vocoders.OF_TRAINED]
    whole = [] if subject.kind in ("embedder", "metric") else checks_in(check_whole)
    return [*declaration, *asked, *whole]


@dataclass(frozen=True)
class Outcome:
    """How a check ended.

    Attributes:
        plugin: whose check it was.
        kind: of that plugin.
        check: the check's name.
        about: what it asks, in a line.
        state: `passed`; `failed`; `expected`, it failed as expected; `unexpected`, it passed though it was expected to
            fail; `unavailable`, it can't run on this machine.
        seconds: what it took.
        expected: what should have come, or why it is expected to fail.
        actual: what came instead.
        read: where to read about it.
    """

    plugin: str
    kind: str
    check: str
    about: str
    state: CheckState
    seconds: float
    expected: str = ""
    actual: str = ""
    read: str = ""

    @property
    def good(self) -> bool:
        """Whether nothing is to be mended."""
        return self.state in ("passed", "expected")


@dataclass(frozen=True)
class Report:
    """What a plugin was found to do.

    Attributes:
        outcomes: of all checks.
    """

    outcomes: list[Outcome]

    @property
    def passed(self) -> bool:
        """Whether nothing is to be mended."""
        return all(outcome.good for outcome in self.outcomes)

    def failures(self) -> list[Outcome]:
        """What is to be mended."""
        return [outcome for outcome in self.outcomes if not outcome.good]


def check_plugin(
    target: str | Path,
    *,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    source: Choice = None,
    expected_failures: Mapping[str, str] | None = None,
) -> Report:
    """Run every check of a plugin; the arguments are those of `plugin_checks`.

    Raises:
        PluginError: there is no such plugin.
        OptionError: there is no such check or option.
    """
    bound = plugin_checks(target, kind=kind, options=options, source=source, expected_failures=expected_failures)
    return Report([outcome_of(each) for each in bound])


def outcome_of(bound: BoundCheck) -> Outcome:
    """Run one check and say how it ended."""
    began = time.perf_counter()
    state: CheckState = "passed"
    expected = actual = read = ""
    missing = bound.unavailable()
    if missing:
        state, expected, actual = "unavailable", "a plugin that can run on this machine", missing
    else:
        try:
            bound()
        except CheckFailure as failure:
            state, expected, actual, read = "failed", failure.expected, failure.actual, failure.read
            if bound.expected is not None:
                state = "expected"
        else:
            if bound.expected is not None:
                state = "unexpected"
                expected, actual = f"a failure, because {bound.expected}", "it passed: take it out of expected_failures"
    row = bound.subject.row
    seconds = time.perf_counter() - began
    return Outcome(row.name, row.kind, bound.name, bound.check.about, state, seconds, expected, actual, read)


def parametrize_checks(
    target: str | Path,
    *,
    kind: str | None = None,
    options: Mapping[str, Any] | None = None,
    source: Choice = None,
    expected_failures: Mapping[str, str] | None = None,
) -> pytest.MarkDecorator:
    """Decorate a test function of one argument, `check`, so that it is run for each check of a plugin.

    The arguments are those of `plugin_checks`. A check that is expected to fail is a strict xfail: should it pass, the
    test fails.

        @parametrize_checks("my-plugin", expected_failures={"keeps-a-tone": "it is trained on speech"})
        def test_conformance(check):
            check()
    """
    bound = plugin_checks(target, kind=kind, options=options, source=source, expected_failures=expected_failures)
    return parametrize(bound)


def parametrize(bound: Iterable[BoundCheck]) -> pytest.MarkDecorator:
    """As `parametrize_checks`, for checks that were gathered by `plugin_checks`."""
    import pytest

    cases = []
    missing: dict[int, str | None] = {}  # by subject: asking may import a library
    for each in bound:
        marks = []
        if not each.check.light:
            if (key := id(each.subject)) not in missing:
                missing[key] = each.unavailable()
            if reason := missing[key]:
                marks.append(pytest.mark.skip(reason=reason))
        if each.expected is not None:
            marks.append(pytest.mark.xfail(reason=each.expected, strict=True, raises=CheckFailure))
        cases.append(pytest.param(each, id=each.id, marks=marks))
    return pytest.mark.parametrize("check", cases)
