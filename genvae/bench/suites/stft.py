"""Suite `stft`: from waveforms to features, with every installed front end, grouped by what their features mean."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genvae import windows
from genvae.bench.contest import Call, Case, Contender, Scale, Score
from genvae.bench.sounds import RATE
from genvae.bench.suites import Context
from genvae.interfaces.transform import Transform
from genvae.plugin.declarations import TransformPlugin
from genvae.spec import FeatureSpec

_FLOOR = 1e-4  # added to magnitudes before their logarithm, by the contenders that have no way of their own


def cases(context: Context) -> Iterator[Case]:
    """One-second clips in a batch of 16 at the options' defaults; thorough: other batches, lengths and FFT sizes."""
    yield from _kinds(context, 16, 1.0, {})
    if context.thorough:
        for batch in (1, 64):
            yield from _kinds(context, batch, 1.0, {}, only="magnitude")
        yield from _kinds(context, 16, 10.0, {}, only="magnitude")
        for n_fft, hop in ((512, 128), (2048, 512), (1024, 128)):
            yield from _kinds(context, 16, 1.0, {"n_fft": n_fft, "hop": hop}, only="magnitude")


def _kinds(
    context: Context, batch: int, seconds: float, values: Mapping[str, Any], only: str | None = None
) -> Iterator[Case]:
    """A case for each kind of features."""
    device = context.conditions.device
    waves = torch.from_numpy(context.sounds.clips(batch, seconds)).to(device)
    kinds: dict[str, list[tuple[str, FeatureSpec]]] = {}
    broken: list[tuple[str, Exception]] = []
    for row in context.registry.rows:
        if row.kind != "transform" or row.plugin is None:
            continue
        name = row.short_name
        try:
            spec = _transform(context, name, values).spec
        except Exception as error:  # a stranger's, or one that lacks its library: told in the table
            broken.append((name, error))
            continue
        kinds.setdefault(spec.kind, []).append((name, spec))
    for kind, named in kinds.items():
        if only not in (None, kind):
            continue
        named.sort(key=lambda each: len(each[0]))  # `mel` before `torchaudio-mel`: the plainest name is what it is
        spec = named[0][1]
        contenders = [Contender(name=name, make=_call_maker(context, name, values, waves)) for name, _ in named]
        if kind == "magnitude":
            contenders += [_fail(name, error) for name, error in broken]
            contenders += _raw(waves, spec)
        yield Case(
            suite="stft",
            name=_title(spec, batch, seconds),
            baseline=named[0][0],
            contenders=contenders,
            scales=[Scale("speed", "x real time", batch * seconds, rate=True)],
            score=_difference(_call_maker(context, named[0][0], values, waves)()()),
        )


def _title(spec: FeatureSpec, batch: int, seconds: float) -> str:
    frames = "" if spec.kind == "waveform" else f", FFT {spec.n_fft}, hop {spec.hop}"
    return f"{spec.kind}{frames}, {batch} x {seconds:g} s"


def _transform(context: Context, name: str, values: Mapping[str, Any]) -> Transform:
    plugin = context.registry.plugin("transform", name)
    assert isinstance(plugin, TransformPlugin)
    option_fields = plugin.options.__dataclass_fields__  # type: ignore[attr-defined]  # the registry has checked it
    fitting = {option: value for option, value in values.items() if option in option_fields}
    transform: Transform = context.registry.make("transform", name, fitting, sample_rate=RATE)
    return transform.to(context.conditions.device)


def _call_maker(context: Context, name: str, values: Mapping[str, Any], waves: Tensor) -> Any:
    def make() -> Call:
        transform = _transform(context, name, values)

        def call() -> object:
            with torch.no_grad():
                return transform(waves)

        return call

    return make


def _fail(name: str, error: Exception) -> Contender:
    def make() -> Call:
        raise error

    return Contender(name=name, make=make)


def _difference(reference: object) -> Any:
    """Scores features by how far they are from our own anywhere, where they claim to be the same."""
    assert isinstance(reference, Tensor)

    def score(result: object) -> dict[str, Score]:
        if not isinstance(result, Tensor) or result.shape != reference.shape:
            return {}
        apart = (result - reference).abs().max()
        return {"largest difference": Score(float(apart), "nepers", "lower")}

    return score


def _raw(waves: Tensor, spec: FeatureSpec) -> list[Contender]:
    """The libraries themselves, to the logarithm of magnitudes; in a list, as their edges and floors are their own."""
    window = windows.of(spec).to(waves.device)
    n_fft, hop = spec.n_fft, spec.hop
    frames = torch.zeros(len(waves), spec.frames(waves.shape[1]), n_fft, device=waves.device)

    def torch_stft() -> object:
        spectrum = torch.stft(waves, n_fft, hop, window=window, pad_mode="constant", return_complex=True)
        return [(spectrum.abs() + _FLOOR).log()]

    def librosa() -> Call:
        library, array = importlib.import_module("librosa"), waves.cpu().numpy()
        return lambda: [np.log(np.abs(library.stft(array, n_fft=n_fft, hop_length=hop)) + _FLOOR)]

    def scipy() -> Call:
        signal, array = importlib.import_module("scipy.signal"), waves.cpu().numpy()
        sft = signal.ShortTimeFFT(window.cpu().numpy(), hop, RATE)
        return lambda: [np.log(np.abs(sft.stft(array)) + np.float32(_FLOOR))]

    def torchaudio() -> Call:
        transform = importlib.import_module("torchaudio.transforms").Spectrogram(n_fft, hop_length=hop, power=1)
        transform = transform.to(waves.device)
        return lambda: [(transform(waves) + _FLOOR).log()]

    def nnaudio() -> Call:
        features = importlib.import_module("nnAudio.features")
        layer = features.STFT(n_fft, hop_length=hop, output_format="Magnitude", verbose=False).to(waves.device)

        def call() -> object:
            with torch.no_grad():
                return [(layer(waves) + _FLOOR).log()]

        return call

    return [
        Contender(name="the FFT alone (torch)", make=lambda: lambda: [torch.fft.rfft(frames)]),
        Contender(name="torch.stft", make=lambda: torch_stft),
        Contender(name="librosa.stft", make=librosa, peer=True),
        Contender(name="scipy ShortTimeFFT", make=scipy, peer=True),
        Contender(name="torchaudio Spectrogram", make=torchaudio, peer=True),
        Contender(name="nnAudio STFT", make=nnaudio, peer=True),
    ]
