"""FeatureSpec: what a frame of features means, so that two parts of a pipeline can be compared before anything runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from genvae.errors import SpecMismatch

Kind = Literal["magnitude", "mel", "cqt", "complex", "waveform", "picture"]
Scale = Literal["log", "linear"]
MelNorm = Literal["area", "peak"]

_UNFRAMED = ("waveform", "picture")  # kinds whose frames are the last axis of an item


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """The meaning of a spectrogram [bins, frames].

    Frames are centred on multiples of `hop` and the signal is taken as zero outside its ends, so `samples` samples give
    `1 + samples // hop` frames. Magnitudes are those of the unnormalised discrete Fourier transform of the windowed
    frame; with scale `log` their natural logarithm. By kind:

    - `magnitude`: the magnitudes, [n_fft // 2 + 1, frames].
    - `mel`: their sums under triangular filters whose corners are equally spaced on the mel scale from f_min to f_max.
    - `cqt`: magnitudes of the constant-Q transform, bins equally spaced in log frequency from f_min to f_max; a sine of
      amplitude 1 at a bin's frequency has half the square root of its window's samples. n_fft is the longest window.
    - `complex`: the n_fft // 2 + 1 real parts of the transform, then as many imaginary parts; phases count from the
      first sample of a frame.
    - `waveform`: the samples themselves; each is a frame (bins, n_fft and hop are 1).
    - `picture`: no sound, but grey values from 0 to 1: a row is a bin, a column a frame. It has no sample_rate, n_fft,
      hop and window.

    Attributes:
        kind: what the values are.
        bins: values in a frame.
        sample_rate: in Hz.
        n_fft: samples in a windowed frame.
        hop: samples between frames.
        window: periodic window of n_fft samples.
        scale: `linear`, or `log` for natural logarithms.
        f_min: where the range of the bins begins, in Hz, for kinds whose bins the FFT does not fix.
        f_max: where it ends, in Hz.
        mel: the mel formula.
        mel_norm: `area` divides each filter by half its width in Hz, `peak` leaves its top at 1.
    """

    kind: Kind
    bins: int
    sample_rate: int = 0
    n_fft: int = 0
    hop: int = 0
    window: str = ""
    scale: Scale
    f_min: float | None = None
    f_max: float | None = None
    mel: Literal["slaney", "htk"] | None = None
    mel_norm: MelNorm | None = None

    def frames(self, samples: int) -> int:
        """Number of frames that a waveform of `samples` samples gives.

        >>> spec = FeatureSpec(
        ...     kind="magnitude", bins=513, sample_rate=22050, n_fft=1024, hop=256, window="hann", scale="log"
        ... )
        >>> spec.frames(22050), spec.samples(87)
        (87, 22016)
        """
        return samples if self.kind in _UNFRAMED else 1 + samples // self.hop

    def samples(self, frames: int) -> int:
        """The least number of samples that gives `frames` frames; a vocoder's length when none is asked for."""
        return frames if self.kind in _UNFRAMED else (frames - 1) * self.hop

    def require(self, who: str, /, **values: object) -> None:
        """Check that fields have the wanted values (a tuple means any of them).

        Raises:
            SpecMismatch: naming `who` refuses, the field, and both values.
        """
        for name, value in values.items():
            have = getattr(self, name)
            allowed = value if isinstance(value, tuple) else (value,)
            if have not in allowed:
                listed = " or ".join(map(repr, allowed))
                raise SpecMismatch(f"{who} needs features with {name} = {listed}, but the transform gives {have!r}.")

    def differences(self, other: FeatureSpec) -> dict[str, tuple[object, object]]:
        """The fields in which two specs differ, with both values."""
        pairs = ((f.name, getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return {name: (mine, theirs) for name, mine, theirs in pairs if mine != theirs}

    def to_json(self) -> dict[str, Any]:
        """The fields as plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Any) -> FeatureSpec:
        """What `to_json` gave.

        Raises:
            TypeError: a field is missing, unknown, or of another type.
        """
        spec = cls(**value)
        for name in ("bins", "sample_rate", "n_fft", "hop"):
            if type(getattr(spec, name)) is not int:
                raise TypeError(f"its {name} is no whole number")
        if not all(isinstance(text, str) for text in (spec.kind, spec.window, spec.scale)):
            raise TypeError("its kind, window or scale is no text")
        return spec
