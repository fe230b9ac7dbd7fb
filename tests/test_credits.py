"""The tool that writes the credits of the pretrained weights, on a manifest of three recordings."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

import music_credits

MANIFEST = """genre,file,seconds,source_package,version,path_in_package,licence,author
techno,train/techno/loud.ogg,30.0,game-data,1-1,music/loud.ogg,CC-BY-3.0,"Ada, Bob"
rock,train/rock/hard.ogg,60.0,game-data,1-1,music/hard.ogg,GPL-2+; samples MIT,Cay
piano,train/piano/nobody.ogg,60.0,scores,2,nobody.mid,PD,
"""


@pytest.fixture
def manifest(tmp_path: Path) -> list[dict[str, str]]:
    path = tmp_path / "manifest.csv"
    path.write_text(MANIFEST, encoding="utf-8")
    return music_credits.read_credits(path)


def test_credits_name_what_a_store_holds_and_nothing_else(manifest, tmp_path):
    credits = music_credits.credits_of(["techno/loud.ogg"], manifest)
    music_credits.write_credits(tmp_path / "CREDITS.csv", credits)
    with (tmp_path / "CREDITS.csv").open(encoding="utf-8", newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["recording"], row["author"], row["licence"]) == ("loud", "Ada, Bob", "CC-BY-3.0")
    assert music_credits.read_credits(tmp_path / "CREDITS.csv") == [row]


@pytest.mark.parametrize("recording", ["piano/nobody.ogg", "techno/unknown.ogg"])
def test_a_recording_without_an_author_is_refused_by_name(manifest, recording):
    with pytest.raises(ValueError, match=Path(recording).stem):
        music_credits.credits_of(["techno/loud.ogg", recording], manifest)


def test_the_cards_table_sums_up_a_package(manifest):
    credits = music_credits.credits_of(["techno/loud.ogg", "rock/hard.ogg"], manifest)
    assert music_credits.credits_table(credits) == (
        "| game-data | 2 | 1.5 | rock, techno | Ada, Bob / Cay | CC-BY-3.0; GPL-2+; samples MIT |"
    )
