"""A dataclass of options from values as JSON or text holds them, with mistakes answered in the user's words."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Union

from genvae.errors import OptionError, nearest

_BOOLEANS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


def build(cls: type, values: Mapping[str, Any], *, where: str) -> Any:
    """Make an instance of the options dataclass `cls`; `where` is its name in messages, such as `model`.

    Values are what JSON holds, or strings as typed on a command line; either is brought to the annotated type.

    >>> @dataclasses.dataclass(frozen=True)
    ... class Options:
    ...     hop: int = 256
    ...     f_max: float | None = None
    >>> build(Options, {"hop": "128", "f_max": "none"}, where="transform")
    Options(hop=128, f_max=None)
    >>> build(Options, {"hopp": 128}, where="transform")
    Traceback (most recent call last):
    genvae.errors.OptionError: transform has no option 'hopp'. Did you mean 'hop'?

    Raises:
        OptionError: an unknown option, a value of the wrong type, or one that the dataclass itself refuses
            (a ValueError from its `__post_init__`).
    """
    known = typing.get_type_hints(cls)
    for name in values:
        if name not in known:
            raise OptionError(f"{where} has no option {name!r}. {nearest(name, known)}")
    given = {name: _coerce(value, known[name], f"{where}.{name}") for name, value in values.items()}
    try:
        return cls(**given)
    except ValueError as error:
        raise OptionError(f"{where}: {error}") from error


def to_json(options: Any) -> dict[str, Any]:
    """Every option with its value, defaults written out, as JSON holds it (tuples become lists)."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(options)))
    return plain


def by_section(values: Mapping[str, Any], sections: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Values by dotted names -> values by section and name.

    >>> by_section({"model.latent_dim": 64}, ["model", "train"])
    {'model': {'latent_dim': 64}, 'train': {}}

    Raises:
        OptionError: a name without a section, or with one that is none of `sections`.
    """
    known = list(sections)
    found: dict[str, dict[str, Any]] = {section: {} for section in known}
    for target, value in values.items():
        section, _, name = target.partition(".")
        if not name:
            listed = " or ".join(f"{each}.{target.rstrip('.')}" for each in known)
            raise OptionError(f"The option {target!r} lacks its section: write {listed}.")
        if section not in found:
            raise OptionError(f"The option {target!r}: there is no section {section!r} here. {nearest(section, known)}")
        found[section][name.replace("-", "_")] = value
    return found


def describe(cls: type) -> list[tuple[str, str, str]]:
    """Each option of a dataclass as (name, type, default), for people."""
    hints = typing.get_type_hints(cls)
    rows = []
    for field in dataclasses.fields(cls):
        default = field.default_factory() if callable(field.default_factory) else field.default
        rows.append((field.name, _type_name(hints[field.name]), json.dumps(default)))
    return rows


def _coerce(value: Any, kind: Any, where: str) -> Any:
    """Bring one value to the annotated type, or raise OptionError."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        if type(None) in arguments and (value is None or value == "none"):
            return None
        for option in (a for a in arguments if a is not type(None)):
            try:
                return _coerce(value, option, where)
            except OptionError:
                continue
    elif origin is Literal:
        for allowed in arguments:
            if value == allowed or (isinstance(value, str) and value == str(allowed)):
                return allowed
    elif origin is tuple:
        items = [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value
        if isinstance(items, list | tuple):
            if len(arguments) == 2 and arguments[1] is Ellipsis:
                return tuple(_coerce(item, arguments[0], where) for item in items)
            if len(items) == len(arguments):
                return tuple(_coerce(item, each, where) for item, each in zip(items, arguments, strict=True))
    elif kind is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _BOOLEANS:
            return _BOOLEANS[value.lower()]
    elif (kind is int or kind is float) and isinstance(value, str | int | float) and not isinstance(value, bool):
        try:
            number = kind(value)
        except (ValueError, OverflowError):  # text that is no number, or one that is beyond all numbers
            number = None
        if (
            number is not None
            and math.isfinite(number)
            and (kind is float or isinstance(value, str) or number == value)
        ):
            return number
    elif kind is str and isinstance(value, str):
        return value
    raise OptionError(f"{where} takes {_type_name(kind)}, not {value!r}.")


def _type_name(kind: Any) -> str:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is type(None):
        return "none"
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(a) for a in arguments)
    if origin is Literal:
        return "one of " + ", ".join(map(str, arguments))
    if origin is tuple:
        return "a comma-separated list of " + _type_name(arguments[0])
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return names.get(kind, str(kind))
