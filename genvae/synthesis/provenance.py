"""What made a clip, as the JSON that stands in the comment of its wav file: enough to make the clip again."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from genvae.attributes import MOST_ATTRIBUTES, Value
from genvae.errors import AudioError
from genvae.files import parse_json
from genvae.items import read_comment

_FORMAT = 1
_MAX_LENGTH = 1 << 16  # characters of JSON
_MAX_NUMBER = 2**63 - 1
_MAX_SECONDS = 24 * 3600.0
_MAX_BPM = 1000.0
_LARGEST_LATENT = 1e9

QUIETEST = -60.0
"""The lowest peak that a sound can be brought to, in dB of full scale."""


@dataclass(frozen=True)
class Waypoint:
    """A place that a path passes.

    Attributes:
        genre: what it is decoded as.
        latent: float32 [latent_dim], little-endian, in base64.
    """

    genre: str
    latent: str

    @classmethod
    def of(cls, genre: str, latent: NDArray[np.float32]) -> Self:
        """The waypoint at a latent [latent_dim]."""
        return cls(genre, base64.b64encode(latent.astype("<f4").tobytes()).decode("ascii"))

    def values(self) -> NDArray[np.float32]:
        """The latent, [latent_dim].

        Raises:
            ValueError: it is not in base64, not a number of whole values, or not finite.
        """
        values = np.frombuffer(base64.b64decode(self.latent, validate=True), "<f4").astype(np.float32)
        if not (np.abs(values) <= _LARGEST_LATENT).all():
            raise ValueError("its latent has values that are not finite, or that no latent has")
        return values


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """What determines a clip's bytes.

    Attributes:
        run: the run's digest.
        genre: that was asked for.
        seed: of all clips that were asked for together.
        index: the number of this one.
        temperature: of the prior.
        vocoder: plugin, distribution, version and options, which may differ from the run's own.
        versions: of genvae, of torch and of the other distributions whose plugins took part.
        waypoints: where its latents were not drawn from the prior, the path that it lies on; one of them for a point.
        at: the time of its place on that path, from 0 to 1.
        seconds: the length of a sound that is longer than one clip.
        bpm: the tempo of a loop, in beats a minute.
        bars: of four beats, how many the loop has.
        normalise: the peak that the sound was brought to, in dB of full scale.
        attributes: numbers or words that were asked for beyond the genre, by name.
    """

    run: str
    genre: str
    seed: int
    index: int
    temperature: float
    vocoder: Mapping[str, Any]
    versions: Mapping[str, str]
    waypoints: tuple[Waypoint, ...] | None = None
    at: float | None = None
    seconds: float | None = None
    bpm: float | None = None
    bars: int | None = None
    normalise: float | None = None
    attributes: Mapping[str, Value] | None = None

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values, without those that say nothing."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def info(self) -> dict[str, str]:
        """The RIFF INFO texts that carry it; the same provenance always gives the same texts."""
        comment = json.dumps({"genvae": _FORMAT, **self.to_json()}, sort_keys=True, separators=(",", ":"))
        return {"ICMT": comment, "ISFT": f"genvae {self.versions['genvae']}"}

    def differing_versions(self, other: Provenance) -> str:
        """The versions in which two differ, as one clause for people; empty when there are none."""
        names = sorted(self.versions.keys() | other.versions.keys())
        pairs = [(name, self.versions.get(name, "none"), other.versions.get(name, "none")) for name in names]
        return ", ".join(f"{name} {mine} instead of {theirs}" for name, mine, theirs in pairs if mine != theirs)


def read(path: Path) -> Provenance:
    """The provenance of a generated wav, flac, ogg or png file.

    Raises:
        AudioError: the file can't be read, is no such file, was not made by `genvae generate`, or its provenance is
            damaged.
    """
    comment = read_comment(path)
    if len(comment) > _MAX_LENGTH or not comment.startswith("{"):
        raise AudioError(f"{path} was not made by genvae generate: it does not say what made it.")
    try:
        value = parse_json(comment)
    except json.JSONDecodeError:
        value = None
    except ValueError as error:
        raise AudioError(f"{path} does not say properly what made it: {error}.") from error
    if not isinstance(value, dict) or "genvae" not in value:
        raise AudioError(f"{path} was not made by genvae generate: it does not say what made it.")
    try:
        return _checked(value)
    except KeyError as error:
        raise AudioError(f"{path} does not say properly what made it: its {error.args[0]} is missing.") from error
    except (TypeError, ValueError) as error:
        raise AudioError(f"{path} does not say properly what made it: {error}.") from error


def _checked(value: dict[str, Any]) -> Provenance:
    """The provenance in JSON of unknown origin; raises KeyError, TypeError or ValueError."""
    if value["genvae"] != _FORMAT:
        raise ValueError("a newer genvae wrote it")
    temperature = value["temperature"]
    if isinstance(temperature, bool) or not isinstance(temperature, int | float):
        raise TypeError("its temperature is not a number")
    if not (math.isfinite(temperature) and temperature >= 0):
        raise ValueError("its temperature is not a positive number")
    if not re.fullmatch(r"[0-9a-f]{16}", _text(value, "run")):
        raise ValueError("its run is not a digest")
    vocoder, versions = value["vocoder"], value["versions"]
    if not (isinstance(vocoder, dict) and vocoder.keys() == {"plugin", "distribution", "version", "options"}):
        raise TypeError("its vocoder is not described")
    if not isinstance(vocoder["options"], dict):
        raise TypeError("its vocoder's options are not named values")
    for name in ("plugin", "distribution", "version"):
        _text(vocoder, name)
    if not (isinstance(versions, dict) and "genvae" in versions):
        raise TypeError("its versions are not named")
    if not all(_text(versions, name).isascii() for name in versions):
        raise ValueError("its versions are not ASCII")
    return Provenance(
        run=value["run"],
        genre=_text(value, "genre"),
        seed=_whole(value, "seed"),
        index=_whole(value, "index"),
        temperature=float(temperature),
        vocoder=vocoder,
        versions=versions,
        waypoints=_waypoints(value["waypoints"]) if "waypoints" in value else None,
        at=_number(value, "at", 1.0) if "at" in value else None,
        seconds=_number(value, "seconds", _MAX_SECONDS) if "seconds" in value else None,
        bpm=_number(value, "bpm", _MAX_BPM) if "bpm" in value else None,
        bars=_whole(value, "bars") if "bars" in value else None,
        normalise=_number(value, "normalise", 0.0, least=QUIETEST) if "normalise" in value else None,
        attributes=_attributes(value["attributes"]) if "attributes" in value else None,
    )


def _waypoints(value: Any) -> tuple[Waypoint, ...]:
    if not (isinstance(value, list) and value and all(isinstance(each, dict) for each in value)):
        raise TypeError("its waypoints are no list of places")
    waypoints = tuple(Waypoint(_text(each, "genre"), _text(each, "latent")) for each in value)
    for waypoint in waypoints:
        waypoint.values()
    return waypoints


def _attributes(value: Any) -> dict[str, Value]:
    if not (isinstance(value, dict) and 0 < len(value) <= MOST_ATTRIBUTES):
        raise TypeError("its attributes are not named values")
    for each in value.values():
        if isinstance(each, bool) or not isinstance(each, int | float | str):
            raise TypeError("an attribute of it is neither a number nor a word")
    return {name: each if isinstance(each, str) else float(each) for name, each in value.items()}


def _number(value: Mapping[str, Any], name: str, most: float, *, least: float = 0.0) -> float:
    number = value[name]
    if isinstance(number, bool) or not isinstance(number, int | float) or not least <= number <= most:
        raise TypeError(f"its {name} is not a number from {least:g} to {most:g}")
    return float(number)


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value[name]
    if not isinstance(text, str):
        raise TypeError(f"its {name} is not text")
    return text


def _whole(value: Mapping[str, Any], name: str) -> int:
    number = value[name]
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _MAX_NUMBER:
        raise TypeError(f"its {name} is not a whole number")
    return number
