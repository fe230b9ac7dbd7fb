"""Checks of vocoders: what they refuse, and that length, pitch, level and silence come through."""

from __future__ import annotations

import re
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from genvae import windows
from genvae.errors import SpecMismatch
from genvae.plugin.declarations import VocoderPlugin
from genvae.spec import FeatureSpec
from genvae.testing.check import check
from genvae.testing.failure import CheckFailure, expect, expect_close, expect_shape, seeded
from genvae.testing.partners import feeder, other_specs
from genvae.testing.sounds import music, noise, peak_frequency, tone
from genvae.testing.subject import Subject
from genvae.testing.suggestions import suggests_what_exists as suggests_what_exists
from genvae.testing.vocoder_setup import rate_of, ready
from genvae.testing.vocoder_training import learns_where_it_says_so as learns_where_it_says_so
from genvae.testing.vocoder_training import reload_equals as reload_equals
from genvae.testing.vocoder_training import resumes_to_the_same_weights as resumes_to_the_same_weights


@check
def refuses_what_it_cannot_serve(subject: Subject) -> None:
    """A spec that it can't serve is refused when it is made, with SpecMismatch and the field's name."""
    _, feed = ready(subject)
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
    for other in other_specs(subject, spec, rate_of(subject)):
        refusal = _refusal(subject, other)
        if refusal is not None:
            named = any(re.search(rf"\b{name}\b", refusal) for name in names)
            expect(named, f"a refusal of a {other.kind} that names a field of the spec", refusal)
        else:
            frames = other.frames(4096)
            with torch.no_grad():
                wave = subject.make(spec=other)(torch.zeros(1, other.bins, frames))
            expect_shape(wave, (1, other.samples(frames)), f"of a {other.kind}, which it accepts, a waveform")


@check
def serves_its_rates(subject: Subject) -> None:
    """At each rate that it declares, it takes what an installed transform gives."""
    assert isinstance(subject.plugin, VocoderPlugin)
    for rate in subject.plugin.sample_rates:
        try:
            feeder(subject, rate)
        except CheckFailure as failure:
            raise CheckFailure(
                f"{rate} Hz to be served, which sample_rates names: {failure.expected}", failure.actual
            ) from failure


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
    vocoder, feed = ready(subject)
    spectrogram = feed(music(8192, rate_of(subject)))
    default = feed.spec.samples(spectrogram.shape[2])
    wave = expect_shape(vocoder(spectrogram), (1, default), "without `length`, a waveform")
    expect(wave.dtype == torch.float32, "a waveform in float32", str(wave.dtype))
    for length in (1, 255, 8000, 8192, 8192 + feed.spec.hop, 20000):
        expect_shape(vocoder(spectrogram, length=length), (1, length), f"with length={length}, a waveform")


@check
@torch.no_grad()
def keeps_a_tone(subject: Subject) -> None:
    """A tone of 440 Hz has its spectral peak there, to half a bin of the spectrogram."""
    vocoder, feed = ready(subject)
    rate = rate_of(subject)
    wave = vocoder(feed(tone(440.0, rate, rate)), length=rate)[0]
    fine = {"waveform": 1.0, "magnitude": 0.5 * rate / feed.spec.n_fft, "complex": 0.5 * rate / feed.spec.n_fft}
    within = fine.get(feed.spec.kind, 0.03 * 440)  # half a semitone where bands are wide
    peak = peak_frequency(wave, rate)
    expect(abs(peak - 440) <= within, f"a peak at 440 Hz, within {within:.1f} Hz", f"{peak:.1f} Hz")


@check
@torch.no_grad()
def silence_stays_silent(subject: Subject) -> None:
    """The spectrogram of silence gives silence, 60 dB below full scale or less."""
    vocoder, feed = ready(subject)
    loudest = float(vocoder(feed(torch.zeros(1, 8192))).abs().max())
    expect(loudest < 1e-3, "samples below 0.001 for silence", f"{loudest:.2g}")


@check
@torch.no_grad()
def keeps_the_level(subject: Subject) -> None:
    """Tones, noise and music come out as loud as they went in, to 6 dB below and 3 dB above."""
    vocoder, feed = ready(subject)
    rate = rate_of(subject)
    for name, sound in {
        "a tone": tone(440.0, 12000, rate),
        "music": music(12000, rate),
        "noise": noise(1, 12000),
    }.items():
        ratio = float(vocoder(feed(sound), length=12000).norm() / sound.norm())
        expect(0.5 <= ratio <= 1.41, f"0.5 to 1.41 times the root mean square of {name}", f"{ratio:.2f} times")


@check
@torch.no_grad()
def batch_equals_single(subject: Subject) -> None:
    """A clip sounds the same alone and in a batch with others."""
    vocoder, feed = ready(subject)
    spectrograms = torch.cat([feed(wave) for wave in _clips(rate_of(subject))])
    together = vocoder(spectrograms)
    alone = torch.cat([vocoder(each[None]) for each in spectrograms])
    expect_close(together, alone, 1e-4, "the same waveform alone and in a batch")


@check
@torch.no_grad()
def draws_from_the_generator_alone(subject: Subject) -> None:
    """Without a generator nothing is random; with one its seed decides; torch's global one is left alone."""
    vocoder, feed = ready(subject)
    spectrogram = feed(music(6000, rate_of(subject)))
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
    vocoder, feed = ready(subject)
    spectrogram = feed(music(6000, rate_of(subject)))
    before = spectrogram.clone()
    vocoder(spectrogram)
    if not torch.equal(spectrogram, before):
        raise CheckFailure("the spectrogram as it was", "it was changed in place")


@check
@torch.no_grad()
def starts_from_the_initial_phase(subject: Subject) -> None:
    """With `takes_initial_phase`, the true phases of a sound give that sound back, not another of its magnitudes."""
    vocoder, feed = ready(subject)
    if not vocoder.takes_initial_phase:
        return
    spec = feed.spec
    expect(spec.kind == "magnitude", "`takes_initial_phase` only of a vocoder of magnitudes", f"one of {spec.kind}")
    sounds = torch.cat(_clips(rate_of(subject)))
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


def _clips(rate: int) -> list[Tensor]:
    return [music(6000, rate), 0.1 * noise(1, 6000), tone(700.0, 6000, rate)]


OF_TRAINED = (keeps_a_tone, silence_stays_silent, keeps_the_level)
"""What a vocoder that must learn is not asked before it has learnt."""
