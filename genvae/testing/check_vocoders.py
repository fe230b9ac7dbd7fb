"""Checks of vocoders: what they refuse, and that length, pitch, level and silence come through."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from genvae import windows
from genvae.errors import SpecMismatch
from genvae.spec import FeatureSpec
from genvae.testing.check import check
from genvae.testing.failure import CheckFailure, expect, expect_close, expect_shape, seeded
from genvae.testing.partners import Feeder, feeder, other_specs
from genvae.testing.sounds import music, noise, peak_frequency, tone
from genvae.testing.subject import Subject

RATE = 22050


def _ready(subject: Subject) -> tuple[Any, Feeder]:
    """A vocoder, and a transform that it accepts."""
    if "feeder" not in subject.cache:
        subject.cache["feeder"] = feeder(subject, RATE)
    feed: Feeder = subject.cache["feeder"]
    return subject.make(spec=feed.spec).eval(), feed


@check
def refuses_what_it_cannot_serve(subject: Subject) -> None:
    """A spec that it can't serve is refused when it is made, with SpecMismatch and the field's name."""
    _, feed = _ready(subject)
    spec = feed.spec
    impossible: list[dict[str, Any]] = [{"kind": "no-such-kind"}, {"scale": "no-such-scale"}]
    if spec.kind in ("magnitude", "complex"):
        impossible.append({"window": "no-such-window"})
    if spec.kind in ("magnitude", "complex", "waveform"):
        impossible.append({"bins": spec.bins + 3})
    for change in impossible:
        [(field, value)] = change.items()
        refusal = _refusal(subject, replace(spec, **change))
        expect(
            refusal is not None,
            f"SpecMismatch for a spec with {field} = {value!r}: spec.require(...) in __init__",
            "it was accepted",
        )
        named = bool(re.search(rf"\b{field}\b", str(refusal)))
        expect(named, f"a refusal of {field} = {value!r} that names the field", str(refusal))
    names = [field.name for field in fields(FeatureSpec)]
    for other in other_specs(subject, spec, RATE):
        refusal = _refusal(subject, other)
        if refusal is not None:
            named = any(re.search(rf"\b{name}\b", refusal) for name in names)
            expect(named, f"a refusal of a {other.kind} that names a field of the spec", refusal)
        else:
            frames = other.frames(4096)
            with torch.no_grad():
                wave = subject.make(spec=other)(torch.zeros(1, other.bins, frames))
            expect_shape(wave, (1, other.samples(frames)), f"of a {other.kind}, which it accepts, a waveform")


def _refusal(subject: Subject, spec: FeatureSpec) -> str | None:
    try:
        subject.make(spec=spec)
    except SpecMismatch as error:
        return str(error)
    return None


@check
@torch.no_grad()
def length_is_as_asked(subject: Subject) -> None:
    """It gives as many samples as it is asked for, by default spec.samples(frames)."""
    vocoder, feed = _ready(subject)
    spectrogram = feed(music(8192, RATE))
    default = feed.spec.samples(spectrogram.shape[2])
    wave = expect_shape(vocoder(spectrogram), (1, default), "without `length`, a waveform")
    expect(wave.dtype == torch.float32, "a waveform in float32", str(wave.dtype))
    for length in (1, 255, 8000, 8192, 8192 + feed.spec.hop, 20000):
        expect_shape(vocoder(spectrogram, length=length), (1, length), f"with length={length}, a waveform")


@check
@torch.no_grad()
def keeps_a_tone(subject: Subject) -> None:
    """A tone of 440 Hz has its spectral peak there, to half a bin of the spectrogram."""
    vocoder, feed = _ready(subject)
    wave = vocoder(feed(tone(440.0, RATE, RATE)), length=RATE)[0]
    fine = {"waveform": 1.0, "magnitude": 0.5 * RATE / feed.spec.n_fft, "complex": 0.5 * RATE / feed.spec.n_fft}
    within = fine.get(feed.spec.kind, 0.03 * 440)  # half a semitone where bands are wide
    peak = peak_frequency(wave, RATE)
    expect(abs(peak - 440) <= within, f"a peak at 440 Hz, within {within:.1f} Hz", f"{peak:.1f} Hz")


@check
@torch.no_grad()
def silence_stays_silent(subject: Subject) -> None:
    """The spectrogram of silence gives silence, 60 dB below full scale or less."""
    vocoder, feed = _ready(subject)
    loudest = float(vocoder(feed(torch.zeros(1, 8192))).abs().max())
    expect(loudest < 1e-3, "samples below 0.001 for silence", f"{loudest:.2g}")


@check
@torch.no_grad()
def keeps_the_level(subject: Subject) -> None:
    """Tones, noise and music come out as loud as they went in, to 6 dB below and 3 dB above."""
    vocoder, feed = _ready(subject)
    for name, sound in {
        "a tone": tone(440.0, 12000, RATE),
        "music": music(12000, RATE),
        "noise": noise(1, 12000),
    }.items():
        ratio = float(vocoder(feed(sound), length=12000).norm() / sound.norm())
        expect(0.5 <= ratio <= 1.41, f"0.5 to 1.41 times the root mean square of {name}", f"{ratio:.2f} times")


@check
@torch.no_grad()
def batch_equals_single(subject: Subject) -> None:
    """A clip sounds the same alone and in a batch with others."""
    vocoder, feed = _ready(subject)
    spectrograms = torch.cat([feed(wave) for wave in _clips()])
    together = vocoder(spectrograms)
    alone = torch.cat([vocoder(each[None]) for each in spectrograms])
    expect_close(together, alone, 1e-4, "the same waveform alone and in a batch")


@check
@torch.no_grad()
def draws_from_the_generator_alone(subject: Subject) -> None:
    """Without a generator nothing is random; with one its seed decides; torch's global one is left alone."""
    vocoder, feed = _ready(subject)
    spectrogram = feed(music(6000, RATE))
    state = torch.get_rng_state()
    plain, seed = vocoder(spectrogram), vocoder(spectrogram, generator=seeded(1))
    untouched = torch.equal(torch.get_rng_state(), state)
    expect(untouched, "torch's global generator as it was", "forward draws from it: use `generator`")
    expect_close(vocoder(spectrogram), plain, 0, "the same waveform each time, without a generator")
    expect_close(vocoder(spectrogram, generator=seeded(1)), seed, 0, "the same waveform for the same seed")


