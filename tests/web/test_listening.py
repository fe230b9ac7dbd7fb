"""The listening test: what is drawn is blind and fair, votes are kept with their seeds, and shares have intervals."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from served import engine, mapped_run  # noqa: F401  # fixtures
from starlette.testclient import TestClient

from genvae.clips.store import ClipStore
from genvae.errors import GenvaeError
from genvae.verbs import load
from genvae.web.app import create_app
from genvae.web.listening import REAL, Listening, agreement, levelled, wilson
from genvae.web.votes import Vote, Votes


class FakeStore:
    """Real clips of two of the run's genres, each a constant that says its number."""

    path = Path("store")
    genres = ("rock", "techno")

    def __init__(self, rate: int = 8000) -> None:
        self.sample_rate = rate

    def select(self, *, split, genre):
        assert split == "validation"
        return np.arange(10) + (100 if genre == "rock" else 200)

    def waves(self, numbers):
        times = np.arange(4096)
        return np.stack([0.01 * np.sin(times * number / 500) for number in numbers]).astype(np.float32)


@pytest.fixture
def listening(engine, tmp_path) -> Listening:
    return Listening([engine], FakeStore(), Votes(tmp_path / "votes.csv"))


def test_a_trial_has_each_source_once_in_any_order_and_only_genres_that_are_real(listening):
    others = [name for name in listening.sources if name != REAL]
    trials = [listening.draw("real", [REAL, *others[:2]]) for _ in range(60)]
    assert {trial.genre for trial in trials} == {"rock", "techno"}
    assert all(sorted(slot.source for slot in trial.slots) == sorted([REAL, *others[:2]]) for trial in trials)
    places = Counter([slot.source for slot in trial.slots].index(REAL) for trial in trials)
    assert set(places) == {0, 1, 2}
    for trial in trials:
        [real] = [slot.number for slot in trial.slots if slot.source == REAL]
        assert real // 100 == (1 if trial.genre == "rock" else 2)


def test_the_sounds_of_a_trial_are_those_of_their_seeds_at_one_level_and_do_not_say_where_from(listening, mapped_run):
    synthesizer = load(mapped_run)
    name = next(name for name in listening.sources if name != REAL)
    trial = listening.draw("real", [REAL, name])
    for place, slot in enumerate(trial.slots):
        content = listening.sound(trial.id, place)
        assert b"LIST" not in content
        assert b"genvae" not in content
        samples, _ = soundfile.read(io.BytesIO(content))
        if slot.source == name:
            made = synthesizer.generate(trial.genre, seed=slot.number).wave.numpy()
            assert np.corrcoef(samples, made)[0, 1] > 0.9999
    loud = levelled(0.001 * np.random.default_rng(0).standard_normal(8000).astype(np.float32))
    assert np.sqrt(np.square(loud).mean()) == pytest.approx(0.1, rel=1e-4)
    click = np.zeros(8000, np.float32)
    click[5] = 0.5
    assert np.abs(levelled(click)).max() <= 0.98 + 1e-6
    assert not levelled(np.zeros(10, np.float32)).any()


def test_a_vote_is_taken_once_and_kept_with_the_seeds(listening, tmp_path):
    name = next(name for name in listening.sources if name != REAL)
    for question, wanted in (("real", [REAL, name]), ("genre", [name])):
        trial = listening.draw(question, wanted)
        answer = "0" if question == "real" else trial.genre
        listening.vote(trial.id, answer)
        with pytest.raises(GenvaeError, match="no longer remembered"):
            listening.vote(trial.id, answer)
    rows = list(csv.DictReader((tmp_path / "votes.csv").open()))
    assert [row["question"] for row in rows] == ["real", "genre"]
    assert rows[1]["answer"] == rows[1]["genre"]
    assert int(rows[1]["numbers"]) >= 0
    assert Votes(tmp_path / "votes.csv").all == listening.votes.all
    scores = {(each.question, each.source): each for each in listening.scores()}
    assert scores["genre", name].share == 1
    assert scores["genre", name].chance == pytest.approx(1 / 2)
    assert scores["real", REAL].hits + scores["real", name].hits == 1


