"""What the page remembers: history, names and pins over a reload, the way back, and what a link says of itself."""

from __future__ import annotations

import json
import zipfile

import pytest
from hands import (  # noqa: F401  # among them fixtures
    browser,
    make,
    open_page,
    page,
    rows,
    server,
)
from playwright.sync_api import expect


def test_a_reload_loses_neither_the_history_nor_pins_nor_names(page):
    make(page)
    name = rows(page)[0]
    page.get_by_role("button", name=f"Pin: {name}").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Name", exact=True).fill("kick of mine")
    page.keyboard.press("Enter")
    expect(page.locator("#title")).to_have_text("kick of mine")
    make(page, lambda: page.keyboard.press("2"))
    before, address = rows(page), page.url
    page.reload()
    expect(page.locator("#history .name")).to_have_count(len(before))
    assert rows(page) == before
    assert before[0] == "kick of mine"
    expect(page.locator("#title")).to_have_text(before[1])
    assert page.url == address
    expect(page.get_by_role("button", name="Pin: kick of mine")).to_have_attribute("aria-pressed", "true")
    before = page.evaluate("heard.length")
    page.get_by_role("button", name="Play: kick of mine").click()
    page.wait_for_function("before => heard.length > before", arg=before)


def test_back_leads_to_the_sound_before_and_the_address_follows_what_is_heard(page):
    make(page)
    first, address = page.locator("#title").inner_text(), page.url
    make(page, lambda: page.keyboard.press("3"))
    second = page.locator("#title").inner_text()
    assert page.url != address
    heard = page.evaluate("heard.length")
    page.go_back()
    expect(page.locator("#title")).to_have_text(first)
    assert page.url == address
    assert page.evaluate("heard.length") == heard  # what one goes back to waits to be played
    page.get_by_role("button", name=f"Play: {second}").click()
    expect(page.locator("#title")).to_have_text(second)
    assert page.url != address


@pytest.mark.parametrize(
    ("fragment", "why"),
    [
        ("#genre=techno&seed=-4", 'its seed is "-4"'),
        ("#genre=techno&seed=many", 'its seed is "many"'),
        ("#genre=techno&seed=99999999999999999999", "its seed is"),
        ("#at=1,x&map=pca&seed=1", 'its at is "1,x"'),
        ("#seed=3", "names no genre"),
        ("#from=seed%3D1&to=seed%3D2&steps=4", "names no genre"),
    ],
)
def test_a_damaged_link_is_said_to_be_damaged(open_page, fragment, why):
    page = open_page(fragment, ready=False)
    expect(page.locator("#status")).to_contain_text("This link is damaged")
    expect(page.locator("#status")).to_contain_text(why)


def test_a_link_of_another_run_warns_and_one_of_this_run_does_not(open_page):
    page = open_page("#genre=techno&seed=3&run=0123456789ab")
    expect(page.locator("#status")).to_contain_text("another run (012345…)")
    make(page)
    fragment = page.url.split("#")[1]
    assert "run=" in fragment
    same = open_page("#" + fragment)
    expect(same.locator("#status")).to_contain_text("press Play")


def test_the_pinned_sounds_are_exported_with_what_made_them(page, tmp_path):
    make(page)
    make(page, lambda: page.keyboard.press("3"))
    for name in rows(page)[:2]:
        page.get_by_role("button", name=f"Pin: {name}").click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Export the pinned").click()
    downloading.value.save_as(tmp_path / "sounds.zip")
    with zipfile.ZipFile(tmp_path / "sounds.zip") as archive:
        assert archive.testzip() is None
        told = json.loads(archive.read("sounds.json"))
        assert [each["file"] for each in told] == [name for name in archive.namelist() if name.endswith(".wav")]
        assert {each["recipe"]["source"]["genre"] for each in told} == {"piano", "techno"}
        assert all(archive.read(each["file"]).startswith(b"RIFF") for each in told)
