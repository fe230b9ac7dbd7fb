"""What a training says: the budget and what to expect of it, and of each validation whether it got better."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from training_runs import train

from genvae.training.plan import Budget
from genvae.training.wording import Validations, ending, expectation, opening


@pytest.mark.parametrize(
    ("budget", "planned"),
    [(Budget(minutes=1.5), "for 1.5 minutes"), (Budget(epochs=2), "20 steps"), (Budget(steps=7), "7 steps")],
)
def test_the_opening_names_the_budget_in_steps_or_minutes(budget: Budget, planned: str) -> None:
    said = opening("flow-vae", "the CPU", weights=1234, clips=100, held_out=9, batch=10, step=0, budget=budget)
    assert said == f"Training flow-vae on the CPU: 1,234 weights, 100 clips (9 held out), batches of 10, {planned}."


def test_what_is_expected_is_what_the_table_of_the_docs_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    block = page.partition("<!-- trainings -->")[2].partition("<!-- end of trainings -->")[0]
    heads, _, *rows = ([cell.strip() for cell in line.split("|")[1:-1]] for line in block.splitlines() if "|" in line)
    column = heads.index("accuracy")
    measured = {float(row[0]): float(row[column].split()[0]) for row in rows if row[1]}  # those with a pace
    assert len(measured) == 3
    for minutes, accuracy in measured.items():
        said = expectation(Budget(minutes=minutes), None, 32)
        [right] = re.findall(r"(\d+) of 20", said)
        assert abs(int(right) / 20 - accuracy) <= 0.025
        assert f"{minutes:g} minutes" in said
    assert expectation(Budget(minutes=4), None, 32).startswith("Expect little")
    assert "120 minutes" in expectation(Budget(steps=10**6), 10**6, 32)


def test_the_expected_end_is_so_far_from_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_700_000_000.0)
    monkeypatch.setattr("time.localtime", __import__("time").gmtime)  # 22:13:20 on Tuesday
    assert ending(600) == "Expected end: 22:23, 10 min from now."
    assert ending(7200) == "Expected end: Wed 15 Nov, 00:13, 2 h 0 min from now."
    assert ending(366 * 86_400) == "Expected end: 8784 h 0 min from now."  # the same day's name as today


def test_an_end_that_no_calendar_knows_is_told_as_well() -> None:
    assert ending(6e18).startswith("Expected end: 1666666666666666 h")


def test_a_validation_is_judged_by_the_one_before() -> None:
    seen = Validations()
    assert "(the number to watch: lower is better)  nll 2" in seen.describe(10, {"loss": 3.0, "nll": 2.0})
    assert "better than 3 at step 10, the best so far" in seen.describe(20, {"loss": 2.0})
    assert "worse than 2 at step 20" in seen.describe(30, {"loss": 2.9})
    better = seen.describe(40, {"loss": 2.5})
    assert "better than 2.9 at step 30" in better
    assert "best" not in better
    assert "it was 2 at step 20" in seen.verdict(held_out=True)


def test_a_loss_against_a_network_that_learns_too_is_not_judged() -> None:
    seen = Validations()
    seen.describe(10, {"loss": 3.0}, adversarial=True)
    said = [seen.describe(20, {"loss": 3.4}, adversarial=True), seen.verdict(held_out=True, adversarial=True)]
    for line in said:
        assert "which tells little" in line
        assert not any(word in line for word in ("better", "worse", "best of", "hardly help"))


def test_losses_whose_weights_moved_are_not_called_better() -> None:
    seen = Validations()
    seen.describe(10, {"loss": 3.0, "beta": 0.1})
    assert "hardly compare" in seen.describe(20, {"loss": 2.0, "beta": 0.2})


def test_the_end_says_on_what_it_was_validated() -> None:
    seen = Validations()
    seen.describe(10, {"loss": 3.0, "distance_db": 12.34})
    assert "12.3 dB off" in seen.verdict(held_out=False)
    assert "its own training clips" in seen.verdict(held_out=False)


def test_a_log_brings_back_what_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    lines = [{"kind": "train", "step": 5, "loss": 1}, *({"kind": "validation", "step": s, "loss": s} for s in (5, 10))]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"kind": "vali')
    assert [step for step, _ in Validations.logged(path, 5).history] == [5]


def test_lines_of_a_log_that_say_nothing_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    good = '{"kind": "validation", "step": 5, "loss": 2, "beta": "?", "distance_db": [9]}'
    bad = ["[" * 10**5, "7", '{"kind": "validation", "step": -Infinity, "loss": 1}', good.replace("2", "1" + "0" * 400)]
    path.write_text("\n".join([*bad, good]))
    seen = Validations.logged(path, 5)
    assert seen.history == [(5, {"step": 5.0, "loss": 2.0})]
    assert seen.verdict(held_out=True).startswith("Validation loss 2 ")
    assert "better than 2" in seen.describe(6, {"loss": 1.0})
    assert Validations.logged(tmp_path / "none", 5).history == []


def test_a_piped_training_speaks_before_its_first_step_and_says_at_its_end_how_good_it_is(
    tone_store: Path, small: list[str], tmp_path: Path
) -> None:
    done = train(tone_store, "--run", tmp_path / "run", "--steps", 40, *small)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Training conv-vae on the CPU (1 thread): ")
    assert "40 steps" in lines[0]
    assert "Expect little" in lines[1]
    assert lines[2].startswith("step 20  validation loss")  # the end is told once a step's length is known
    assert lines[3].startswith("Expected end: ")
    assert any("better than" in line or "worse than" in line for line in lines if line.startswith("step 40"))
    assert lines[-2].startswith("Validation loss")
    assert lines[-1].startswith("Trained. Hear it with: genvae generate --run ")


def test_no_collapse_is_told_while_the_model_warms_up(tone_store: Path, small: list[str], tmp_path: Path) -> None:
    crushed = ["--set", "model.beta=1e6", "--set", "model.free_bits=0", "--set", "model.kl_warmup=30"]
    done = train(tone_store, "--run", tmp_path / "run", "--steps", 40, *small, *crushed)
    assert done.returncode == 0, done.stderr
    warned = [
        line["step"]
        for line in map(json.loads, (tmp_path / "run" / "metrics.jsonl").read_text().splitlines())
        if line["kind"] == "warning"
    ]
    assert warned == [40]
