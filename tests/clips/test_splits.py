"""The split as properties: no sound in both halves, blind to names and order, something in each half."""

from collections import defaultdict
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from genvae.clips.splits import Candidate, choose_splits

candidates = st.lists(
    st.builds(
        Candidate,
        genre=st.sampled_from(["techno", "rock", "piano"]),
        digest=st.integers(0, 30).map(str),
        group=st.none() | st.integers(0, 40).map(lambda n: ("source", f"file{n}")),
        pinned=st.just(None),
    ),
    max_size=40,
)


@given(candidates, st.floats(0, 0.99))
def test_copies_and_parts_of_one_recording_stand_in_one_split(items, share):
    splits = choose_splits(items, share)
    for name in ("digest", "group"):
        seen = defaultdict(set)
        for item, split in zip(items, splits, strict=True):
            if getattr(item, name) is not None:
                seen[getattr(item, name)].add(split)
        assert all(len(each) == 1 for each in seen.values())


@given(candidates, st.floats(0, 0.99), st.randoms())
def test_order_makes_no_difference(items, share, random):
    order = list(range(len(items)))
    random.shuffle(order)
    splits = choose_splits(items, share)
    assert choose_splits([items[i] for i in order], share) == [splits[i] for i in order]


@given(st.integers(1, 30), st.integers(0, 1000), st.floats(0.01, 0.99))
def test_each_genre_has_training_and_from_two_on_validation(count, salt, share):
    items = [Candidate(genre=genre, digest=f"{genre}{salt}{i}") for genre in ("a", "b") for i in range(count)]
    splits = choose_splits(items, share)
    for genre in ("a", "b"):
        have = {s for item, s in zip(items, splits, strict=True) if item.genre == genre}
        assert have == ({"train", "validation"} if count > 1 else {"train"})


@given(candidates)
def test_a_share_of_nothing_holds_nothing_out(items):
    assert set(choose_splits(items, 0.0)) <= {"train"}


def test_names_make_no_difference():
    one = [Candidate(genre="a", digest=str(i), group=("s", f"one{i}")) for i in range(50)]
    other = [Candidate(genre="a", digest=str(i), group=("t", f"other{i}")) for i in range(50)]
    assert choose_splits(one, 0.2) == choose_splits(other, 0.2)


def test_the_share_is_about_what_was_asked_for():
    items = [Candidate(genre="a", digest=f"sound {i}") for i in range(4000)]
    share = choose_splits(items, 0.1).count("validation") / 4000
    assert abs(share - 0.1) < 4 * (0.1 * 0.9 / 4000) ** 0.5


def test_what_the_dataset_pins_stays_and_draws_its_copies_along():
    items = [
        Candidate(genre="a", digest="x", pinned="validation"),
        Candidate(genre="a", digest="x"),
        Candidate(genre="a", digest="y", pinned="train"),
        Candidate(genre="b", digest="y"),
    ]
    assert choose_splits(items, 0.5) == ["validation", "validation", "train", "train"]


def grown(batches, share):
    """Yield all candidates so far and their splits after each batch, as a store that grows chooses them."""
    items, splits = [], []
    for batch in batches:
        held = [replace(item, held=split) for item, split in zip(items, splits, strict=True)]
        items = [*items, *batch]
        splits = choose_splits([*held, *batch], share)
        yield items, splits


@settings(deadline=None)
@given(st.lists(candidates, max_size=6), st.floats(0, 0.99))
def test_what_was_held_stays_whatever_is_added(batches, share):
    before = []
    for items, splits in grown(batches, share):
        assert splits[: len(before)] == before
        sides = defaultdict(set)
        for item, split in zip(items, splits, strict=True):
            sides[item.digest].add(split)
        assert all(len(each) == 1 for each in sides.values())  # no sound stands in both
        before = splits


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 1000), st.floats(0.01, 0.99))
def test_a_store_that_grows_has_both_splits_of_a_genre_as_soon_as_it_has_two_recordings(sizes, salt, share):
    batches = [[Candidate(genre="a", digest=f"{salt} {b} {n}") for n in range(size)] for b, size in enumerate(sizes)]
    for items, splits in grown(batches, share):
        assert set(splits) == ({"train", "validation"} if len(items) > 1 else {"train"})


def test_a_genre_that_lost_its_training_recordings_gets_one_back():
    assert choose_splits([Candidate(genre="a", digest="x", held="validation")], 0.5) == ["train"]
