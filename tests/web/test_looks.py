"""How pictures look, in numbers: measured on rectangles, of which all is known, and as names of directions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from genvae.web.directions import CLIPS, Directions
from genvae.web.looks import WORDS, looks

HEIGHT, WIDTH, DARKNESS, SIDE, DETAIL = range(len(WORDS))


def rectangle(height: int = 40, width: int = 20, grey: int = 100, left: int = 22, stripes: int = 0) -> np.ndarray:
    """On white, 64 x 64; with every other column of it by so much darker."""
    picture = np.full((64, 64), 255, np.uint8)
    picture[60 - height : 60, left : left + width] = grey
    picture[60 - height : 60, left : left + width : 2] -= stripes
    return picture


@pytest.mark.parametrize(
    ("look", "more", "less"),
    [
        (HEIGHT, {"height": 50}, {"height": 30}),
        (WIDTH, {"width": 30, "left": 17}, {"width": 10, "left": 27}),
        (DARKNESS, {"grey": 50}, {"grey": 150}),
        (SIDE, {"left": 30}, {"left": 10}),
        (DETAIL, {"stripes": 80}, {}),
    ],
)
def test_a_look_is_greater_where_the_eye_says_so(look: int, more: dict[str, int], less: dict[str, int]) -> None:
    assert looks(rectangle(**more))[look] > looks(rectangle(**less))[look]


def test_sizes_are_parts_of_the_picture_and_weight_lies_between_left_and_right() -> None:
    seen = looks(rectangle(height=32, width=16, grey=51, left=24))
    assert seen[:DETAIL] == pytest.approx([0.5, 0.25, 0.8, 0])
    assert looks(rectangle(left=40))[SIDE] == 1
    assert looks(rectangle(left=2))[SIDE] == -1


def test_colours_count_by_their_mean_and_the_ground_may_be_dark() -> None:
    grey = rectangle()
    assert looks(np.stack([grey] * 3, axis=2)) == pytest.approx(looks(grey))
    assert looks(255 - grey)[[HEIGHT, WIDTH]] == pytest.approx(looks(grey)[[HEIGHT, WIDTH]])


@pytest.mark.parametrize("grey", [0, 255])
def test_a_picture_of_nothing_has_no_looks(grey: int) -> None:
    assert looks(np.full((8, 8), grey, np.uint8)).tolist() == [0] * len(WORDS)


class Draughtsman:
    """Its first number is the height, its second the width downwards, its third does nothing."""

    def decode(self, z: torch.Tensor, genre: str, *, seed: int) -> Any:
        height, width = 30 + round(8 * float(z[0].clamp(-2, 2))), 20 - round(5 * float(z[1].clamp(-2, 2)))
        return SimpleNamespace(picture=rectangle(height, width, left=32 - width // 2, grey=90 + 7 * (seed % 9)))


def test_directions_are_named_for_how_designs_change() -> None:
    generator = torch.Generator().manual_seed(0)
    directions = Directions(
        axes=torch.eye(3),
        deviations=torch.ones(3),
        explained=torch.full((3,), 1 / 3),
        latents=torch.randn(CLIPS, 3, generator=generator),
        genres=["bottle"] * CLIPS,
        mean=torch.zeros(3),
        vocabulary=WORDS,
    )
    while directions.measured < 1:
        drawn: Any = directions.clip(directions.heard, Draughtsman())  # type: ignore[arg-type]
        directions.add(looks(drawn.picture))
    words = directions.words()
    assert words[0][0] == "taller"
    assert words[1][0] == "slimmer"
    assert not {"taller", "lower", "wider", "slimmer"} & set(words[2])