def test_an_interval_is_wilsons():
    """Newcombe, Interval Estimation for the Difference, 1998, table I; and the roots of the equation that it solves."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_a_metric_agrees_where_it_orders_sources_as_ears_do():
    heard = {"real": 0.8, "a": 0.5, "b": 0.1, "unmeasured": 0.3}
    same = agreement("m", heard, {"real": 3.0, "a": 2.0, "b": 1.0})
    other = agreement("m", heard, {"real": 3.0, "a": 1.0, "b": 2.0})
    assert (same.agreeing, same.pairs) == (3, 3)
    assert (other.agreeing, other.pairs) == (2, 3)
    assert agreement("m", {"a": 0.5, "b": 0.5}, {"a": 1.0, "b": 2.0}).pairs == 0


def test_a_store_that_can_not_be_compared_and_a_file_that_holds_no_votes_are_refused(engine, tmp_path):
    with pytest.raises(GenvaeError, match="44100 Hz"):
        Listening([engine], FakeStore(44100), Votes())
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(GenvaeError, match="holds no votes"):
        Votes(tmp_path / "notes.csv")
    (tmp_path / "votes.csv").write_text("time,question,genre,sources,numbers,answer,choices\nnow,real,rock\n")
    with pytest.raises(GenvaeError, match="Line 2 of"):
        Votes(tmp_path / "votes.csv")


def test_real_clips_come_from_a_stores_validation_recordings(tone_store):
    store = ClipStore.open(tone_store)
    assert isinstance(store.select(split="validation", genre="low"), np.ndarray)  # as the fake one does


def test_the_api_draws_plays_votes_and_sums_up(engine, mapped_run):
    (mapped_run.path / "evaluation.json").write_text(
        '{"rows": [{"name": "real, unseen recordings", "rank": 1, "members": {"ear": {"frechet": {"value": 1}}}},'
        ' {"name": "generated", "rank": 2, "members": {"ear": {"frechet": {"value": 2}}}}]}'
    )
    listening = Listening([engine], FakeStore(), Votes())
    with TestClient(create_app([engine], listening=listening), base_url="http://127.0.0.1:8000") as client:
        told = client.get("/api/listen").json()
        assert told["real"] == REAL
        own = f"{engine.name}, {engine.default}"
        for _ in range(2):
            trial = client.post("/api/listen/trial", json={"question": "real", "sources": [REAL, own]}).json()
            assert set(trial) == {"trial", "question", "sounds", "genre"}
            assert client.get(f"/api/listen/sound/{trial['trial']}/1").headers["content-type"] == "audio/wav"
            [place] = [i for i, s in enumerate(listening._trials[trial["trial"]].slots) if s.source == REAL]
            solved = client.post("/api/listen/vote", json={"trial": trial["trial"], "answer": str(place)}).json()
            assert solved["right"] is True
            assert solved["sources"][place] == REAL
        verdict = client.get("/api/listen/verdict").json()
        assert verdict["votes"] == 2
        assert verdict["agreements"] == [{"metric": "frechet (ear)", "agreeing": 1, "pairs": 1}]
        refused = client.post("/api/listen/trial", json={"question": "real", "sources": [REAL]})
        assert refused.status_code == 400
        assert "2 to 4" in refused.json()["detail"]
        assert client.get("/api/listen/sound/none/0").status_code == 400


def test_without_a_store_one_asks_what_sounds_most_real(engine):
    listening = Listening([engine], None, Votes())
    trial = listening.draw("real", list(listening.sources)[:2])
    vote, _ = listening.vote(trial.id, "1")
    assert isinstance(vote, Vote)
    assert REAL not in vote.sources
