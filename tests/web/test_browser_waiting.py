"""The page while it waits: what is wished for last wins, every wait is seen and can be stopped, no old news is told."""

from __future__ import annotations

import json

from hands import (  # noqa: F401  # among them fixtures
    accessible,
    browser,
    drop,
    genres,
    hold,
    make,
    open_page,
    page,
    server,
    wave_file,
)
from playwright.sync_api import expect


def test_of_many_quick_keys_the_last_one_is_heard_and_none_is_refused(page):
    refused = []
    page.on("response", lambda answer: refused.append(answer.url) if answer.status == 503 else None)
    heard = page.evaluate("heard.length")
    for number in range(40):
        page.keyboard.press(str(1 + number % 3))
    expect(page.locator("#stage")).to_have_attribute("aria-busy", "false")
    expect(page.locator("#title")).to_contain_text(genres(page)[0])  # 39 % 3 = 0
    assert page.evaluate("heard.length") > heard
    assert refused == []


def test_a_genre_is_heard_instead_of_a_path_that_is_still_being_made(page):
    make(page)
    page.get_by_role("button", name="Keep as A", exact=True).first.click()
    make(page, lambda: page.keyboard.press("3"))
    page.get_by_role("button", name="Keep as B", exact=True).first.click()
    page.get_by_role("button", name="Play the path from A to B").click()
    expect(page.locator("#wait")).to_be_visible()
    before = page.evaluate("heard.length")
    page.keyboard.press("2")
    expect(page.locator("#title")).to_contain_text(genres(page)[1])
    page.wait_for_function("before => heard.length > before", arg=before)
    assert page.evaluate("heard.at(-1).seconds") < 1.5
    assert "→" not in " ".join(page.locator("#history .name").all_inner_texts())


def test_a_genre_that_is_pressed_while_a_file_is_on_its_way_is_heard(page, tmp_path):
    held = hold(page, "**/api/place?*")
    drop(page, wave_file(tmp_path / "tone.wav", 1))
    page.wait_for_function("() => sent.some(({ address }) => address.startsWith('api/place?'))")
    make(page, lambda: page.keyboard.press("2"))
    expect(page.locator("#title")).to_contain_text(genres(page)[1])
    for route in held:
        route.abort()
    expect(page.locator("#wait")).to_be_hidden()
    assert page.locator("#history .name").count() == 2


def test_where_a_sound_lies_is_told_after_what_was_said_in_the_meantime(page):
    held = hold(page, "**/api/place")
    with page.expect_request("**/api/place"):
        make(page)
    page.get_by_role("button", name="Copy link").click()
    status = page.locator("#status")
    expect(status).to_contain_text("copied")
    held.pop().continue_()
    expect(status).to_contain_text("training sound")
    expect(status).to_contain_text("copied")
    page.get_by_role("button", name="Download").click()
    expect(status).to_contain_text("Downloaded")
    expect(status).not_to_contain_text("copied")
    expect(status).not_to_contain_text("training sound")


def test_the_invitation_to_play_goes_when_it_is_followed_and_what_else_was_said_stays(page, open_page):
    make(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#status")).to_contain_text("copied")
    other = open_page("#" + page.evaluate("navigator.clipboard.readText()").split("#")[1])
    status = other.locator("#status")
    expect(status).to_contain_text("press Play")
    expect(status).to_contain_text("training sound")
    other.keyboard.press("Space")
    expect(status).not_to_contain_text("press Play")
    expect(status).to_contain_text("training sound")


def test_a_wait_is_seen_says_for_what_and_can_be_stopped(page):
    hold(page, "**/api/generate*")
    page.keyboard.press("2")
    expect(page.locator("#wait")).to_be_visible()
    expect(page.locator("#wait-text")).to_contain_text(f"Making {genres(page)[1]}")
    accessible(page)
    page.get_by_role("button", name="Stop waiting").click()
    expect(page.locator("#wait")).to_be_hidden()
    expect(page.locator("#status")).to_have_text("Stopped.")
    page.keyboard.press("2")
    page.keyboard.press("Escape")
    expect(page.locator("#stage")).to_have_attribute("aria-busy", "false")


def test_a_busy_server_is_asked_again_and_that_is_said(page, open_page):
    open_page.tolerated = "Failed to load resource"
    refused = []

    def busy(route) -> None:
        if len(refused) > 1:
            route.continue_()
        else:
            refused.append(True)
            route.fulfill(status=503, headers={"Retry-After": "1"}, body=json.dumps({"detail": "busy"}))

    page.route("**/api/generate*", busy)

    def press() -> None:
        page.keyboard.press("1")
        expect(page.locator("#wait-text")).to_contain_text("busy with others")

    make(page, press)
    assert len(refused) == 2
    expect(page.locator("#wait")).to_be_hidden()


def test_what_went_wrong_is_said_until_something_new_begins(page, open_page):
    open_page.tolerated = "Failed to load resource"
    page.route("**/api/generate*", lambda route: route.abort())
    page.keyboard.press("2")
    expect(page.locator("#status")).to_contain_text("does not answer")
    accessible(page)
    page.unroute("**/api/generate*")
    held = hold(page, "**/api/generate*")
    page.keyboard.press("1")
    expect(page.locator("#status")).to_have_text("")
    for route in held:
        route.continue_()
    expect(page.locator("#status")).to_contain_text("training sound")


def test_a_page_that_is_loading_can_be_read_and_one_that_could_not_load_tries_again(open_page):
    open_page.tolerated = "Failed to load resource"
    held = []
    page = open_page(prepare=lambda page: held.append(hold(page, "**/api/info*")), ready=False)
    expect(page.locator(".loading")).to_have_text("Loading the run…")
    accessible(page)
    for route in held[0]:
        route.abort()
    expect(page.locator("#status")).to_contain_text("does not answer")
    accessible(page)
    page.unroute("**/api/info*")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".genre")).to_have_count(3)
    expect(page.get_by_role("button", name="Try again")).to_be_hidden()
