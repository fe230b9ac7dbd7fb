"""What people see of progress where there is no terminal, by a clock of the test's own."""

from __future__ import annotations

import pytest

from genvae import progress
from genvae.progress import Display, Listener, Message, Progress, listening, tracked


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    now = {"now": 1000.0}
    monkeypatch.setattr(progress.time, "monotonic", lambda: now["now"])
    return now


def test_a_stage_says_a_line_a_minute_with_what_is_left(
    clock: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Display() as display:
        for second in range(121):
            clock["now"] = 1000.0 + second
            display(Progress("decoding", second, 240, note="kick.wav"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "decoding: 25 %, kick.wav, 60 s so far, about 180 s left",
        "decoding: 50 %, kick.wav, 120 s so far, about 120 s left",
    ]


def test_what_was_done_before_it_began_here_does_not_shorten_what_is_left(
    clock: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Display() as display:
        display(Progress("training", 0.5, 1.0))
        clock["now"] += 60.0
        display(Progress("training", 0.6, 1.0))
    assert capsys.readouterr().err == "training: 60 %, 60 s so far, about 240 s left\n"


def test_where_nobody_knows_the_total_only_the_time_is_said(
    clock: dict[str, float], capsys: pytest.CaptureFixture[str]
) -> None:
    with Display() as display:
        display(Progress("projecting", 0))
        clock["now"] += 61.0
        display(Progress("projecting", 61))
    assert capsys.readouterr().err == "projecting: 61 s so far\n"


def test_messages_come_at_once_and_warnings_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    with listening(True) as listener:
        listener(Message("Half of it is silent."))
        listener(Message("The disk is full\x1b[31m.", warning=True))
    assert capsys.readouterr().err == "Half of it is silent.\nWarning: The disk is full\\x1b[31m.\n"


def test_silence_says_nothing_and_a_listener_of_ones_own_hears_all(capsys: pytest.CaptureFixture[str]) -> None:
    heard: list[Progress | Message] = []

    def work(listener: Listener) -> list[str]:
        return list(tracked("ab", "spelling", listener))

    with listening(False) as listener:
        assert work(listener) == ["a", "b"]
    with listening(heard.append) as listener:
        assert work(listener) == ["a", "b"]
    assert heard == [Progress("spelling", done, 2) for done in (0, 1, 2)]
    assert capsys.readouterr().err == ""


def test_a_line_a_minute_whatever_the_stage(clock: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    with Display() as display:
        for stage in ("measuring", "preparing", "training"):
            for second in range(50):
                display(Progress(stage, second, 50))
                clock["now"] += 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["preparing", "training"]
    assert lines[0] == "preparing: 20 %, 10 s so far, about 40 s left"
