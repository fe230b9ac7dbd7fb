import pytest

from genvae.errors import OptionError
from genvae.training.plan import Budget, TrainOptions


def test_a_budget_is_exactly_one_of_three():
    for wrong in ({}, {"steps": 5, "minutes": 1.0}, {"steps": 0}, {"minutes": float("nan")}, {"epochs": -1.0}):
        with pytest.raises(OptionError, match="`steps`, `epochs`"):
            Budget(**wrong)


def test_progress_counts_what_the_budget_is_in():
    assert Budget(steps=10).progress(5, 1e9, steps_per_epoch=3) == 0.5
    assert Budget(epochs=2).progress(3, 1e9, steps_per_epoch=3) == 0.5
    assert Budget(minutes=2).progress(10**9, 60.0, steps_per_epoch=3) == 0.5


def test_the_cosine_schedule_rises_from_nothing_and_ends_at_nothing():
    options = TrainOptions(warmup_steps=9, schedule="cosine")
    assert options.learning_rate_scale(0, 0.0) == pytest.approx(0.1)
    assert options.learning_rate_scale(9, 0.0) == 1.0
    assert options.learning_rate_scale(500, 0.5) == pytest.approx(0.5)
    assert options.learning_rate_scale(1000, 1.0) == pytest.approx(0.0)
    assert options.learning_rate_scale(1001, 1.001) == pytest.approx(0.0)


def test_the_constant_schedule_stays_after_the_warm_up():
    options = TrainOptions(warmup_steps=0, schedule="constant")
    assert {options.learning_rate_scale(step, step / 10) for step in range(10)} == {1.0}


def test_the_trapezoid_schedule_is_constant_until_its_last_fifth_and_ends_at_nothing():
    options = TrainOptions(warmup_steps=0, schedule="trapezoid")
    assert options.learning_rate_scale(5, 0.0) == options.learning_rate_scale(5, 0.79) == 1.0
    assert abs(options.learning_rate_scale(5, 0.9) - 0.5) < 1e-9
    assert options.learning_rate_scale(5, 1.0) == 0.0
