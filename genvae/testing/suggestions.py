"""The check of what a model or a vocoder suggests for other parts."""

from __future__ import annotations

from dataclasses import fields

from genvae.errors import OptionError, nearest
from genvae.pipeline import SECTIONS
from genvae.plugin import options
from genvae.plugin.declarations import ModelPlugin, VocoderPlugin
from genvae.testing.check import light
from genvae.testing.failure import expect
from genvae.testing.subject import Subject
from genvae.training.plan import TrainOptions


@light
def suggests_what_exists(subject: Subject) -> None:
    """Each option that the declaration suggests exists, in some plugin or in the training, and takes the value."""
    assert isinstance(subject.plugin, ModelPlugin | VocoderPlugin)
    for target, value in subject.plugin.suggests.items():
        section, _, name = target.partition(".")
        sections = [each for each in (*SECTIONS, "train") if each != subject.kind]
        expect(section in sections, f"suggests[{target!r}] to be of {', '.join(sections)}", f"{section!r}")
        classes: list[type] = [TrainOptions]
        if section != "train":
            rows = [row for row in subject.registry.declared() if row.kind == section and row.plugin]
            classes = [row.usable().options for row in rows]
        having = [cls for cls in classes if name in {field.name for field in fields(cls)}]
        names = {field.name for cls in classes for field in fields(cls)}
        expect(bool(having), f"suggests[{target!r}] to be an option", f"no {section} has it. {nearest(name, names)}")
        refusals = []
        for cls in having:
            try:
                options.build(cls, {name: value}, where=section)
            except OptionError as refusal:
                refusals.append(str(refusal))
        expect(
            len(refusals) < len(having), f"suggests[{target!r}] to be a value that it takes", "; ".join(refusals[:1])
        )
