"""Errors of the library in the words of the command line."""

from __future__ import annotations

import shlex

import pytest

from genvae.cli import main
from genvae.cli.errors import command_line, shown
from genvae.errors import Cure, GenvaeError


@pytest.mark.parametrize(
    ("cure", "typed"),
    [
        (Cure.of("train", store="STORE", run="run", resume=True), "genvae train STORE --run run --resume"),
        (Cure.of("prepare", sources="MUSIC", store="a store"), "genvae prepare MUSIC --out 'a store'"),
        (Cure.of("make_map", run="-r#1", method="umap"), "genvae map './-r#1' --method umap"),
        (Cure.of("make_map", run="run", store="STORE"), "genvae map run --store STORE"),
        (Cure.of("make_critic", run="run", store="STORE"), "genvae evaluate --critic run --store STORE"),
        (
            Cure.of("train", store="s", run="NEW", options={"model.learning_rate": 1e-4}),
            "genvae train s --run NEW --set model.learning_rate=0.0001",
        ),
        (Cure.of("generate", run="run", genre="drum & bass"), "genvae generate --run run --genre 'drum & bass'"),
    ],
)
def test_a_cure_is_a_command_that_its_own_parser_takes(cure: Cure, typed: str) -> None:
    assert command_line(cure) == typed
    _, name, *arguments = shlex.split(typed)
    context = main.make_context("genvae", [name, *arguments], resilient_parsing=False)
    command = main.get_command(context, name)
    assert command is not None
    command.make_context(name, list(arguments), parent=context)  # raises UsageError if it does not parse


def test_fields_become_the_flags_of_the_command_that_was_typed() -> None:
    context = main.make_context("genvae", ["prepare", "x", "--out", "y"])
    command = main.get_command(context, "prepare")
    error = GenvaeError("`sample_rate` is off, `store` is a file, `sources` and `other` too.")
    assert shown(error, command) == "--sample-rate is off, --out is a file, SOURCE and `other` too."


def test_in_python_a_cure_is_a_call() -> None:
    error = GenvaeError("It has not ended.", cure=Cure.of("train", store="STORE", run="my run", resume=True))
    assert str(error) == "It has not ended. Try: genvae.train(store=STORE, run='my run', resume=True)"
