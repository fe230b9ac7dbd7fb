import pytest

from genvae.errors import OptionError
from genvae.plugin.options import build
from genvae.training.plan import Budget, TrainOptions


def test_a_budget_is_exactly_one_of_three():
    for wrong in (
        {},
        {"steps": 5, "minutes": 1.0},
        {"steps": -1},
        {"minutes": 0.0},
        {"minutes": float("nan")},
        {"epochs": -1.0},
    ):
        with pytest.raises(OptionError, match="`steps`, `epochs`"):
            Budget(**wrong)


def test_progress_counts_what_the_budget_is_in():
    assert Budget(steps=10).progress(5, 1e9, steps_per_epoch=3) == 0.5
    assert Budget(epochs=2).progress(3, 1e9, steps_per_epoch=3) == 0.5
    assert Budget(minutes=2).progress(10**9, 60.0, steps_per_epoch=3) == 0.5
    assert Budget(steps=0).progress(0, 0.0, steps_per_epoch=3) == 1.0


def test_the_warm_up_rises_from_nothing_and_then_stays():
    options = TrainOptions(warmup_steps=9)
    assert options.warmup(0) == pytest.approx(0.1)
    assert {options.warmup(step) for step in (9, 10, 1000)} == {1.0}


@pytest.mark.parametrize(
    ("name", "value"), [("batch_size", 0), ("ema", 1.0), ("warmup_steps", -1), ("accumulate", 0), ("batch_size", 10**9)]
)
def test_values_that_make_no_training_are_refused_with_the_range(name, value):
    with pytest.raises(OptionError, match=rf"train\.{name} takes a (whole )?number .*, not {value}"):
        build(TrainOptions, {name: value}, where="train")
