"""`genvae bench --quick`: how fast the usual work is here, a few contenders of other suites, in less than a minute."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from genvae.bench.contest import Case
from genvae.bench.suites import Context, generate, prepare, startup, train, vocoders
from genvae.pipeline import DEFAULTS


def cases(context: Context) -> Iterator[Case]:
    """The first clip, a wav recording, the default vocoder, a step of the default model, and clips of the run."""
    model, vocoder = (DEFAULTS[section].partition(":")[2] for section in ("model", "vocoder"))
    [_, first_clip] = startup.cases(context)
    yield _with(first_clip, ["import torch", "genvae generate"])
    for case in prepare.cases(context, ["wav"]):
        yield _with(case, ["genvae prepare", "decoding alone (soundfile)"])
    for case in vocoders.cases(context):
        yield _with(case, [vocoder])
    _, step = train.cases(context, model)
    yield _with(step, ["genvae's step, front end included", "the front end alone"])
    one, many = generate.cases(context)
    yield _with(one, ["a clip, as wav"])
    yield _with(many, ["at once, as wav"])


def _with(case: Case, names: Collection[str]) -> Case:
    """A case with those of its contenders alone."""
    return replace(case, contenders=[each for each in case.contenders if each.name in names])
