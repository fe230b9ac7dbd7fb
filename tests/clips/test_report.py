"""What the report says of the share that is held out."""

import pytest

from genvae.clips.report import held_out


@pytest.mark.parametrize(
    ("train", "validation", "told"), [(72, 28, True), (88, 12, False), (100, 0, True), (0, 0, False)]
)
def test_a_share_unlike_the_one_that_was_asked_for_is_told(train: int, validation: int, told: bool) -> None:
    said = held_out({"genres": {"rock": {"train": train, "validation": validation}}}, 0.1)
    assert bool(said) is told
    if validation:
        assert not told or "28 of 100 clips are held out, 28 % where 10 % was asked for" in said
