"""docs/plugins: hooks as they are, every check explained, and examples that pass the kit as they stand."""

from __future__ import annotations

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from genvae.plugin import hookspecs
from genvae.plugin.declarations import KINDS
from genvae.testing import check_declaration, check_whole, plugin_checks
from genvae.testing.check import checks_in
from genvae.testing.kit import OF_KIND, outcome_of

DOCS = Path(__file__).parents[1] / "docs" / "plugins"
EXAMPLES = {
    "datasets.md": "tones",
    "transforms.md": "parts",
    "models.md": "linear",
    "attributes.md": "told",
    "priors.md": "axes",
    "vocoders.md": "pulses",
    "vocoders.md#a-vocoder-that-learns": "frames",
    "schedules.md": "stairs",
    "callbacks.md": "wandb_log",
    "embedders.md": "cepstra",
    "metrics.md": "level",
    "moving-a-model-in.md": "moved",
}


WANDB = """
class Run:
    id = "1"
    def log(self, values, step):
        assert all(isinstance(value, float) for value in values.values())
    def finish(self):
        pass
def init(*, project, name, dir, config, mode, id, resume):
    return Run()
"""


def hooks() -> dict[str, str]:
    """The signature of every hook, as its source has it."""
    found = {n: f for n, f in vars(hookspecs).items() if n.startswith("genvae_") and callable(f)}
    return {name: f"def {name}{inspect.signature(function)}".replace("'", "") for name, function in found.items()}


def test_every_hook_is_documented_with_its_exact_signature() -> None:
    text = (DOCS / "hooks.md").read_text()
    [block] = re.findall(r"```python\n(.*?)```", text, re.S)
    assert block.splitlines() == list(hooks().values())
    assert len(hooks()) == len(KINDS)


def test_every_field_of_a_declaration_is_documented() -> None:
    text = (DOCS / "hooks.md").read_text()
    for cls in KINDS.values():
        for field in (each.name for each in fields(cls)):
            assert re.search(rf"\| `{field}`", text), f"{cls.__name__}.{field}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_check_is_explained_on_its_page_and_no_other_is(kind: str) -> None:
    told = set(re.findall(r"^\| `([a-z-]+)` \|", (DOCS / f"{kind}s.md").read_text(), re.M))
    assert told == {check.name for check in checks_in(OF_KIND[kind])}


def test_the_checks_of_every_kind_are_explained_on_the_first_page() -> None:
    told = set(re.findall(r"^\| `([a-z-]+)` \|", (DOCS / "README.md").read_text(), re.M))
    assert told == {check.name for module in (check_declaration, check_whole) for check in checks_in(module)}


def example(page: str) -> str:
    """The code of a page's example, of a chapter's if one is named."""
    name, _, chapter = page.partition("#")
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.S)
    return next(c for c in blocks if "hookimpl" in c and (not chapter or f'name="{EXAMPLES[page]}"' in c))


@pytest.mark.parametrize("page", EXAMPLES)
def test_the_example_of_a_page_passes_every_check_as_it_stands(page: str, tmp_path: Path) -> None:
    file = tmp_path / f"{EXAMPLES[page]}.py"
    file.write_text(example(page))
    if page == "callbacks.md":  # a stand-in for the library, which is not among ours
        (tmp_path / "wandb.py").write_text(WANDB)
    outcomes = [outcome_of(bound) for bound in plugin_checks(file)]
    assert len(outcomes) >= 5
    assert {o.check: (o.expected, o.actual) for o in outcomes if not o.good} == {}


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), (page.name, target)
