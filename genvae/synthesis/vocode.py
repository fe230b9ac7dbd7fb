"""From magnitudes to a waveform by any vocoder, with no model and no run."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from genvae import windows
from genvae.errors import OptionError, PluginError, SpecMismatch, nearest
from genvae.interfaces.vocoder import Vocoder
from genvae.pipeline import PartConfig, require_learnt, require_rate
from genvae.plugin.guard import guarded
from genvae.plugin.registry import Registry, installed, load_factory
from genvae.spec import FeatureSpec


@overload
def vocode(
    magnitudes: NDArray[Any],
    *,
    n_fft: int | None = None,
    hop: int | None = None,
    window: str = "hann",
    vocoder: str = "genvae:pghi-refined",
    options: Mapping[str, Any] | None = None,
    initial_phase: NDArray[Any] | None = None,
    length: int | None = None,
    sample_rate: int = 22050,
    seed: int | None = None,
    registry: Registry | None = None,
) -> NDArray[np.float32]: ...


@overload
def vocode(
    magnitudes: Tensor,
    *,
    n_fft: int | None = None,
    hop: int | None = None,
    window: str = "hann",
    vocoder: str = "genvae:pghi-refined",
    options: Mapping[str, Any] | None = None,
    initial_phase: Tensor | None = None,
    length: int | None = None,
    sample_rate: int = 22050,
    seed: int | None = None,
    registry: Registry | None = None,
) -> Tensor: ...


def vocode(
    magnitudes: NDArray[Any] | Tensor,
    *,
    n_fft: int | None = None,
    hop: int | None = None,
    window: str = "hann",
    vocoder: str = "genvae:pghi-refined",
    options: Mapping[str, Any] | None = None,
    initial_phase: NDArray[Any] | Tensor | None = None,
    length: int | None = None,
    sample_rate: int = 22050,
    seed: int | None = None,
    registry: Registry | None = None,
) -> NDArray[np.float32] | Tensor:
    """Find a waveform that has these magnitudes.

    The magnitudes are those of the unnormalised, centred short-time Fourier transform of a signal that is zero outside
    its ends: `abs(librosa.stft(y))`, or `torch.stft(y, ..., center=True, pad_mode="constant").abs()`. They are linear:
    take the square root of a power spectrogram first.

        magnitudes = np.abs(librosa.stft(y, n_fft=1024, hop_length=256))
        wave = genvae.vocode(magnitudes, hop=256, length=len(y))

    It computes in float32, and no gradients pass.

    Args:
        magnitudes: [..., bins, frames], not negative; NumPy or torch, on any device.
        n_fft: FFT size, even, and the samples of the window; by default 2 * (bins - 1).
        hop: samples between frames; by default n_fft // 4, as in librosa and torch.
        window: periodic, one of `genvae.windows.NAMES`.
        vocoder: name of an installed vocoder; `genvae plugins list` has them, docs/vocoders.md compares them.
        options: of the vocoder, such as {"iterations": 32}; the others have their defaults.
        initial_phase: phases to start from in radians, [..., bins, frames], as `np.angle(librosa.stft(y))` gives them,
            for vocoders that take them.
        length: samples of the waveform, by default (frames - 1) * hop; what no frame reaches is silent.
        sample_rate: in Hz, for vocoders that depend on it; phase reconstruction does not.
        seed: for vocoders that draw random phases; None takes one fixed set of them for each clip.
        registry: where vocoders are looked up, by default among those that are installed.

    Returns:
        The waveform, float32 [..., samples]; a NumPy array for one, for a tensor a tensor on its device.

    Raises:
        OptionError: an argument does not fit; the message names it.
        PluginError: there is no such vocoder, it can't be used here, or it failed.
        SpecMismatch: the vocoder takes something else than the magnitudes of this transform.
    """
    linear = _magnitudes(magnitudes)
    spec = _spec(linear, n_fft=n_fft, hop=hop, window=window, sample_rate=sample_rate)
    phase = None if initial_phase is None else _phase(initial_phase, linear)
    samples = spec.samples(linear.shape[-1]) if length is None else _whole("length", length, least=1)
    generator = None if seed is None else torch.Generator().manual_seed(_whole("seed", seed, most=2**63 - 1))
    registry = installed() if registry is None else registry
    module = _make(registry, vocoder, options or {}, spec)
    arguments: dict[str, Tensor] = {}
    if phase is not None:
        if not module.takes_initial_phase:
            others = ", ".join(_taking_initial_phase(registry))
            raise OptionError(f"`initial_phase`: the vocoder {vocoder!r} takes none. These do: {others}.")
        arguments["initial_phase"] = _as_batch(phase)
    logs = linear.clamp_min(torch.finfo(linear.dtype).tiny).log()  # a stranger's vocoder may not know minus infinity
    rows = _as_batch(logs)
    with torch.no_grad(), guarded(f"The vocoder {vocoder!r} failed while making a waveform", type(module).__module__):
        wave: Tensor = module.to(rows.device).eval()(rows, length=samples, generator=generator, **arguments)
    if wave.shape != (len(rows), samples):
        shape = list(wave.shape)
        raise PluginError(f"The vocoder {vocoder!r} gave waveforms of shape {shape}, expected {[len(rows), samples]}.")
    wave = wave.float().view(*linear.shape[:-2], samples)
    return wave if isinstance(magnitudes, Tensor) else wave.cpu().numpy()


def _as_batch(values: Tensor) -> Tensor:
    """[..., bins, frames] -> [B, bins, frames]."""
    return values.reshape(-1, *values.shape[-2:])


def _make(registry: Registry, vocoder: str, options: Mapping[str, Any], spec: FeatureSpec) -> Vocoder:
    """The vocoder with these options.

    Raises:
        OptionError: it refuses an option.
        PluginError: there is none of the name, or it can't be used here.
        SpecMismatch: it refuses the magnitudes.
    """
    try:
        require_learnt(registry, PartConfig.of(registry, "vocoder", vocoder, options))
        require_rate(registry.row("vocoder", vocoder), spec.sample_rate)
        module: Vocoder = registry.make("vocoder", vocoder, options, spec=spec)
    except OptionError as error:
        raise OptionError(f"`options`: {error}") from error
    except SpecMismatch as error:
        raise SpecMismatch(f"`vocoder` {vocoder!r} does not take magnitudes of this transform: {error}") from error
    return module


def _taking_initial_phase(registry: Registry) -> list[str]:
    """The names of the vocoders that can start from a given phase, of those that can be used here."""
    names = []
    for name in registry.names("vocoder"):
        try:
            factory = load_factory(registry.plugin("vocoder", name))
        except PluginError:
            continue
        if getattr(factory, "takes_initial_phase", False):
            names.append(name)
    return names


def _spec(linear: Tensor, *, n_fft: int | None, hop: int | None, window: str, sample_rate: int) -> FeatureSpec:
    """What magnitudes [..., bins, frames] mean.

    Raises:
        OptionError: an argument is out of its range, or does not fit the number of bins.
    """
    bins = linear.shape[-2]
    size = 2 * (bins - 1) if n_fft is None else _whole("n_fft", n_fft, least=2)
    if size % 2:
        raise OptionError(f"`n_fft` must be even, but is {size}.")
    if size // 2 + 1 != bins:
        raise OptionError(
            f"`n_fft` of {size} gives {size // 2 + 1} bins, but `magnitudes` has {bins}: its shape must be "
            "[..., bins, frames]."
        )
    if window not in windows.NAMES:
        raise OptionError(f"`window` can't be {window!r}. {nearest(window, windows.NAMES)}")
    step = max(size // 4, 1) if hop is None else _whole("hop", hop, least=1, most=size)
    rate = _whole("sample_rate", sample_rate, least=1)
    return FeatureSpec(kind="magnitude", bins=bins, sample_rate=rate, n_fft=size, hop=step, window=window, scale="log")


def _magnitudes(values: NDArray[Any] | Tensor) -> Tensor:
    """Linear magnitudes, float32 [..., bins, frames].

    Raises:
        OptionError: they have another shape, or values that no magnitudes have.
    """
    linear = _real("magnitudes", values).to(torch.float32)
    if linear.dim() < 2 or linear.shape[-2] < 2 or linear.shape[-1] < 1:
        shape = list(linear.shape)
        raise OptionError(f"`magnitudes` must be [..., bins, frames], at least two bins and a frame, but is {shape}.")
    wrong = int((~(linear >= 0) | linear.isinf()).sum())
    if wrong:
        raise OptionError(
            f"`magnitudes` has values that are negative or not finite ({wrong} of {linear.numel()}): it takes linear "
            "magnitudes, not decibels or logarithms."
        )
    return linear


def _phase(values: NDArray[Any] | Tensor, linear: Tensor) -> Tensor:
    """Radians from 0 to 2 pi, in float32, on the device of the magnitudes.

    Raises:
        OptionError: they have another shape than the magnitudes, or values that are not finite.
    """
    phase = _real("initial_phase", values)
    if phase.shape != linear.shape:
        shapes = f"{list(linear.shape)}, but has {list(phase.shape)}"
        raise OptionError(f"`initial_phase` must have the shape of `magnitudes`, {shapes}.")
    if not bool(phase.isfinite().all()):
        raise OptionError("`initial_phase` has values that are not finite.")
    # Unwrapped phases may be thousands of turns: they are brought to one while they have the precision for it.
    return phase.remainder(2 * math.pi).to(linear)


def _real(name: str, values: NDArray[Any] | Tensor) -> Tensor:
    """Real numbers as a tensor.

    Raises:
        OptionError: they are no real numbers.
    """
    if isinstance(values, Tensor):
        if values.is_complex() or values.dtype == torch.bool:
            raise OptionError(f"`{name}` must hold real numbers, not {values.dtype}.{_HINTS[name]}")
        return values.detach()
    array = np.asarray(values)
    if array.dtype.kind not in "fiu":
        raise OptionError(f"`{name}` must hold real numbers, not {array.dtype}.{_HINTS[name]}")
    return torch.from_numpy(array.astype(np.float64, order="C"))


_HINTS = {
    "magnitudes": " Of a complex spectrogram S pass abs(S), and its phases as initial_phase=np.angle(S).",
    "initial_phase": " Of a complex spectrogram S pass np.angle(S).",
}


def _whole(name: str, value: int, *, least: int = 0, most: int | None = None) -> int:
    """A whole number in a range.

    Raises:
        OptionError: it is another, or no whole number.
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise OptionError(f"`{name}` must be a whole number, not {value!r}.") from None
    if number < least or (most is not None and number > most):
        limits = f"at least {least}" if most is None else f"from {least} to {most}"
        raise OptionError(f"`{name}` must be {limits}, but is {number}.")
    return number
