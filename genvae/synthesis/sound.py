"""Sounds that a run has made, clips and reconstructions: saved, played, and shown in a notebook.

A run of other items makes those: the same classes then hold an item in place of a waveform.
"""

from __future__ import annotations

import json
import math
import tempfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from pathlib import Path
from typing import Any

from torch import Tensor

import genvae
from genvae.attributes import Value
from genvae.errors import GenvaeError
from genvae.files import write_whole
from genvae.items import ItemKind, Sounds, suffix_of
from genvae.png import encode_png
from genvae.synthesis.provenance import QUIETEST, Provenance


@dataclass(frozen=True)
class Sound:
    """A waveform that came out of a run.

    Attributes:
        wave: [samples] within ±1; of other kinds the item.
        sample_rate: in Hz; 0 of what is no sound.
        kind: what it is, where it is no sound.
    """

    wave: Tensor
    sample_rate: int
    kind: ItemKind | None = field(default=None, kw_only=True)

    @property
    def item_kind(self) -> ItemKind:
        """The kind of item that it is."""
        return self.kind or Sounds(self.sample_rate, len(self.wave))

    @property
    def seconds(self) -> float:
        """How long it lasts; 0 for what is no sound."""
        return 0.0 if self.kind else len(self.wave) / self.sample_rate

    def describe(self) -> dict[str, Any]:
        """What made it, as plain values."""
        return {}

    def info(self) -> Mapping[str, str]:
        """The texts that its files carry, by their RIFF names."""
        return {"ISFT": f"genvae {genvae.__version__}"}

    def encode(self, format: str | None = None) -> bytes:
        """The sound as a file of 16 bits (of Vorbis for `ogg`) that says what made it.

        Args:
            format: wav, flac or ogg, or of other kinds theirs; by default the kind's usual one, wav.

        Raises:
            ItemError: it is none of the kind's.
        """
        kind = self.item_kind
        suffix = suffix_of(Path(f"{kind.name}.{format}"), kind.suffixes, kind.name) if format else kind.suffixes[0]
        return kind.encode(self.wave.numpy(), suffix, self.info())

    def content(self, path: Path) -> bytes:
        """What a file of that name holds.

        Raises:
            ItemError: the name asks for a format that there is not.
        """
        kind = self.item_kind
        return kind.encode(self.wave.numpy(), suffix_of(path, kind.suffixes, kind.name), self.info())

    def show(self) -> bytes:
        """A picture of it, a PNG file: the spectrogram of a sound."""
        return encode_png(self.item_kind.show(self.wave.numpy()))

    def wav(self) -> bytes:
        """The sound as a 16-bit wav file that says what made it."""
        return self.encode("wav")

    def save(self, path: Path | str) -> Path:
        """Write the sound to a wav, flac or ogg file, by its name, in place of one that is there.

        Returns:
            where it is.

        Raises:
            ItemError: the name asks for another format.
            OSError: the file can't be written.
        """
        target = Path(path)
        write_whole(target, self.content(target))
        return target

    def play(self) -> None:
        """Play the sound to its end, through the first player that this machine has.

        Raises:
            GenvaeError: there is no player, it failed, or this is no sound.
        """
        from genvae.audio.play import play

        if self.kind:
            raise GenvaeError(f"A {self.kind.name} can't be played.")

        with tempfile.TemporaryDirectory(prefix="genvae-") as folder:
            play(self.save(Path(folder) / "sound.wav"))

    def _repr_html_(self) -> str:
        """A player, the spectrogram and what made it, for a notebook."""
        player = ""
        if not self.kind:
            audio = b64encode(self.wav()).decode("ascii")
            player = f'<audio controls src="data:audio/wav;base64,{audio}"></audio><br>'
        picture = b64encode(self.show()).decode("ascii")
        named = self.kind.name if self.kind else "Spectrogram"
        made_by = escape(json.dumps(self.describe(), indent=1, ensure_ascii=False))
        return (
            f'{player}<img alt="{named}" style="max-width: 100%" src="data:image/png;base64,{picture}">'
            f"<details><summary>{escape(repr(self))}</summary><pre>{made_by}</pre></details>"
        )


@dataclass(frozen=True, repr=False)
class Clip(Sound):
    """A generated sound, which its provenance makes again, byte for byte.

    Attributes:
        provenance: what made it.
    """

    provenance: Provenance

    def __repr__(self) -> str:
        """Its genre, seed and length."""
        made_by = self.provenance
        length = "" if self.kind else f", seconds={self.seconds:g}"
        return f"Clip({made_by.genre!r}, seed={made_by.seed}, index={made_by.index}{length})"

    @property
    def peak_db(self) -> float:
        """Its peak in dB of full scale, minus infinity where it is silent."""
        peak = float(self.wave.abs().max())
        return 20 * math.log10(peak) if peak > 0 else -math.inf

    def normalised(self, level: float) -> Clip:
        """The same sound with its peak at a level; silence stays as it is.

        The peak rather than the loudness, as that is sure never to clip, and what is loud in a second of a drum or of a
        piano is no one number.

        Args:
            level: in dB of full scale, from -60 to 0.

        Raises:
            GenvaeError: the level is none of those.
        """
        if not QUIETEST <= level <= 0:
            raise GenvaeError(f"`normalise` takes a peak from {QUIETEST:g} to 0 dBFS, not {level:g}, for example -1.")
        peak = float(self.wave.abs().max())
        wave = self.wave * (10 ** (level / 20) / peak) if peak > 0 else self.wave
        return replace(self, wave=wave.clamp(-1.0, 1.0), provenance=replace(self.provenance, normalise=float(level)))

    def describe(self) -> dict[str, Any]:
        """What made it, as plain values, and its rate, length and peak; of other kinds its shape."""
        if self.kind:
            return {**self.provenance.to_json(), "kind": self.kind.name, "shape": list(self.wave.shape)}
        return {
            **self.provenance.to_json(),
            "sample_rate": self.sample_rate,
            "samples": len(self.wave),
            "peak": float(self.wave.abs().max()),
        }

    def info(self) -> Mapping[str, str]:
        """Its provenance, by RIFF names."""
        return self.provenance.info()


@dataclass(frozen=True, repr=False)
class Reconstruction(Sound):
    """A sound that went through the model.

    Attributes:
        genre: the one that it was conditioned on.
        distance: log-spectral distance from the original, in dB; of other kinds the root mean square of the difference.
        attributes: what was asked for beyond the genre, by name.
    """

    genre: str
    distance: float
    attributes: Mapping[str, Value] = field(default_factory=dict, kw_only=True)

    def __repr__(self) -> str:
        """Its genre, its distance and its length."""
        if self.kind:
            return f"Reconstruction({self.genre!r}, distance={self.distance:.3f})"
        return f"Reconstruction({self.genre!r}, distance={self.distance:.1f}, seconds={self.seconds:g})"

    def describe(self) -> dict[str, Any]:
        """What it was decoded as, and how far it is from the original."""
        asked = {"attributes": dict(self.attributes)} if self.attributes else {}
        if self.kind:
            return {"genre": self.genre, "distance": self.distance, "kind": self.kind.name, **asked}
        return {"genre": self.genre, "distance_db": self.distance, "sample_rate": self.sample_rate, **asked}
