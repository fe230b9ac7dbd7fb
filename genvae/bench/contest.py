"""What is measured: contenders for one piece of work, gathered in a case, and the measurements that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Better = Literal["higher", "lower"]
Call = Callable[[], object]
"""The work itself, once; what it returns may be scored."""


@dataclass(frozen=True)
class Scale:
    """How the seconds that a call takes are told.

    Attributes:
        metric: what is told, such as `speed`.
        unit: such as `x real time`.
        amount: what a call does, in that unit and for a rate per second.
        rate: whether it is divided by the seconds (more is better) or they are multiplied by it (less is better).
    """

    metric: str
    unit: str
    amount: float
    rate: bool

    @property
    def better(self) -> Better:
        """Which way is an improvement."""
        return "higher" if self.rate else "lower"

    def of(self, seconds: float) -> float:
        """The value for a call that took so long."""
        return self.amount / seconds if self.rate else self.amount * seconds


@dataclass(frozen=True)
class Score:
    """A value that does not come from the clock, such as a reconstruction's distance.

    Attributes:
        value: in `unit`.
        unit: such as `dB`.
        better: whether more or less of it is.
    """

    value: float
    unit: str
    better: Better


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to do the work of a case.

    Attributes:
        name: as it stands in the table.
        make: builds what the call needs, and returns it; what it raises is the reason for which the contender could not
            be measured.
        peer: whether it is somebody else's, measured only when asked for.
        before: runs before every call, outside the clock.
        extra: scales for this one alone.
    """

    name: str
    make: Callable[[], Call]
    peer: bool = False
    before: Callable[[], object] | None = None
    extra: Sequence[Scale] = ()


@dataclass(frozen=True, kw_only=True)
class Case:
    """Contenders that do the same work.

    Attributes:
        suite: the suite that it belongs to.
        name: as it stands above the table.
        contenders: in the order of the table.
        scales: how their seconds are told, the first one with its spread.
        baseline: the contender with which the others are compared, round by round.
        score: what is good about a call's result, by metric.
        clock: `auto` takes processor time where one thread of the CPU does the work, as a busy machine disturbs it
            less, and the wall clock elsewhere. `wall` is for work that other processes do, whose memory is then not
            told either.
    """

    suite: str
    name: str
    contenders: Sequence[Contender]
    scales: Sequence[Scale]
    baseline: str = ""
    score: Callable[[Any], Mapping[str, Score]] | None = None
    clock: Literal["auto", "wall"] = "auto"


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One value of one contender, as `--json` writes it.

    Attributes:
        suite: the case's suite.
        case: the case's name.
        contender: the contender's name.
        metric: what was measured.
        value: the median over the rounds; None where it could not be measured, for `reason`.
        unit: of the value.
        threads: that the work could use.
        device: cpu or cuda.
        better: whether more or less of it is.
        low: the first quartile.
        high: the third quartile.
        rounds: how many there were.
        clock: `cpu`, `wall`, or empty for a value that no clock gave.
        peer: whether the contender is somebody else's.
        reason: why there is no value.
    """

    suite: str
    case: str
    contender: str
    metric: str
    value: float | None
    unit: str
    threads: int
    device: str
    better: Better
    low: float | None = None
    high: float | None = None
    rounds: int = 0
    clock: str = ""
    peer: bool = False
    reason: str = ""

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What two runs of the benchmark have in common."""
        return (self.suite, self.case, self.contender, self.metric)

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)