@check
@torch.no_grad()
def leaves_its_input(subject: Subject) -> None:
    """The spectrogram that it is given is not changed."""
    vocoder, feed = _ready(subject)
    spectrogram = feed(music(6000, RATE))
    before = spectrogram.clone()
    vocoder(spectrogram)
    if not torch.equal(spectrogram, before):
        raise CheckFailure("the spectrogram as it was", "it was changed in place")


@check
@torch.no_grad()
def starts_from_the_initial_phase(subject: Subject) -> None:
    """With `takes_initial_phase`, the true phases of a sound give that sound back, not another of its magnitudes."""
    vocoder, feed = _ready(subject)
    if not vocoder.takes_initial_phase:
        return
    spec = feed.spec
    expect(spec.kind == "magnitude", "`takes_initial_phase` only of a vocoder of magnitudes", f"one of {spec.kind}")
    sounds = torch.cat(_clips())
    spectra = torch.stft(
        sounds, spec.n_fft, spec.hop, window=windows.of(spec), pad_mode="constant", return_complex=True
    )
    phase = spectra.angle()
    before = phase.clone()
    waves = vocoder(feed(sounds), length=sounds.shape[1], initial_phase=phase)
    expect(torch.equal(phase, before), "the initial phase as it was", "it was changed in place")
    expect_shape(waves, sounds.shape, f"with an initial phase {list(phase.shape)}, waveforms")
    apart = float(((waves - sounds).norm(dim=1) / sounds.norm(dim=1)).max())
    expect(apart < 0.1, "from the true phases the sound itself, to a tenth of its level", f"it differs by {apart:.2g}")


def _clips() -> list[Tensor]:
    return [music(6000, RATE), 0.1 * noise(1, 6000), tone(700.0, 6000, RATE)]
