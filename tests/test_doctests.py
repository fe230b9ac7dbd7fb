"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(
    ".".join(part for part in file.relative_to(folder).with_suffix("").parts if part != "__init__")
    for folder, package in ((ROOT, "genvae"), (ROOT / "plugins", "genvae_plugins"))
    for file in (folder / package).rglob("*.py")
    if ">>> " in file.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_say(name: str) -> None:
    failed, attempted = doctest.testmod(importlib.import_module(name))
    assert attempted > 0
    assert failed == 0


def test_modules_with_examples_are_found() -> None:
    assert {"genvae.windows", "genvae.spec", "genvae.plugin.options"} <= set(MODULES)
