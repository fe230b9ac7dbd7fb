"""Attributes as a run knows them: what may be asked for, and the numbers in which a model is told."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from conftest import ATTRIBUTES
from hypothesis import given
from hypothesis import strategies as st

from genvae.attributes import Attribute, attribute_dim, require_all, told
from genvae.errors import OptionError

KEY, TEMPO = ATTRIBUTES


def test_a_row_tells_a_word_by_its_place_and_a_number_in_deviations() -> None:
    assert attribute_dim(ATTRIBUTES) == 4
    assert told({"key": "D", "tempo": 140.0}, ATTRIBUTES).tolist() == [[0, 1, 1, 1]]
    assert told({"tempo": 100.0}, ATTRIBUTES).tolist() == [[0, 0, -1, 1]]
    assert told({}, ATTRIBUTES).tolist() == [[0, 0, 0, 0]]


def test_clips_are_told_as_single_values_are() -> None:
    values = np.array([60, np.nan, 180, 1e9], np.float32)
    rows = TEMPO.told(values)
    assert rows.dtype == np.float32
    assert rows.tolist() == [[-3, 1], [0, 0], [3, 1], [4, 1]]  # what is far off is told as far off, and no farther
    assert KEY.told(np.array([1, np.nan], np.float32)).tolist() == [[0, 1], [0, 0]]


def test_several_words_are_asked_for_together_and_told_together() -> None:
    tags = Attribute.of("tags", np.array([0, 1], np.float32), words=["dark;fast", "live"])
    assert tags == Attribute(name="tags", words=("dark", "fast", "live"), several=True)
    for asked in ("live;dark", " dark ; live;dark", ["live", "dark"], ("dark", "live")):
        assert require_all({"tags": asked}, [tags]) == {"tags": "dark;live"}
    assert told({"tags": "dark;live"}, [tags]).tolist() == [[1, 0, 1]]
    assert Attribute.from_json(json.loads(json.dumps(tags.to_json()))) == tags
    assert "several" not in KEY.to_json()  # so that runs of single words are described as they were
    for asked, said in (("dark;loud", "tags=loud"), (";", "tags="), ([], "tags=")):
        with pytest.raises(OptionError, match=f"{said}: this run knows tags as any of dark, fast, live"):
            require_all({"tags": asked}, [tags])


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50))
def test_what_was_learnt_may_be_asked_for_and_has_finite_rows(values: list[float]) -> None:
    learnt = Attribute.of("x", np.array([*values, np.nan], np.float32))
    assert learnt.least <= np.median(values) <= learnt.most
    assert learnt.deviation > 0
    assert np.isfinite(learnt.told(np.array(values, np.float32))).all()
    assert Attribute.from_json(json.loads(json.dumps(learnt.to_json()))) == learnt


def test_the_range_is_that_of_nearly_all_clips_in_round_numbers() -> None:
    values = np.concatenate([np.linspace(61.23, 178.77, 2000), [5000]]).astype(np.float32)
    learnt = Attribute.of("tempo", values, unit="beats a minute")
    assert learnt.known == "from 61.8 to 179 beats a minute"


@pytest.mark.parametrize(
    ("given_values", "said"),
    [
        ({"tempo": 181}, "tempo=181: this run knows tempo from 60 to 180 beats a minute."),
        ({"tempo": "fast"}, "tempo=fast: this run knows tempo from 60"),
        ({"tempo": float("nan")}, "tempo=nan: this run knows tempo from 60"),
        ({"tempo": True}, "tempo=True: this run knows tempo from 60"),
        ({"key": "H"}, "key=H: this run knows key as C or D."),
        ({"tmpo": 1}, r"no attribute 'tmpo'. Did you mean 'tempo'\? It knows key \(C or D\), tempo \(from 60 to 180"),
    ],
)
def test_what_a_run_does_not_know_is_refused_with_what_it_knows(given_values: dict[str, object], said: str) -> None:
    with pytest.raises(OptionError, match=said) as refused:
        require_all(given_values, ATTRIBUTES)
    assert len(str(refused.value).splitlines()) == 1


def test_values_come_in_the_order_of_the_run_as_numbers_and_words() -> None:
    assert list(require_all({"tempo": "128", "key": "C"}, ATTRIBUTES).items()) == [("key", "C"), ("tempo", 128.0)]


@pytest.mark.parametrize(
    "change",
    [
        {"deviation": 0.0},
        {"mean": float("nan")},
        {"least": 2.0, "most": 1.0},
        {"name": ""},
        {"words": tuple(map(str, range(300)))},
        {"mean": "1"},
    ],
)
def test_a_description_that_can_not_be_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="attribute"):
        replace(TEMPO, **change)
