"""Checks of transforms: frames as the spec says, values as the spec says, there and back, for any length and level."""

from __future__ import annotations

import torch
from torch import Tensor

from genvae.interfaces.transform import Transform
from genvae.plugin.declarations import TransformPlugin
from genvae.spec import FeatureSpec
from genvae.testing.check import check
from genvae.testing.failure import CheckFailure, expect, expect_close, expect_shape, seeded
from genvae.testing.meaning import features_of, frequencies, levels
from genvae.testing.reload import reloaded
from genvae.testing.sounds import music, noise, tone
from genvae.testing.subject import Subject

RATE = 22050
LENGTHS = (1, 2, 3, 100, 1023, 1024, 1025, 4097, 22050, 100_000)  # samples


def _make(subject: Subject) -> Transform:
    transform: Transform = subject.make(sample_rate=RATE)
    return transform.eval()


@check
def has_a_spec(subject: Subject) -> None:
    """Its `spec` is a FeatureSpec at the sample rate that it was given."""
    for rate in (RATE, 16000):
        transform = subject.make(sample_rate=rate)
        spec = getattr(transform, "spec", None)
        if not isinstance(spec, FeatureSpec):
            raise CheckFailure("`spec` to be a genvae.FeatureSpec, set in __init__", repr(spec))
        expect(spec.sample_rate == rate, f"spec.sample_rate = {rate}, as was given", str(spec.sample_rate))


@check
@torch.no_grad()
def gives_the_frames_of_its_spec(subject: Subject) -> None:
    """Waveforms of 1 to 100,000 samples give spec.bins x spec.frames(samples), and `invert` keeps the shape."""
    transform = _make(subject)
    for samples in LENGTHS:
        shape = (2, transform.spec.bins, transform.spec.frames(samples))
        features = expect_shape(transform(noise(2, samples)), shape, f"of 2 waveforms of {samples} samples, features")
        values = expect_shape(transform.invert(features), shape, f"of {samples} samples, inverted features")
        if transform.magnitude_spec is not None and samples > 4000:
            shape = (2, transform.magnitude_spec.bins, transform.magnitude_spec.frames(samples))
            expect_shape(transform.magnitudes(values), shape, f"of {samples} samples, magnitudes")


@check
@torch.no_grad()
def gives_the_values_of_its_spec(subject: Subject) -> None:
    """`invert` gives what the spec says: the STFT's own values, or the peak of a tone in the right bin."""
    transform = _make(subject)
    wave = music(8192, RATE)
    transform.fit([wave])
    values = transform.invert(transform(wave))
    reference = features_of(wave, transform.spec)
    if reference is not None:
        one, other = (levels(each.double(), transform.spec) for each in (values, reference))
        what = f"`invert` to give the {transform.spec.kind} that the spec describes, to 1 % of the largest"
        expect_close(one, other, 0.01, what)
        if transform.spec.kind in ("complex", "waveform"):
            expect_close(values, reference, 0.01, what)
    pairs = [(transform.spec, transform.invert)]
    if transform.magnitude_spec is not None:
        pairs.append((transform.magnitude_spec, lambda features: transform.magnitudes(transform.invert(features))))
    for spec, back in pairs:
        centres = frequencies(spec)
        if centres is None:
            continue
        for pitch in (440.0, 1500.0):
            level = levels(back(transform(tone(pitch, 16384, RATE))), spec)[0].mean(1)  # [bins]
            nearest = int((centres - pitch).abs().argmin())
            peak = int(level.argmax())
            what = f"a tone of {pitch:.0f} Hz to peak in bin {nearest} ({centres[nearest]:.0f} Hz) of a {spec.kind}"
            expect(abs(peak - nearest) <= 1, what, f"bin {peak} ({centres[peak]:.0f} Hz)")


@check
@torch.no_grad()
def inverts_at_any_level(subject: Subject) -> None:
    """A waveform ten times quieter comes back ten times quieter: no level is lost to normalisation."""
    transform = _make(subject)
    wave = music(8192, RATE)
    transform.fit([wave])
    loud, quiet = (levels(transform.invert(transform(gain * wave)), transform.spec) for gain in (1.0, 0.1))
    audible = loud > loud.max() / 400  # 52 dB
    ratio = (quiet / loud.clamp_min(1e-20))[audible]
    off = float((ratio - 0.1).abs().max())
    expect(
        off < 0.01,
        "a tenth of the level for a tenth of the amplitude",
        f"between {float(ratio.min()):.3g} and "
        f"{float(ratio.max()):.3g}; statistics must be those of `fit`, not of each clip",
    )


@check
@torch.no_grad()
def stays_finite(subject: Subject) -> None:
    """Silence and full scale give finite features and come back finite, as does whatever a model may decode."""
    transform = _make(subject)
    square = tone(441.0, 5000, RATE).sign()
    for what, wave in {
        "silence": torch.zeros(1, 5000),
        "a constant of 1": torch.ones(1, 5000),
        "full scale": square,
        "1e-30 of full scale": 1e-30 * square,
    }.items():
        shape = (1, transform.spec.bins, transform.spec.frames(5000))
        features = expect_shape(transform(wave), shape, f"features of {what}")
        expect_shape(transform.invert(features), shape, f"inverted features of {what}")
    transform.fit([music(8192, RATE)])
    wild = 5 * torch.randn(1, transform.spec.bins, 9, generator=seeded())
    values = expect_shape(transform.invert(wild), wild.shape, "inverted features as far as ±20")
    if transform.magnitude_spec is not None:
        expect_shape(transform.magnitudes(values), (1, transform.magnitude_spec.bins, 9), "magnitudes of those")


@check
@torch.no_grad()
def batch_equals_single(subject: Subject) -> None:
    """A clip gives the same features alone and in a batch with others."""
    transform = _make(subject)
    waves = torch.cat([music(6000, RATE), noise(2, 6000), torch.zeros(1, 6000)])
    together, alone = transform(waves), torch.cat([transform(wave[None]) for wave in waves])
    expect_close(together, alone, 3e-3, "the same features alone and in a batch", scale=1.0)


@check
@torch.no_grad()
def state_survives(subject: Subject) -> None:
    """What `fit` learnt is in the state: saved and loaded into a new one, it gives the same features."""
    transform = _make(subject)
    waves = 0.3 * noise(3, 6000)
    transform.fit(iter(waves[:, None].unbind(0)))
    fresh = reloaded(transform, _make(subject))
    wave = music(5000, RATE)
    one, other = fresh(wave), transform(wave)
    expect_close(one, other, 0, "the same features after saving and loading; what `fit` learns must be in buffers")
    expect_close(fresh.invert(one), transform.invert(other), 0, "the same inverse after saving and loading")


@check
def is_differentiable_where_it_says_so(subject: Subject) -> None:
    """With `differentiable=True`, gradients reach the waveform, are right, and are finite at silence."""
    if not (isinstance(subject.plugin, TransformPlugin) and subject.plugin.differentiable):
        return
    transform = _make(subject).double()
    wave, weights = noise(1, 4000).double(), None
    direction = torch.randn(wave.shape, generator=seeded(1), dtype=torch.float64)

    def total(at: Tensor) -> Tensor:
        nonlocal weights
        features = transform(at)
        if weights is None:
            weights = torch.randn(features.shape, generator=seeded(2), dtype=torch.float64)
        mean: Tensor = (features * weights).mean()
        return mean

    variable = wave.clone().requires_grad_()
    value = total(variable)
    cure = "or differentiable=False in the declaration"
    expect(value.requires_grad, f"features that depend differentiably on the waveform, {cure}", "they are detached")
    [gradient] = torch.autograd.grad(value, variable)
    step = 1e-6
    with torch.no_grad():
        slope = float(total(wave + step * direction) - total(wave - step * direction)) / (2 * step)
    claimed = float((gradient * direction).sum())
    expect(
        abs(claimed - slope) <= 1e-3 * abs(slope) + 1e-9,
        f"the gradient of finite differences, {slope:.6g}",
        f"{claimed:.6g}",
    )
    silence = torch.zeros(1, 4000, dtype=torch.float64, requires_grad=True)
    [gradient] = torch.autograd.grad(transform(silence).sum(), silence)
    expect_shape(gradient, (1, 4000), "the gradient at silence")
