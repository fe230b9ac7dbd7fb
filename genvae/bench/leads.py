"""How many times as fast as other libraries we are: ratios, kept in a file and compared with the last ones."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from genvae.bench.contest import Case, Contender
from genvae.bench.harness import measure, pinned
from genvae.bench.suites import Context, decode, prepare, stft, train, vocoders
from genvae.errors import DiskError, GenvaeError
from genvae.files import write_json
from genvae.pipeline import DEFAULTS

FALL = 0.75
"""A ratio below this share of the least of the last runs, which has the noise in it, on the same kind of processor."""
FALL_ELSEWHERE = 0.5
"""The same on a kind of processor of which none is kept, against the least of all: libraries suit them unequally."""
_FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Lead:
    """How we stand to one other library.

    Attributes:
        name: of the work and of the other, as `stft: librosa.stft`.
        ratio: how many times as fast as the other we are; the median of several runs.
        low: of these runs, the least.
        high: the most.
    """

    name: str
    ratio: float
    low: float
    high: float


def cases(context: Context) -> Iterator[Case]:
    """Ours and others' ways to the same, the first contender ours."""
    model, vocoder = (DEFAULTS[section].partition(":")[2] for section in ("model", "vocoder"))
    yield _among(next(decode.cases(context)), "decode", "genvae", ["librosa"])
    for suffix, others in (
        ("mp3", ["librosa, log magnitudes"]),
        ("wav", ["librosa, log magnitudes", "pydub's wav chunks, librosa"]),
    ):
        [case] = prepare.cases(context, [suffix])
        yield _among(case, f"prepare {suffix}", "genvae prepare, log magnitudes", others)
    case = next(each for each in stft.cases(context) if each.name.startswith("magnitude"))
    others = ["torch.stft", "librosa.stft", "scipy ShortTimeFFT", "torchaudio Spectrogram", "nnAudio STFT"]
    yield _among(case, "stft", "stft", others)
    others = ["librosa.griffinlim, 32 rounds", "torchaudio griffinlim, 32 rounds"]
    case = next(vocoders.cases(context))
    yield _among(case, "vocoder", vocoder, others)
    yield _among(case, "vocoder pghi", "pghi", ["pghipy, torch.istft"])
    _, step = train.cases(context, model)
    yield _among(step, "training step", "genvae's step, front end included", ["eager PyTorch"])


def run(context: Context, only: frozenset[str] | None = None) -> dict[str, float]:
    """The ratios of one run by name.

    Args:
        only: names of those that are wanted; None for all.

    Raises:
        GenvaeError: one of the contenders can't be measured.
    """
    found: dict[str, float] = {}
    with pinned(context.conditions.threads):
        for case in cases(context):
            contenders = [
                each
                for each in case.contenders
                if only is None or each.name == case.baseline or _name(case, each) in only
            ]
            if len(contenders) > 1:
                found |= _leads(replace(case, contenders=contenders), context)
    return found


def summed(runs: Sequence[Mapping[str, float]]) -> list[Lead]:
    """The leads of several runs."""
    values = {name: [each[name] for each in runs] for name in runs[0]}
    return [
        Lead(name=name, ratio=statistics.median(each), low=min(each), high=max(each)) for name, each in values.items()
    ]


def floors(kept: Mapping[str, Sequence[Lead]], processor: str) -> dict[str, float]:
    """The ratio of each name below which it has fallen, on a kind of processor."""
    if processor in kept:
        return {lead.name: FALL * lead.low for lead in kept[processor]}
    least: dict[str, float] = {}
    for lead in (lead for leads in kept.values() for lead in leads):
        least[lead.name] = min(least.get(lead.name, lead.low), lead.low)
    return {name: FALL_ELSEWHERE * ratio for name, ratio in least.items()}


def fallen(ratios: Mapping[str, float], floor: Mapping[str, float]) -> frozenset[str]:
    """The names of the ratios that are below their floor; what has none is new, and has not fallen."""
    return frozenset(name for name, ratio in ratios.items() if ratio < floor.get(name, 0.0))


def read(path: Path) -> dict[str, list[Lead]]:
    """The leads that a file keeps, by the kind of processor; none if there is no file.

    Raises:
        GenvaeError: it can't be read, or is something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError(f"its format is {content['format']!r}, this genvae reads {_FORMAT}")
        return {
            processor: [Lead(name=name, **numbers) for name, numbers in each["ratios"].items()]
            for processor, each in content["processors"].items()
        }
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise GenvaeError(f"{path} can't be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise GenvaeError(f"{path} holds no ratios: {error}") from error


def keep(path: Path, machine: Mapping[str, Any], leads: Sequence[Lead]) -> None:
    """Write leads into a file in place of those of the same kind of processor.

    Raises:
        GenvaeError: what stands there can't be read.
        DiskError: it can't be written.
    """
    read(path)
    processors = json.loads(path.read_text(encoding="utf-8"))["processors"] if path.exists() else {}
    numbers = {
        lead.name: {key: round(value, 3) for key, value in asdict(lead).items() if key != "name"} for lead in leads
    }
    processors[machine["processor"]] = {
        **{key: machine[key] for key in ("date", "python", "versions")},
        "ratios": numbers,
    }
    try:
        write_json(path, {"format": _FORMAT, "processors": processors})
    except OSError as error:
        raise DiskError(f"{path} can't be written: {error.strerror}.") from error


def _among(case: Case, work: str, ours: str, others: Sequence[str]) -> Case:
    """A case named `work` with those of its contenders alone, compared with ours, by the clock alone."""
    chosen = {each.name: each for each in case.contenders if each.name in (ours, *others)}
    contenders = [chosen[ours], *(chosen[name] for name in others)]
    return replace(case, name=work, baseline=ours, contenders=contenders, score=None)


def _name(case: Case, contender: Contender) -> str:
    return f"{case.name}: {contender.name}"


def _leads(case: Case, context: Context) -> dict[str, float]:
    rows = measure(case, context.conditions)
    missing = next((row for row in rows if row.value is None), None)
    if missing is not None:
        raise GenvaeError(f"{case.name}: {missing.contender} can't be measured: {missing.reason}")
    return {f"{case.name}: {row.contender}": 1 / row.value for row in rows if row.metric == "ratio" and row.value}
