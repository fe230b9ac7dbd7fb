"""A dataclass of options from values as JSON or text holds them, with mistakes answered in the user's words."""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from genvae.errors import OptionError, nearest
from genvae.plugin.option import Asset, Option

_BOOLEANS = dict.fromkeys(("true", "yes", "on", "1"), True) | dict.fromkeys(("false", "no", "off", "0"), False)


def build(cls: type, values: Mapping[str, Any], *, where: str, stored: bool = False) -> Any:
    """Make an instance of the options dataclass `cls`; `where` is its name in messages, such as `model`.

    Values are what JSON holds, or strings as typed on a command line; either is brought to the annotated type, and
    must lie in the annotated range. A file that an option names is read, unless the values are `stored`, as those of a
    run are: what a run says of a file is no path.

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
        OptionError: an unknown option, a value of the wrong type or out of range, a file that can't be read, or what
            the dataclass itself refuses (a ValueError from its `__post_init__`).
    """
    types = typing.get_type_hints(cls, include_extras=True)
    for name in values:
        if name not in types:
            raise OptionError(f"{where} has no option {name!r}. {nearest(name, types)}")
    arguments = {name: _within(value, types[name], f"{where}.{name}", stored=stored) for name, value in values.items()}
    try:
        return cls(**arguments)
    except ValueError as error:
        raise OptionError(f"{where}: {error}") from error


def to_json(options: Any) -> dict[str, Any]:
    """Every option with its value, defaults written out, as JSON holds it (tuples become lists)."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(options)))
    return plain


def assets(options: Any) -> dict[str, Asset]:
    """The options that are files, by name, with their paths, which JSON does not keep."""
    return {name: value for name, value in vars(options).items() if isinstance(value, Asset)}


def by_section(values: Mapping[str, Any], sections: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Values by dotted names -> values by section and name.

    >>> by_section({"model.latent_dim": 64}, ["model", "train"])
    {'model': {'latent_dim': 64}, 'train': {}}

    Raises:
        OptionError: a name without a section, or with one that is none of `sections`.
    """
    section_names = list(sections)
    grouped_values: dict[str, dict[str, Any]] = {section: {} for section in section_names}
    for target, value in values.items():
        section, _, name = target.partition(".")
        if not name:
            listed = " or ".join(f"{each}.{target.rstrip('.')}" for each in section_names)
            raise OptionError(f"The option {target!r} lacks its section: write {listed}.")
        if section not in grouped_values:
            raise OptionError(
                f"The option {target!r}: there is no section {section!r} here. {nearest(section, section_names)}"
            )
        grouped_values[section][name.replace("-", "_")] = value
    return grouped_values


@dataclasses.dataclass(frozen=True)
class Described:
    """An option, for people.

    Attributes:
        name: of the option.
        type: what it takes, with its range.
        default: as JSON.
        meaning: "" if its annotation says none.
    """

    name: str
    type: str
    default: str
    meaning: str


def describe(cls: type) -> list[Described]:
    """Each option of a dataclass, for people."""
    hints = typing.get_type_hints(cls, include_extras=True)
    rows = []
    for field in dataclasses.fields(cls):
        default = field.default_factory() if callable(field.default_factory) else field.default
        kind, option = _parts(hints[field.name])
        rows.append(
            Described(field.name, _expectation(kind, option), json.dumps(default), option.meaning if option else "")
        )
    return rows


def _parts(hint: Any) -> tuple[Any, Option | None]:
    """A type, and what its annotation says beside it."""
    if typing.get_origin(hint) is not Annotated:
        return hint, None
    kind, *extras = typing.get_args(hint)
    return kind, next((each for each in extras if isinstance(each, Option)), None)


def _expectation(kind: Any, option: Option | None) -> str:
    """What an option takes."""
    bounds = option.bounds if option else ""
    none = type(None) in typing.get_args(kind)
    if not bounds:
        return _type_name(kind)
    bare = " or ".join(_type_name(each) for each in typing.get_args(kind) if each is not type(None)) if none else ""
    return f"{bare} {bounds}, or none" if none else f"{_type_name(kind)} {bounds}"


def _within(value: Any, hint: Any, where: str, *, stored: bool) -> Any:
    """Bring one value to the annotated type and check its range, or raise OptionError."""
    kind, option = _parts(hint)
    converted = _file(value, where, stored=stored) if _is_file(kind) else _coerce(value, kind, where)
    if option is not None and not option.holds(converted):
        raise OptionError(f"{where} takes {_expectation(kind, option)}, not {value!r}.")
    return converted


def _is_file(kind: Any) -> bool:
    return any(inspect.isclass(each) and issubclass(each, Asset) for each in (kind, *typing.get_args(kind)))


def _file(value: Any, where: str, *, stored: bool) -> Asset | None:
    """The file that a value names."""
    if value is None or value == "none":
        return None
    if isinstance(value, Asset):
        return value
    text = str(value) if isinstance(value, str | Path) else ""
    path = Path(text).expanduser()
    if Asset.is_reference(text) and (stored or not path.exists()):
        return Asset(text)
    if stored or not text:
        raise OptionError(f"{where} takes what a run says of a file, NAME#DIGEST, not {value!r}.")
    try:
        return Asset.of(path)
    except OSError as error:
        raise OptionError(f"{where} takes a file; {text} can't be read: {error.strerror}.") from error


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
    names = {Asset: "a file", int: "a whole number", float: "a number", bool: "true or false", str: "text"}
    return names.get(kind, str(kind))
