"""docs/architecture.md: every room is on the page, and what the page names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_every_room_of_the_package_can_be_found() -> None:
    rooms = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in (ROOT / "genvae").iterdir()
        if (path / "__init__.py").is_file() or path.suffix == ".py"
    }
    named = set(re.findall(r"`(?:genvae/)?([\w.]+(?:/|\.py))", TEXT))
    assert rooms - named == {"__main__.py"}


def test_every_file_that_is_named_is_there() -> None:
    folders = [ROOT / name for name in ("genvae", "plugins", "benchmarks", "tools", "docs", "examples", "tests", ".ci")]
    files = {str(path.relative_to(ROOT)) for folder in folders for path in folder.rglob("*") if path.is_file()}
    named = set(re.findall(r"`([\w/.-]+\.(?:py|js))`", TEXT))
    assert len(named) > 60
    assert {name for name in named if not any(f"/{file}".endswith(f"/{name}") for file in files)} == set()


def test_every_link_leads_to_a_page() -> None:
    targets = re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT)
    assert targets
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []
