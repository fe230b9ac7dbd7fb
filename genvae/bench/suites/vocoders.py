"""Suite `vocoders`: quality and speed of every installed vocoder on magnitudes of sounds, exact and blurred."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, Literal

import torch
from torch import Tensor

from genvae import windows
from genvae.bench.contest import Call, Case, Contender, Scale, Score
from genvae.bench.sounds import RATE
from genvae.bench.suites import Context
from genvae.bench.suites import vocoder_peers as peers
from genvae.interfaces.vocoder import Vocoder
from genvae.pipeline import DEFAULTS
from genvae.plugin.declarations import VocoderPlugin
from genvae.spec import FeatureSpec

N_FFT, HOP = 1024, 256
COMPONENTS = 128
_FLOOR = 1e-2  # added to magnitudes before their logarithm is blurred; a full-scale tone has 256
_LEAST = 1e-9  # of exact magnitudes, so that their logarithm is finite
_ROUNDS = (0, 4, 16, 64)  # values of an option `iterations` that a thorough run tries
_SLOW = 100  # rounds from which a vocoder is measured in the first case only
_LARGE = 64  # clips in a batch, from which
_QUICK = 20  # a vocoder of so many rounds is left out


def spec_of(n_fft: int = N_FFT, hop: int = HOP) -> FeatureSpec:
    """Natural-log magnitudes at RATE with a Hann window."""
    return FeatureSpec(
        kind="magnitude", bins=n_fft // 2 + 1, sample_rate=RATE, n_fft=n_fft, hop=hop, window="hann", scale="log"
    )


def cases(context: Context) -> Iterator[Case]:
    """Quality and speed in one table; thorough: options, then batches, lengths, FFT sizes and hops."""
    count = 8 if context.thorough else 4
    waves = torch.from_numpy(context.sounds.clips(count))
    spec = spec_of()
    exact = magnitudes(waves, spec).clamp_min(_LEAST)
    others = magnitudes(torch.from_numpy(context.sounds.others(count)), spec)
    blur = blurred(exact, others)
    yield _case(context, f"FFT {N_FFT}, hop {HOP}, {count} x 1 s", spec, exact, blur, thorough=context.thorough)
    if not context.thorough:
        return
    for batch, seconds in ((1, 1.0), (16, 1.0), (256, 1.0), (1, 10.0), (16, 10.0)):
        clips = magnitudes(torch.from_numpy(context.sounds.clips(batch, seconds)), spec).clamp_min(_LEAST)
        limit = _QUICK if batch >= _LARGE else _SLOW
        yield _case(context, f"FFT {N_FFT}, hop {HOP}, {batch} x {seconds:g} s", spec, clips, limit=limit)
    for n_fft, hop in ((512, 128), (2048, 512), (1024, 128)):
        other = spec_of(n_fft, hop)
        clips = magnitudes(waves, other).clamp_min(_LEAST)
        yield _case(context, f"FFT {n_fft}, hop {hop}, {count} x 1 s", other, clips, limit=_SLOW)


def magnitudes(waves: Tensor, spec: FeatureSpec) -> Tensor:
    """Waveforms [B, samples] -> magnitudes [B, bins, frames]."""
    window = windows.of(spec).to(waves)
    spectrum: Tensor = torch.stft(waves, spec.n_fft, spec.hop, window=window, pad_mode="constant", return_complex=True)
    magnitude: Tensor = spectrum.abs()
    return magnitude


def blurred(exact: Tensor, others: Tensor) -> Tensor:
    """Magnitudes as principal components of whole log spectrograms keep them, much like a variational autoencoder.

    Args:
        exact: [B, bins, frames], of the clips.
        others: [N, bins, frames], from which the components are learnt: 128, or as many as there can be.
    """
    rows = (others + _FLOOR).log().flatten(1)
    mean = rows.mean(0)
    rows = rows - mean
    _, vectors = torch.linalg.eigh((rows @ rows.T).double())
    basis = rows.T @ vectors[:, -min(COMPONENTS, len(rows) - 1) :].float()
    basis /= basis.norm(dim=0)
    projection = ((exact + _FLOOR).log().flatten(1) - mean) @ basis @ basis.T + mean
    magnitude: Tensor = projection.exp().sub(_FLOOR).clamp_min(1e-4).view_as(exact)
    return magnitude


def convergence(target: Tensor, waves: Tensor, spec: FeatureSpec) -> float:
    """Spectral convergence in dB, the mean over clips: how far the waveforms' magnitudes are from the target."""
    target, waves = target.cpu(), waves.detach().cpu().float()
    apart = (magnitudes(waves, spec) - target).flatten(1).norm(dim=1) / target.flatten(1).norm(dim=1)
    return float(20 * apart.log10().mean())


def _case(
    context: Context,
    name: str,
    spec: FeatureSpec,
    exact: Tensor,
    blur: Tensor | None = None,
    *,
    thorough: bool = False,
    limit: int | None = None,
) -> Case:
    device = context.conditions.device
    samples = (exact.shape[2] - 1) * spec.hop
    seconds = len(exact) * exact.shape[2] * spec.hop / RATE
    logs = exact.log().to(device)
    soft = None if blur is None else blur.log().to(device)

    def contender(name: str, make: Callable[[], peers.Run], peer: bool = False) -> Contender:
        """`make` gives log magnitudes [B, bins, frames] -> waveforms [B, samples]."""

        def ready() -> Call:
            run = make()
            return lambda: _Result(run, run(logs))

        return Contender(name=name, make=ready, peer=peer)

    def score(result: _Result) -> Mapping[str, Score]:
        scores = {"exact": Score(convergence(exact, result.waves, spec), "dB", "lower")}
        if blur is not None and soft is not None:
            scores["blurred"] = Score(convergence(blur, result.run(soft), spec), "dB", "lower")
        return scores

    contenders = [
        contender(title, _ours(context, name, values, spec, samples))
        for name, title, values in _named(context, thorough)
        if limit is None or _rounds(context, name, values) < limit
    ]
    contenders += [contender(title, make, peer=True) for title, make in peers.all_of(spec, samples, limit)]
    return Case(
        suite="vocoders",
        name=name,
        contenders=contenders,
        baseline=context.registry.row("vocoder", DEFAULTS["vocoder"]).short_name,
        score=score,
        scales=[
            Scale("cost", "ms per second of audio", 1e3 / seconds, rate=False),
            Scale("speed", "x real time", seconds, rate=True),
        ],
    )


class _Result:
    """Waveforms, and what made them, so that it can be tried on other magnitudes."""

    def __init__(self, run: peers.Run, waves: Tensor) -> None:
        self.run, self.waves = run, waves


def _ours(
    context: Context, name: str, values: Mapping[str, Any], spec: FeatureSpec, samples: int
) -> Callable[[], peers.Run]:
    def make() -> peers.Run:
        vocoder: Vocoder = context.registry.make("vocoder", name, values, spec=spec).to(context.conditions.device)

        def run(logs: Tensor) -> Tensor:
            with torch.no_grad():
                waves: Tensor = vocoder(logs, length=samples)
            return waves

        return run

    return make


def _named(context: Context, variants: bool) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every installed vocoder: its name, how it is told, and values of its options."""
    for row in context.registry.rows:
        if row.kind != "vocoder" or not isinstance(row.plugin, VocoderPlugin) or row.plugin.learns:
            continue  # what must learn has no weights without a run
        name = row.short_name
        yield name, name, {}
        if not variants:
            continue
        for values in _variants(row.plugin.options):
            yield name, " ".join([name, *(f"{option}={value}" for option, value in values.items())]), values


def _variants(kind: type) -> Iterator[dict[str, Any]]:
    """Other values of options that any vocoder may have: one of a few words, and a number of iterations."""
    default = kind()
    hints = typing.get_type_hints(kind)
    axes: dict[str, tuple[Any, ...]] = {
        name: typing.get_args(hint) for name, hint in hints.items() if typing.get_origin(hint) is Literal
    }
    if hints.get("iterations") is int and default.iterations < _SLOW:
        axes["iterations"] = tuple(sorted({*_ROUNDS, default.iterations}))
    for chosen in product(*axes.values()):
        values = dict(zip(axes, chosen, strict=True))
        if any(value != getattr(default, name) for name, value in values.items()):
            yield values


def _rounds(context: Context, name: str, values: Mapping[str, Any]) -> int:
    kind = next(
        r.plugin.options
        for r in context.registry.rows
        if r.kind == "vocoder" and r.plugin and name in (r.name, f"{r.distribution}:{r.name}")
    )
    return int({"iterations": getattr(kind(), "iterations", 0), **values}["iterations"])
