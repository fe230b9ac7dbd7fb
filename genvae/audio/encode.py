"""Sound files to write: wav, flac and ogg, with what made the sound as text inside."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from genvae.audio import wav
from genvae.errors import AudioError, nearest

Format = Literal["wav", "flac", "ogg"]
FORMATS: tuple[str, ...] = get_args(Format)

_BLOCK = 1 << 16  # samples; libsndfile's Vorbis encoder overflows its stack on very long ones


def format_of(path: Path) -> Format:
    """The format that a file's name asks for.

    Raises:
        AudioError: it is none that can be written.
    """
    suffix = path.suffix.lower().removeprefix(".")
    for extension in get_args(Format):
        if suffix == extension:
            return extension  # type: ignore[no-any-return]  # one of the literal's values
    listed = ", ".join(f".{each}" for each in FORMATS)
    hint = nearest(suffix, FORMATS) if suffix else ""
    guess = f" {hint}" if hint.startswith("Did") else ""
    raise AudioError(f"{path} can't be written: sound files are {listed}.{guess}")


def encode(
    wave: NDArray[np.float32], sample_rate: int, format: Format, *, info: Mapping[str, str] | None = None
) -> bytes:
    """A mono sound file of 16 bits, or of Vorbis.

    The same sound and text are the same bytes in a wav file, always; flac and ogg are written by libsndfile, whose
    versions may differ.

    Args:
        wave: [samples], full scale at ±1.
        sample_rate: in Hz.
        format: of the file.
        info: ASCII texts by their RIFF names of four letters: `ICMT` becomes the comment, `ISFT` the software.

    Raises:
        ValueError: a sample is not finite or beyond full scale.
        AudioError: the sound is longer than the format can hold.
    """
    if format == "wav":
        return wav.encode(wave, sample_rate, info)
    import soundfile

    pcm = wav.quantise(wave)
    texts = info or {}
    target = io.BytesIO()
    kind, subtype = ("FLAC", "PCM_16") if format == "flac" else ("OGG", "VORBIS")
    with soundfile.SoundFile(target, "w", sample_rate, 1, subtype, format=kind) as file:
        if comment := texts.get("ICMT"):
            file.comment = comment
        if software := texts.get("ISFT"):
            file.software = software
        for start in range(0, len(pcm), _BLOCK):
            file.write(pcm[start : start + _BLOCK])
    return target.getvalue()


def read_comment(path: Path) -> str:
    """The comment inside a sound file, empty where there is none.

    Raises:
        AudioError: the file can't be read, or is no sound file.
    """
    if path.suffix.lower() in (".flac", ".ogg"):
        import soundfile

        try:
            with soundfile.SoundFile(path) as file:
                return str(file.comment)
        except (OSError, soundfile.SoundFileError) as error:
            wrong = f"it is no {path.suffix} file" if path.is_file() else "there is no such file"
            raise AudioError(f"{path} can't be read: {wrong}.") from error
    return wav.read_info(path).get("ICMT", "")
