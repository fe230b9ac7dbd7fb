"""The page's files: what is vendored is what it says, and nothing names another place."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

from genvae.web import pages

STATIC = Path(pages.__file__).parent / "static"
VENDORED = json.loads((STATIC / "vendor" / "vendored.json").read_text())


@pytest.mark.parametrize("library", VENDORED, ids=lambda library: library["name"])
def test_a_vendored_library_is_the_one_that_is_named(library):
    content = (STATIC / "vendor" / library["file"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == library["sha256"]
    assert (STATIC / "vendor" / f"{library['name']}.LICENSE").stat().st_size > 100


def test_all_that_is_vendored_is_listed():
    assert {path.name for path in (STATIC / "vendor").glob("*.js")} == {library["file"] for library in VENDORED}


def test_the_pages_ask_nothing_of_other_places_nor_of_the_servers_root():
    for path in STATIC.glob("*.*"):
        asked = re.findall(r"""(?:src=|href=|fetch\(|from |import\()\s*["'`]([^"'`]+)""", path.read_text())
        assert [address for address in asked if re.match(r"[a-z]+:|/", address)] == [], path.name
