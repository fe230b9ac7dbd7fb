"""Docstrings say what a parser of Google's style can read: editors and documentation builders show what it finds."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import griffe
import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def packages() -> list[griffe.Module]:
    loader = griffe.GriffeLoader(search_paths=[ROOT, ROOT / "plugins"], docstring_parser=griffe.Parser.google)
    loaded = [loader.load(name) for name in ("genvae", "genvae_plugins")]
    return [package for package in loaded if isinstance(package, griffe.Module)]


def members(of: griffe.Object) -> Iterator[griffe.Object]:
    """An object and all that is defined inside of it; what is imported is not."""
    yield of
    for member in of.members.values():
        if isinstance(member, griffe.Object):
            yield from members(member)


def test_the_parser_finds_nothing_to_warn_of(packages: list[griffe.Module], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        parsed = [m.docstring.parse() for package in packages for m in members(package) if m.docstring]
    assert len(parsed) > 1000
    assert [record.getMessage() for record in caplog.records] == []


def test_every_entry_has_a_line_of_its_own(packages: list[griffe.Module]) -> None:
    kinds = griffe.DocstringSectionKind
    crowded = [
        f"{member.path}: {entry.description}"
        for package in packages
        for member in members(package)
        if member.docstring
        for section in member.docstring.parsed
        if section.kind in (kinds.parameters, kinds.attributes, kinds.raises)
        for entry in section.value
        if re.search(rf"[.;] ({names(member)}|\w+(Error|Exit|Interrupt))(, \w+)*: ", entry.description)
    ]
    assert crowded == []


def names(member: griffe.Object) -> str:
    """What an entry may be about, as alternatives of a regular expression."""
    parameters = member.parameters if isinstance(member, griffe.Function | griffe.Class) else ()
    return "|".join(re.escape(parameter.name) for parameter in parameters) or "self"


def test_every_public_frozen_dataclass_lists_its_fields(packages: list[griffe.Module]) -> None:
    dataclasses = [m for package in packages for m in members(package) if is_public_frozen_dataclass(m)]
    assert len(dataclasses) > 80
    lacking = {each.path: missing for each in dataclasses if (missing := fields(each) - listed(each))}
    assert lacking == {}


def is_public_frozen_dataclass(member: griffe.Object) -> bool:
    if not member.is_class or any(part.startswith("_") for part in member.path.split(".")):
        return False
    return any("dataclass(" in str(d.value) and "frozen=True" in str(d.value) for d in member.decorators)


def fields(dataclass: griffe.Object) -> set[str]:
    return {
        name
        for name, member in dataclass.members.items()
        if isinstance(member, griffe.Attribute)
        and member.annotation
        and "instance-attribute" in member.labels
        and "Option(" not in str(member.annotation)  # whose meaning stands there
    }


def listed(dataclass: griffe.Object) -> set[str]:
    sections = dataclass.docstring.parsed if dataclass.docstring else []
    return {
        attribute.name
        for section in sections
        if section.kind is griffe.DocstringSectionKind.attributes
        for attribute in section.value
    }
