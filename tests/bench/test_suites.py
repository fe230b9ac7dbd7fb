"""What each suite puts up: plugins by being installed, peers beside them, and sound to measure on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from genvae.bench.contest import Case, Measurement
from genvae.bench.harness import Conditions, measure
from genvae.bench.session import Session
from genvae.bench.sounds import RATE, Sounds
from genvae.bench.suites import QUICK, SUITES, Context, cases, serve
from genvae.bench.suites.map import covariance
from genvae.bench.suites.vocoders import blurred, convergence, magnitudes, spec_of
from genvae.errors import GenvaeError
from genvae.latents.fit import make_map
from genvae.plugin.registry import Registry, installed
from genvae.run import Run

ACME = """
import genvae, torch
from dataclasses import dataclass

@dataclass(frozen=True)
class Options:
    iterations: int = 3

class Hum(genvae.Vocoder):
    def forward(self, spectrogram, *, length=None, generator=None):
        return 0.01 * torch.ones(len(spectrogram), length or self.spec.samples(spectrogram.shape[2]))

@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name="hum", summary="Hums.", factory="acme_hum:Hum", options=Options)
    yield genvae.VocoderPlugin(name="gone", summary="Is gone.", factory="acme_hum:Gone")
    yield genvae.VocoderPlugin(name="lame", summary="Lacks a part.", factory="acme_hum:Hum",
                               unavailable=lambda: "the part is missing")
"""


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six recordings of noise that fades, of which one is silent, and a file that is none."""
    folder = tmp_path_factory.mktemp("music")
    generator = np.random.default_rng(0)
    fading = np.linspace(0.5, 0.1, 28 * 8000)
    for number in range(6):
        wave = generator.standard_normal(len(fading)) * fading * (number != 3) * 0.3
        soundfile.write(folder / f"{number}.wav", wave.clip(-1, 1), 8000)
    (folder / "7.wav").write_bytes(b"nothing")
    return folder


@pytest.fixture(scope="module")
def sounds(music: Path) -> Sounds:
    return Sounds(music, installed())


def context(sounds: Sounds, scratch: Path, registry: Registry | None = None, **more: bool) -> Context:
    conditions = Conditions(seconds=0.0, rounds=1, peers=more.pop("peers", False))
    return Context(
        conditions=conditions,
        registry=registry or installed(),
        sounds=sounds,
        thorough=more.pop("thorough", False),
        scratch=scratch,
    )


@pytest.fixture
def with_acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """The installed plugins and those of a distribution `acme` that was installed just now."""
    (tmp_path / "acme_hum.py").write_text(ACME)
    monkeypatch.syspath_prepend(tmp_path)
    from importlib.metadata import entry_points

    yield Registry([*entry_points(group="genvae"), EntryPoint("acme", "acme_hum", "genvae")])
    sys.modules.pop("acme_hum", None)


def test_a_vocoder_is_in_the_table_by_being_installed(sounds: Sounds, tmp_path: Path, with_acme: Registry) -> None:
    [case] = cases("vocoders", context(sounds, tmp_path, with_acme))
    wanted = [c for c in case.contenders if c.name in ("hum", "gone", "lame", "istft", "zero-phase")]
    rows = measure(_only(case, *(c.name for c in wanted)), Conditions(seconds=0.0, rounds=1))
    hum = {m.metric: m.value for m in rows if m.contender == "hum"}
    assert {"exact", "blurred", "cost", "speed"} <= hum.keys()
    assert hum["exact"] == pytest.approx(0.0, abs=0.5)  # a constant has nothing of what was asked for
    reasons = {m.contender: m.reason for m in rows if m.value is None}
    assert reasons.keys() == {"gone", "lame", "istft"}
    assert "acme_hum:Gone" in reasons["gone"]
    assert "the part is missing" in reasons["lame"]
    assert "kind = 'complex'" in reasons["istft"]
    floor = {m.metric: m.value for m in rows if m.contender == "zero-phase"}
    assert floor["exact"] < -1.0


def test_a_thorough_run_tries_iterations_and_words_of_any_vocoder(
    sounds: Sounds, tmp_path: Path, with_acme: Registry
) -> None:
    case = next(cases("vocoders", context(sounds, tmp_path, with_acme, thorough=True)))
    names = [c.name for c in case.contenders]
    assert {"hum", "hum iterations=0", "hum iterations=64"} <= set(names)
    assert "pghi-refined start=queue iterations=4" in names
    assert len(names) == len(set(names))


