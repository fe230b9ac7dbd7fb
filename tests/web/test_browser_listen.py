"""The listening test in a real browser: sounds are played, an answer is given and told, and the votes are summed up."""

from __future__ import annotations

from hands import (  # noqa: F401  # among them fixtures
    AUDIBLE,
    accessible,
    browser,
    open_page,
    picture,
    server,
)
from playwright.sync_api import expect


def test_a_trial_is_heard_answered_and_summed_up(open_page):
    open_page.tolerated = "status of 400"
    page = open_page("listen", ready=False)
    boxes = page.get_by_role("group", name="Sources").get_by_role("checkbox")
    expect(boxes.first).to_be_checked()
    assert boxes.count() >= 2
    accessible(page)
    page.get_by_role("button", name="Begin").click()
    sounds = page.get_by_role("group", name="Sounds").get_by_role("button")
    expect(sounds).to_have_count(2)
    answers = page.locator("#answers button")
    expect(answers.first).to_be_disabled()  # as long as one is unheard
    sounds.first.click()
    page.wait_for_function("() => heard.length === 1")
    page.keyboard.press("2")
    page.wait_for_function("() => heard.length === 2")
    levels = page.evaluate("heard.map(({ level }) => level)")
    assert min(levels) > AUDIBLE
    answers.nth(1).click()
    expect(page.locator("#solved")).to_contain_text("seed ")
    expect(page.get_by_role("button", name="Next")).to_be_focused()
    page.locator("#results summary").click()
    expect(page.locator("#tables")).to_contain_text("taken for real")
    expect(page.locator("#tables tbody tr").first).to_contain_text("of 1")
    accessible(page)
    picture(page, "listen")

    page.get_by_label("Question").select_option("genre")
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#asked")).to_have_text("Which genre is it?")
    expect(sounds).to_have_count(1)
    sounds.first.click()
    expect(answers.first).to_be_enabled()
    answers.first.click()
    expect(page.locator("#solved")).to_contain_text("It is ")
    expect(page.locator("#tables")).to_contain_text("genre of each was named")

    for box in boxes.all():
        box.uncheck()
    page.get_by_role("button", name="Next").click()
    expect(page.locator("#told")).to_contain_text("choose a source")


def test_the_listening_test_fits_a_phone_in_the_dark(open_page):
    page = open_page("listen", ready=False, viewport={"width": 390, "height": 844}, color_scheme="dark")
    expect(page.get_by_role("group", name="Sources").get_by_role("checkbox").first).to_be_checked()
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_role("group", name="Sounds").get_by_role("button")).to_have_count(2)
    accessible(page)
