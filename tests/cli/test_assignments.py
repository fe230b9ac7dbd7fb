"""`--set SECTION.NAME=VALUE`, as people type it."""

from __future__ import annotations

import pytest

from genvae.cli.assignments import parse_assignments
from genvae.errors import OptionError


def test_assignments_become_values_by_name_and_the_last_wins() -> None:
    typed = ["model.size=1", "model.size=2", "vocoder.some-name=a=b", "model.tags="]
    assert parse_assignments(typed) == {"model.size": "2", "vocoder.some-name": "a=b", "model.tags": ""}


@pytest.mark.parametrize("text", ["model.size", "size=3", "model.=3"])
def test_an_assignment_of_another_form_is_refused_with_an_example_that_the_command_takes(text: str) -> None:
    with pytest.raises(OptionError, match=r"SECTION\.NAME=VALUE, for example vocoder\.iterations=64"):
        parse_assignments([text], example="vocoder.iterations=64")
