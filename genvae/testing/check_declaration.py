"""Checks of what a plugin says of itself: that it is sound and light, and its options and class are what they say."""

from __future__ import annotations

import dataclasses
import inspect
import json
import subprocess
import sys
from functools import cache
from typing import Any

from genvae.plugin import options
from genvae.testing.check import check, light
from genvae.testing.failure import CheckFailure, expect
from genvae.testing.subject import Subject

IMPORT_MS = 50
"""Milliseconds of the processor that importing a declaration may take, beyond what genvae itself takes."""

_HEAVY = ("torch", "numpy")
_PROGRAM = """
import json, sys, time
sys.path[:0] = json.loads(sys.argv[2])
import genvae.plugin.discovery, genvae.plugin.declarations
before = set(sys.modules)
began = time.process_time()
__import__(sys.argv[1])
print(json.dumps([1000 * (time.process_time() - began), sorted(set(sys.modules) - before)]))
"""


@light
def is_declared(subject: Subject) -> None:
    """The declaration is found, and nothing is wrong with it."""
    expect(subject.row.state != "clash", "a name that no other plugin of the kind has", subject.row.reason)
    expect(subject.row.state != "disabled", "a plugin that is not switched off", subject.row.reason)
    summary: object = subject.plugin.summary
    expect(isinstance(summary, str) and bool(summary) and "\n" not in summary, "a summary of one line", repr(summary))


@light
def imports_light(subject: Subject) -> None:
    """The module that declares imports in under 50 ms, and neither torch nor numpy."""
    module = subject.row.module.partition(":")[0]
    took, heavy = _import_cost(module, tuple(subject.paths))
    what = f"{module} to import no torch and no numpy: a factory's module may, as it is imported on first use"
    expect(not heavy, what, f"it imports {', '.join(heavy)}")
    expect(took < IMPORT_MS, f"{module} to be imported in under {IMPORT_MS} ms", f"{took:.0f} ms")


@cache
def _import_cost(module: str, paths: tuple[str, ...]) -> tuple[float, list[str]]:
    """Milliseconds of the processor, and heavy modules, of an import in a new process; the best of a few."""
    best, heavy = float("inf"), list[str]()
    for _ in range(5):
        search_path = json.dumps([*paths, *filter(None, sys.path)])
        done = subprocess.run([sys.executable, "-c", _PROGRAM, module, search_path], capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            raise CheckFailure(f"{module} to be imported in a new process", last)
        took, modules = json.loads(done.stdout.splitlines()[-1])
        best, heavy = min(best, took), [name for name in _HEAVY if name in modules]
        if best < IMPORT_MS or heavy:
            break
    return best, heavy


@light
def is_quiet(subject: Subject) -> None:
    """Importing the declaration prints nothing, warns of nothing, and leaves logging as it is."""
    row = subject.row
    expect(row.state != "noisy", f"{row.module} to be imported without a trace", row.reason)


@light
def options_round_trip(subject: Subject) -> None:
    """Options have defaults, are frozen, and survive JSON and the command line."""
    cls = subject.plugin.options
    required = [
        f.name
        for f in dataclasses.fields(cls)
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    expect(not required, "a default for every option", f"{', '.join(required)} of {cls.__name__} has none")
    params: Any = cls.__dataclass_params__  # type: ignore[attr-defined]  # every dataclass has them
    expect(params.frozen, "options as a frozen dataclass", f"{cls.__name__} can be changed: @dataclass(frozen=True)")
    for chosen in (options.build(cls, {}, where=subject.kind), subject.chosen()):
        plain = options.to_json(chosen)
        back = options.build(cls, json.loads(json.dumps(plain)), where=subject.kind)
        expect(back == chosen, f"{chosen} to be the same after JSON", f"{back}")
        typed = {name: _typed(value) for name, value in plain.items()}
        text = [f"{subject.kind}.{name}={value}" for name, value in typed.items()]
        parsed = options.by_section(dict(each.split("=", 1) for each in text), [subject.kind])[subject.kind]
        back = options.build(cls, parsed, where=subject.kind)
        expect(back == chosen, f"{chosen} to be the same when typed as --set {' --set '.join(text)}", f"{back}")


def _typed(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)


@check
def factory_is_of_its_kind(subject: Subject) -> None:
    """The factory is a class of the kind, with nothing abstract left."""
    from genvae.interfaces.callback import Callback
    from genvae.interfaces.dataset import Dataset
    from genvae.interfaces.embedder import Embedder
    from genvae.interfaces.metric import Metric
    from genvae.interfaces.model import Model
    from genvae.interfaces.prior import Prior
    from genvae.interfaces.schedule import Schedule
    from genvae.interfaces.transform import Transform
    from genvae.interfaces.vocoder import Vocoder

    bases = {
        "dataset": Dataset,
        "transform": Transform,
        "model": Model,
        "prior": Prior,
        "vocoder": Vocoder,
        "schedule": Schedule,
        "callback": Callback,
        "embedder": Embedder,
        "metric": Metric,
    }
    base, factory = bases[subject.kind], subject.factory
    what = f"{subject.plugin.factory} to be a class that extends genvae.{base.__name__}"
    expect(inspect.isclass(factory) and issubclass(factory, base), what, f"it is {factory!r}")
    left = sorted(getattr(factory, "__abstractmethods__", ()))
    expect(not left, f"every abstract method of genvae.{base.__name__}", f"{', '.join(left)} is missing")
