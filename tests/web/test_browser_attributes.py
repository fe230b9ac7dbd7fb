"""The page of a run that can be asked for attributes, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import make_run
from hands import advanced, browser, make, opening, serve  # noqa: F401  # among them a fixture
from playwright.sync_api import Browser, Page, expect

from genvae.attributes import Attribute
from genvae.latents.fit import make_map
from genvae.run import Run


@pytest.fixture
def asked_page(asked_run_path: Path, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    run = Run(Path(shutil.copytree(asked_run_path, tmp_path / "run")))
    make_map(run, "pca")
    with serve("--run", run.path) as server, opening(server, browser) as open_it:
        yield open_it()


def test_what_is_set_under_advanced_is_asked_for_and_stands_in_the_link(asked_page: Page) -> None:
    page = asked_page
    make(page)
    plain = page.locator("#title").inner_text()
    assert "tempo" not in plain
    advanced(page)

    def ask() -> None:
        page.get_by_label("tempo", exact=True).fill("128")
        page.get_by_label("tempo", exact=True).press("Enter")

    make(page, ask)
    expect(page.locator("#title")).to_contain_text("tempo 128")
    make(page, lambda: page.locator("#attributes select").select_option("D"))
    expect(page.locator("#title")).to_contain_text("key D, tempo 128")
    assert "with=" in page.url
    page.reload()
    expect(page.locator("#title")).to_contain_text("key D, tempo 128")
    expect(page.get_by_label("tempo", exact=True)).to_have_value("128")


def test_several_words_are_typed_into_one_field(browser: Browser, tmp_path: Path) -> None:
    tags = Attribute(name="tags", words=("dark", "fast", "live"), several=True)
    run = make_run(tmp_path / "run", attributes=(tags,))
    make_map(run, "pca")
    with serve("--run", run.path) as server, opening(server, browser) as open_it:
        page = open_it()
        make(page)
        advanced(page)

        def ask() -> None:
            page.get_by_label("tags", exact=True).fill("live; dark")
            page.get_by_label("tags", exact=True).press("Enter")

        make(page, ask)
        expect(page.locator("#title")).to_contain_text("tags live; dark")
