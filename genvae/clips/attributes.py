"""Attributes of clips beyond their genre: which are wanted, what is known of each clip, and the file that keeps it.

STORE/attributes.safetensors holds a number a clip and attribute: NaN where it is not known, and of a word its place in
the list of words. It is no part of the store's digest, so that a store may come to keep more; it has one of its own.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from genvae.attributes import MOST_WORDS, SEPARATOR, words_of
from genvae.clips.estimates import ESTIMATES, Values
from genvae.errors import OptionError, PluginError, StoreError, nearest
from genvae.files import parse_json, write_whole
from genvae.interfaces.dataset import Recording
from genvae.text import printable

FILE = "attributes.safetensors"
_FORMAT = 1
_HEADER = 8  # bytes in front of a safetensors file's header, which say how long it is


@dataclass(frozen=True, kw_only=True)
class ClipAttribute:
    """What is known of every clip of a store in one respect.

    Attributes:
        name: of the attribute.
        unit: of its numbers, "" for none.
        words: that it may be, or sets of several as `dark;fast`; empty where it is a number.
        estimated: whether genvae found all of it in the sound.
        values: float32 [clips], numbers or places in `words`; NaN where it is not known.
    """

    name: str
    unit: str
    words: tuple[str, ...]
    estimated: bool
    values: Values

    def summary(self) -> dict[str, Any]:
        """How many clips have it, and of words how often each comes, of numbers their range and median."""
        known = self.values[~np.isnan(self.values)]
        if self.words:
            counts: Counter[str] = Counter()
            for place, count in Counter(known.astype(np.int64).tolist()).items():
                counts.update(dict.fromkeys(words_of(self.words[place]), count))
            return {"clips": len(known), "words": {word: counts[word] for word in _single(self.words)}}
        said: dict[str, Any] = {"clips": len(known), **({"unit": self.unit} if self.unit else {})}
        if len(known):
            said |= {
                "least": _rounded(known.min()),
                "median": _rounded(np.median(known)),
                "most": _rounded(known.max()),
            }
        return said


def _single(texts: Iterable[str]) -> list[str]:
    """The single words of texts, in alphabetical order."""
    return sorted({word for text in texts for word in words_of(text)})


def _rounded(value: Any) -> float:
    return float(f"{float(value):.5g}")


@dataclass(frozen=True)
class Wanted:
    """An attribute that a store is to keep.

    Attributes:
        name: of it.
        words: that recordings use for it; empty where it is a number.
        said: what each recording says of it, in their order: a number, a word's place, or NaN.
    """

    name: str
    words: tuple[str, ...]
    said: tuple[float, ...]

    @property
    def estimable(self) -> bool:
        """Whether it can be found in the sound where a recording does not say it."""
        return not self.words and self.name in ESTIMATES

    def of(self, clips: Sequence[int], estimates: Sequence[Mapping[str, Values]]) -> ClipAttribute:
        """What is known of every clip.

        Args:
            clips: of each recording, how many.
            estimates: of each recording.
        """
        values = [
            found[self.name] if self.name in found else np.full(count, said, np.float32)
            for said, count, found in zip(self.said, clips, estimates, strict=True)
        ]
        return ClipAttribute(
            name=self.name,
            unit=ESTIMATES[self.name].unit if self.estimable else "",
            words=self.words,
            estimated=self.estimable and all(map(math.isnan, self.said)),
            values=np.concatenate([np.zeros(0, np.float32), *values]),
        )


def wanted(
    asked: Collection[str], kept: Collection[str], recordings: Sequence[Recording], *, sounds: bool
) -> list[Wanted]:
    """The attributes that a store is to keep, in the order of their names.

    Args:
        asked: the names that the user gave.
        kept: the names of those that the store keeps already; one that nothing says any more is left out.
        recordings: what says them.
        sounds: whether the clips are sounds, of which some can be estimated.

    Raises:
        OptionError: nothing says such an attribute, or it has too many words.
        PluginError: a recording says something that is neither a number nor a word.
    """
    there = {name for recording in recordings for name in recording.attributes or ()}
    there |= set(ESTIMATES) if sounds else set()
    for name in asked:
        if name not in there:
            known = ", ".join(map(printable, sorted(there))) or "none"
            close = nearest(name, there) if there else ""
            hint = f" {close}" if close.startswith("Did") else ""
            raise OptionError(f"No recording has an attribute {name!r}.{hint} `attributes` can be: {known}.")
    return [_wanted(name, recordings) for name in sorted({*asked, *(set(kept) & there)})]


def _wanted(name: str, recordings: Sequence[Recording]) -> Wanted:
    said = [(recording.attributes or {}).get(name) for recording in recordings]
    for value, recording in zip(said, recordings, strict=True):
        number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not (value is None or number or (isinstance(value, str) and value)):
            what = f"The recording {printable(recording.id)!r} has the attribute {name!r} as {value!r}"
            raise PluginError(f"{what}: it must be a number that is finite, or a word.")
    if all(_number(value) is not None for value in said if value is not None):
        numbers = (math.nan if value is None else _number(value) for value in said)
        return Wanted(name, (), tuple(math.nan if n is None else n for n in numbers))
    texts = [None if value is None else SEPARATOR.join(words_of(str(value))) or None for value in said]
    words = sorted({text for text in texts if text is not None})
    if (count := len(_single(words))) > MOST_WORDS:
        raise OptionError(
            f"The attribute {name!r} has {count} different words; {MOST_WORDS} at most say something of clips: "
            "leave it out of `attributes`."
        )
    places = {word: float(place) for place, word in enumerate(words)}
    return Wanted(name, tuple(words), tuple(math.nan if text is None else places[text] for text in texts))


def _number(value: object) -> float | None:
    """The number that a value is, or that a text writes."""
    try:
        number = float(value)  # type: ignore[arg-type]  # what is no number raises
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def write_attributes(folder: Path, store: str, attributes: Sequence[ClipAttribute]) -> None:
    """Write what a store keeps, unless the file says just that.

    Args:
        folder: of the store.
        store: its digest.
        attributes: all of them.

    Raises:
        OSError: the file can't be written.
    """
    path = folder / FILE
    if not attributes:
        path.unlink(missing_ok=True)
        return
    values = np.stack([each.values for each in attributes], axis=1)
    head: dict[str, Any] = {
        "format": _FORMAT,
        "store": store,
        "attributes": [
            {"name": each.name, "unit": each.unit, "words": list(each.words), "estimated": each.estimated}
            for each in attributes
        ],
    }
    head["digest"] = _digest(head, values)
    content = save({"values": values}, {"genvae": json.dumps(head, sort_keys=True)})
    try:
        same = path.read_bytes() == content
    except OSError:
        same = False
    if not same:
        write_whole(path, content)


def joined(pieces: Sequence[tuple[ClipAttribute, slice]]) -> ClipAttribute:
    """One attribute from what the parts of a store keep of it: of each the clips that are wanted, in that order.

    Raises:
        ValueError: they know different words.
    """
    first = pieces[0][0]
    if any(kept.words != first.words for kept, _ in pieces):
        raise ValueError(f"the parts know different words for {first.name!r}")
    return replace(
        first,
        estimated=all(kept.estimated for kept, _ in pieces),
        values=np.concatenate([kept.values[rows] for kept, rows in pieces]),
    )


def kept_names(folder: Path) -> list[str]:
    """The names of the attributes that a store keeps, as far as its file can be read; it is written anew anyhow."""
    try:
        return [str(each["name"]) for each in _head((folder / FILE).read_bytes())["attributes"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def read_attributes(folder: Path, store: str, clips: int) -> tuple[dict[str, ClipAttribute], str]:
    """What a store keeps of its clips, by name, and the digest of that; nothing where there is no such file.

    Args:
        folder: of the store.
        store: its digest.
        clips: how many it holds.

    Raises:
        StoreError: the file is damaged, or of another state of the store.
    """
    path = folder / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}, ""
    except OSError as error:
        raise StoreError(f"{path} can't be read: {error.strerror}.") from error
    try:
        head = _head(content)
        values: NDArray[np.float32] = load(content)["values"]
        if head["digest"] != _digest({name: value for name, value in head.items() if name != "digest"}, values):
            raise ValueError("the digest does not match")
        if head["format"] != _FORMAT or head["store"] != store:
            raise ValueError("it is of another store, or of an earlier state of this one")
        if values.dtype != np.float32 or values.shape != (clips, len(head["attributes"])):
            raise ValueError("it has another form")
        found = [_attribute(each, column) for each, column in zip(head["attributes"], values.T, strict=True)]
        return {each.name: each for each in found}, str(head["digest"])
    except (ValueError, KeyError, TypeError, SafetensorError) as error:
        raise StoreError(f"{path} is damaged ({error}). Prepare the store again, with its `attributes`.") from error


def _attribute(described: Mapping[str, Any], values: Values) -> ClipAttribute:
    """An attribute of a file of unknown origin; raises ValueError, KeyError or TypeError."""
    name, unit, words = described["name"], described["unit"], described["words"]
    texts: Iterable[Any] = (name, unit, *words)
    if not all(isinstance(text, str) for text in texts) or not isinstance(words, list):
        raise ValueError("an attribute is not described")
    if len(_single(words)) > MOST_WORDS:
        raise ValueError("an attribute is not described")
    known = values[~np.isnan(values)]
    places = (known >= 0) & (known < len(words)) & (known == np.rint(known))
    if not (places.all() if words else np.isfinite(known).all()):
        raise ValueError(f"{name!r} has values that are none")
    return ClipAttribute(
        name=name, unit=unit, words=tuple(words), estimated=described["estimated"] is True, values=values.copy()
    )


def _head(content: bytes) -> dict[str, Any]:
    """What a file says of itself; raises ValueError, KeyError or TypeError."""
    length = int.from_bytes(content[:_HEADER], "little")
    header = parse_json(content[_HEADER : _HEADER + min(length, len(content))])
    head = parse_json(header["__metadata__"]["genvae"])
    if not isinstance(head, dict):
        raise ValueError("it has no head")
    return head


def _digest(head: Mapping[str, Any], values: NDArray[np.float32]) -> str:
    digest = hashlib.blake2b(json.dumps(head, sort_keys=True).encode("ascii"), digest_size=16)
    digest.update(np.ascontiguousarray(values, "<f4").tobytes())
    return digest.hexdigest()
