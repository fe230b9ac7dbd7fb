"""Options: round trips through JSON and through what people type, and the answers to their mistakes."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genvae.errors import OptionError
from genvae.plugin.options import build, by_section, describe, to_json


@dataclass(frozen=True, kw_only=True)
class Sample:
    size: int = 3
    rate: float = 0.5
    loud: bool = False
    name: str = "x"
    shape: Literal["round", "square"] = "round"
    depth: int | None = None
    limit: float | None = 2.0
    tags: tuple[str, ...] = ("a", "b")
    widths: tuple[int, ...] = ()
    span: tuple[int, float] = (1, 2.0)

    def __post_init__(self) -> None:
        if self.size == 13:
            raise ValueError("size must not be 13.")


# A list typed with commas can hold no commas and no empty items.
tag = st.text(st.characters(exclude_characters=",", exclude_categories=("Cs",)), min_size=1).filter(
    lambda text: text == text.strip()
)
number = st.floats(allow_nan=False, allow_infinity=False)
samples = st.builds(
    Sample,
    size=st.integers().filter(lambda n: n != 13),
    rate=number,
    loud=st.booleans(),
    name=st.text(st.characters(exclude_categories=("Cs",))),
    shape=st.sampled_from(["round", "square"]),
    depth=st.none() | st.integers(),
    limit=st.none() | number,
    tags=st.lists(tag).map(tuple),
    widths=st.lists(st.integers()).map(tuple),
    span=st.tuples(st.integers(), number),
)


@given(samples)
def test_options_survive_json(options: Sample) -> None:
    assert build(Sample, json.loads(json.dumps(to_json(options))), where="model") == options


@given(samples)
def test_options_survive_being_typed(options: Sample) -> None:
    def typed(value: object) -> str:
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        return "none" if value is None else str(value)

    values = {field.name: typed(getattr(options, field.name)) for field in fields(Sample)}
    assert build(Sample, values, where="model") == options


@given(
    st.sampled_from([f.name for f in fields(Sample)]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=2),
    ),
)
def test_any_json_value_is_brought_to_the_type_or_refused(name: str, value: Any) -> None:
    kinds: dict[str, Any] = {
        "size": int,
        "rate": float,
        "loud": bool,
        "name": str,
        "shape": str,
        "depth": (int, type(None)),
        "limit": (float, type(None)),
        "tags": tuple,
        "widths": tuple,
        "span": tuple,
    }
    try:
        options = build(Sample, {name: value}, where="model")
    except OptionError:
        return
    assert isinstance(getattr(options, name), kinds[name])


def test_blanks_around_the_commas_of_a_typed_list_are_no_part_of_it() -> None:
    assert build(Sample, {"tags": " a b, c ,, "}, where="model").tags == ("a b", "c")


def test_nothing_given_means_the_defaults_and_json_writes_them_out() -> None:
    assert build(Sample, {}, where="model") == Sample()
    assert to_json(Sample())["tags"] == ["a", "b"]
    assert set(to_json(Sample())) == {f.name for f in fields(Sample)}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"siez": 1}, r"model has no option 'siez'\. Did you mean 'size'\?"),
        ({"size": "three"}, r"model\.size takes a whole number, not 'three'"),
        ({"size": 2.5}, r"model\.size takes a whole number"),
        ({"size": True}, r"model\.size takes a whole number"),
        ({"size": float("inf")}, r"model\.size takes a whole number"),
        ({"size": float("nan")}, r"model\.size takes a whole number"),
        ({"rate": "nan"}, r"model\.rate takes a number, not 'nan'"),
        ({"rate": float("inf")}, r"model\.rate takes a number"),
        ({"rate": 10**400}, r"model\.rate takes a number"),
        ({"loud": "maybe"}, r"model\.loud takes true or false"),
        ({"loud": 1}, r"model\.loud takes true or false"),
        ({"shape": "oval"}, r"model\.shape takes one of round, square, not 'oval'"),
        ({"depth": "deep"}, r"model\.depth takes a whole number or none"),
        ({"widths": "1,b"}, r"model\.widths takes a whole number, not 'b'"),
        ({"span": "1"}, r"model\.span takes"),
        ({"name": 7}, r"model\.name takes text"),
        ({"size": 13}, r"model: size must not be 13"),
    ],
)
def test_mistakes_are_answered_with_the_option_and_what_it_takes(values: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        build(Sample, values, where="model")


@pytest.mark.parametrize(("text", "value"), [("yes", True), ("ON", True), ("1", True), ("no", False), ("False", False)])
def test_switches_are_typed_in_the_usual_words(text: str, value: bool) -> None:
    assert build(Sample, {"loud": text}, where="model").loud is value


def test_values_are_sorted_into_sections() -> None:
    found = by_section({"model.size": 2, "vocoder.some-name": "a=b"}, ["model", "vocoder", "prior"])
    assert found == {"model": {"size": 2}, "vocoder": {"some_name": "a=b"}, "prior": {}}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("size", r"'size' lacks its section: write model\.size or vocoder\.size"),
        ("model.", "lacks its section"),
        ("modle.size", "there is no section 'modle' here. Did you mean 'model'"),
    ],
)
def test_a_name_without_a_section_that_is_known_is_refused(name: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        by_section({name: 3}, ["model", "vocoder"])


def test_options_are_described_with_type_and_default() -> None:
    rows = {row.name: (row.type, row.default) for row in describe(Sample)}
    assert rows["size"] == ("a whole number", "3")
    assert rows["shape"] == ("one of round, square", '"round"')
    assert rows["depth"] == ("a whole number or none", "null")
    assert rows["tags"] == ("a comma-separated list of text", '["a", "b"]')