def test_peers_stand_beside_the_plugins(sounds: Sounds, tmp_path: Path) -> None:
    [case] = cases("vocoders", context(sounds, tmp_path))
    assert "librosa.griffinlim, 32 rounds" in [c.name for c in case.contenders if c.peer]
    chosen = _only(case, "pghi-refined", "pghipy, torch.istft", "torchaudio griffinlim, 32 rounds")
    rows = measure(chosen, Conditions(seconds=0.0, rounds=1, peers=True))
    exact = {m.contender: m.value for m in rows if m.metric == "exact"}
    assert len(exact) == 3
    assert all(value is not None and value < -10 for value in exact.values())  # each of them does what it should


def _only(case: Case, *names: str) -> Case:
    from dataclasses import replace

    return replace(case, contenders=[c for c in case.contenders if c.name in names])


@pytest.mark.parametrize("suite", ["decode", "prepare"])
def test_every_format_is_read_by_us_and_the_peers(
    suite: str, sounds: Sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("decode", "prepare"):
        monkeypatch.setattr(f"genvae.bench.suites.{module}.SECONDS", 2.0)
    rows: list[Measurement] = []
    for case in cases(suite, context(sounds, tmp_path)):
        rows += measure(case, Conditions(seconds=0.0, rounds=1, peers=True))
    assert {row.case.partition(",")[0] for row in rows} == {"ogg", "mp3", "flac", "wav"}
    missing = {row.contender for row in rows if row.value is None}
    assert missing <= {"torchaudio"}  # which needs torchcodec to read files


def test_every_front_end_stands_with_those_of_its_kind(sounds: Sounds, tmp_path: Path) -> None:
    found = list(cases("stft", context(sounds, tmp_path)))
    kinds = {case.name.partition(",")[0]: {c.name for c in case.contenders} for case in found}
    assert kinds.keys() == {"magnitude", "mel", "cqt", "complex", "waveform"}
    assert {"stft", "torchaudio-stft", "nnaudio-stft", "torch.stft", "librosa.stft"} <= kinds["magnitude"]
    mel = next(case for case in found if case.name.startswith("mel"))
    rows = measure(mel, Conditions(seconds=0.0, rounds=1))
    apart = {m.contender: m.value for m in rows if m.metric == "largest difference"}
    assert apart["mel"] == 0.0
    assert apart["torchaudio-mel"] is not None
    assert apart["torchaudio-mel"] < 1e-3


def test_the_parts_of_a_clip_are_measured(sounds: Sounds, tmp_path: Path, tiny_run_path: Path) -> None:
    case, many = cases("generate", replace(context(sounds, tmp_path), run=tiny_run_path))
    rows = measure(case, Conditions(seconds=0.0, rounds=1))
    assert not [m.reason for m in rows if m.value is None]
    assert {"a clip, as wav", "prior local", "model conv-vae", "vocoder pghi-refined"} <= {m.contender for m in rows}
    alone, together = (contender.make()() for contender in many.contenders)
    assert alone == together


def test_a_model_is_trained_a_step(sounds: Sounds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genvae.bench.suites.train._HEAVY", 0.0)
    peak, case = islice(cases("train", context(sounds, tmp_path)), 2)
    assert peak.name == "the peak"
    assert "-vae, batch 4, " in case.name
    rows = measure(_only(case, "eager PyTorch", "genvae's step, front end included"), Conditions(seconds=0, rounds=1))
    assert not [m.reason for m in rows if m.value is None]
    assert {m.metric for m in rows} == {"speed", "of the peak", "ratio", "memory"}


def test_start_up_is_measured_in_processes_of_their_own(sounds: Sounds, tmp_path: Path) -> None:
    case = next(cases("startup", context(sounds, tmp_path)))
    rows = measure(case, Conditions(seconds=0.0, rounds=1))
    assert not [m.reason for m in rows if m.value is None]
    assert {m.clock for m in rows} == {"wall"}


def test_the_server_is_measured_under_load_and_in_a_browser(
    sounds: Sounds, tmp_path: Path, tiny_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve, "_CLIENTS", {3: 2})
    make_map(tiny_run, "pca", seed=0)
    found = cases("serve", replace(context(sounds, tmp_path, installed()), run=tiny_run.path))
    rows = [row for case in found for row in measure(case, Conditions(seconds=0.0, rounds=1))]
    assert not [row.reason for row in rows if row.reason]
    values = {row.metric: row.value for row in rows}
    assert 0 < values["p50"] <= values["p95"]
    assert 0 < values["health p50"] <= values["health p99"]
    assert values["refused"] == 0
    assert 0 < values["first paint"] <= values["genres shown"]
    assert values["press to sound"] > 0
    assert 0 < values["redraw p50"] <= values["redraw p95"]


def test_more_requests_than_may_wait_are_refused_and_come_again() -> None:
    answers = iter([(503, b"", 0.0), (200, b"wav", 0.0), (200, b"wav", 0.0)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serve, "_get", lambda connection, path: next(answers))
        seconds, refused = serve._ask_clips("http://127.0.0.1:1/", ["a"], 0, 2)
    assert (len(seconds), refused) == (2, 1)


def test_the_covariance_gives_the_principal_components_of_a_full_decomposition() -> None:
    generator = np.random.default_rng(1)
    latents = (generator.standard_normal((500, 6)) * [5, 3, 1, 1, 1, 0.5] + 7).astype(np.float32)
    points = covariance(latents)
    centred = latents.astype(np.float64) - latents.mean(axis=0)
    _, _, axes = np.linalg.svd(centred, full_matrices=False)
    np.testing.assert_allclose(np.abs(points), np.abs(centred @ axes[:2].T), atol=2e-3)


def test_convergence_is_the_ratio_of_what_is_missed_in_decibels() -> None:
    spec, generator = spec_of(), torch.Generator().manual_seed(0)
    waves = torch.randn(2, RATE, generator=generator)
    wanted = magnitudes(waves, spec)
    assert convergence(wanted, 0.9 * waves, spec) == pytest.approx(-20.0, abs=1e-3)  # a tenth is missed


def test_blurring_keeps_what_the_components_span_and_loses_the_rest() -> None:
    generator = torch.Generator().manual_seed(0)
    others = torch.rand(12, 5, 4, generator=generator) + 0.5
    inside = others[:2]  # within the span of eleven components of twelve rows
    torch.testing.assert_close(blurred(inside, others), inside, rtol=1e-3, atol=1e-3)
    outside = torch.rand(2, 5, 4, generator=generator) + 0.5
    assert float((blurred(outside, others) - outside).abs().max()) > 0.01


def test_clips_are_audible_seconds_of_different_recordings_at_one_level(sounds: Sounds) -> None:
    clips, others = sounds.clips(5), sounds.others(5)
    assert clips.shape == (5, RATE)
    assert np.sqrt(np.square(clips).mean(axis=1)) == pytest.approx(np.full(5, 0.1), rel=1e-3)
    assert len(others) == 15 - 5  # five recordings with sound, three seconds of each
    assert not {clip.tobytes() for clip in clips} & {clip.tobytes() for clip in others}
    assert sounds.recording(70.0).shape == (70 * RATE,)
    assert sounds.clips(3, 2.0).shape == (3, 2 * RATE)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GenvaeError, match="holds no recordings"):
        Sounds(tmp_path, installed())


def test_a_suite_that_can_not_begin_is_one_row_and_the_next_goes_on(
    music: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from genvae.bench import session

    def broken(suite: str, context: Context) -> Iterator[Case]:
        if suite == "stft":
            raise RuntimeError("no memory")
        yield from ()

    monkeypatch.setattr(session, "cases", broken)
    found = [*Session(("stft", "map"), installed(), Conditions(), sounds=music).measurements()]
    [[row]] = found
    assert (row.suite, row.value, row.reason) == ("stft", None, "RuntimeError: no memory")


def test_every_suite_has_a_module() -> None:
    from importlib import import_module

    assert all(hasattr(import_module(f"genvae.bench.suites.{name}"), "cases") for name in SUITES)


def test_quick_measures_something_of_each_kind_of_work(tmp_path: Path) -> None:
    context = Context(
        conditions=Conditions(),
        registry=installed(),
        sounds=Sounds(None, installed()),
        thorough=False,
        scratch=tmp_path,
    )
    kinds = [(case.suite, len(case.contenders)) for case in cases(QUICK, context)]
    assert kinds == [("startup", 2), ("prepare", 2), ("vocoders", 1), ("train", 2), ("generate", 1), ("generate", 1)]
