"""Progress where there is no terminal: a line a minute, however often the stage of the work changes."""

from __future__ import annotations

import pytest

from genvae.progress import Display, Progress


def test_a_line_a_minute_whatever_the_stage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    with Display() as display:
        for stage in ("measuring", "preparing", "training"):
            for second in range(50):
                display(Progress(stage, second, 50))
                clock[0] += 1
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in said] == ["preparing", "training"]
    assert said[0] == "preparing: 20 %, 10 s so far, about 40 s left"
