"""The table of docs/formats.md is what genvae does."""

import formats
import pytest
import sounding


def lines(text: str) -> set[str]:
    return set(text.splitlines())


def test_the_page_tells_what_becomes_of_files_that_need_no_tool_to_be_made():
    made = lines(formats.table(only_ours=True))
    assert len(made) > 25
    assert made <= lines(formats.on_page(formats.PAGE.read_text()))


@pytest.mark.slow
@pytest.mark.skipif(bool(sounding.missing_tools()), reason=f"needs {', '.join(sounding.missing_tools())}")
def test_the_page_tells_what_becomes_of_every_format_and_oddity():
    assert formats.table() == formats.on_page(formats.PAGE.read_text())
