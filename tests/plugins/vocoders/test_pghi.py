"""Phase gradients against closed forms, and the walk in its queues against the paper's heap."""

from __future__ import annotations

import heapq
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from vocoder_sounds import RATE, SPEC, convergence_db, impulse, log_magnitude, make, music, spec_of, spectrum, tone

from genvae import windows
from genvae_plugins.vocoders import integration_queue, phase_gradient, ridges
from genvae_plugins.vocoders.frames import Frames
from genvae_plugins.vocoders.magnitudes import polar
from genvae_plugins.vocoders.peaks import with_still_edges

Grid = NDArray[np.float32]


def by_heap(logs: Grid, to_next_frame: Grid, to_next_bin: Grid, random: Grid, tolerance: float) -> Grid:
    """Algorithm 1 of the paper as it stands there."""
    frames, bins = logs.shape
    turns = random.copy()
    left = {(int(t), int(k)) for t, k in np.argwhere(logs >= logs.max() + math.log(tolerance))}
    while left:
        start = max(left, key=lambda place: logs[place])
        left.remove(start)
        turns[start] = 0
        heap = [(-logs[start], start)]
        while heap:
            _, (t, k) = heapq.heappop(heap)
            for there, step in (
                ((t + 1, k), to_next_frame[t, k] if t + 1 < frames else 0),
                ((t - 1, k), -to_next_frame[t - 1, k] if t else 0),
                ((t, k + 1), to_next_bin[t, k] if k + 1 < bins else 0),
                ((t, k - 1), -to_next_bin[t, k - 1] if k else 0),
            ):
                if there in left:
                    left.remove(there)
                    turns[there] = turns[t, k] + step
                    heapq.heappush(heap, (-logs[there], there))
    return turns


def apart(first: Grid | torch.Tensor, second: Grid | torch.Tensor) -> float:
    """The largest difference of phases in turns, whole turns aside."""
    difference = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return float(np.abs(difference - difference.round()).max())


@pytest.mark.parametrize(("frames", "bins"), [(1, 2), (1, 9), (7, 2), (12, 17), (40, 33)])
def test_where_every_path_leads_to_the_same_phase_the_queues_and_the_heap_agree(frames: int, bins: int) -> None:
    generator = np.random.default_rng(frames)
    logs = generator.normal(size=(frames, bins)).astype(np.float32)
    truth = 20 * generator.normal(size=(frames, bins)).astype(np.float32)
    random = generator.random((frames, bins), dtype=np.float32)
    steps = np.diff(truth, axis=0), np.diff(truth, axis=1)
    for tolerance in (1e-9, 0.05):
        expected = by_heap(logs, *steps, random, tolerance)
        reached = integration_queue.phases(logs, *steps, random, tolerance)
        assert apart(expected, reached) < 1e-3 or tolerance > 1e-9  # islands: each of them from its own loudest bin
        soft = logs < logs.max() + math.log(tolerance)
        np.testing.assert_array_equal(reached[soft], random[soft])
        assert not np.array_equal(reached[~soft], random[~soft])


def test_the_queues_are_as_good_as_the_heap() -> None:
    spec, wave = spec_of(256, 64), music(6000)
    wanted = log_magnitude(wave, spec)
    logs = wanted.transpose(1, 2).contiguous()
    to_next_frame, to_next_bin = phase_gradient.steps(logs, spec)
    random = torch.rand(logs.shape[1:], generator=torch.Generator().manual_seed(0))
    frames = Frames(spec, windows.of(spec), logs.shape[1], 6000)
    reached = []
    for walk in (by_heap, integration_queue.phases):
        turns = walk(logs[0].numpy(), to_next_frame[0].numpy(), to_next_bin[0].numpy(), random.numpy(), 1e-4)
        start = polar(logs.exp(), with_still_edges(torch.from_numpy(turns)[None]))
        reached.append(convergence_db(wanted, frames.trim(frames.synthesise(start)), spec))
    assert reached[1] < -14
    assert abs(reached[0] - reached[1]) < 0.3


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman"])
def test_gamma_is_that_of_the_closest_gaussian(window: str) -> None:
    shape = windows.make(window, 2048).double()
    time = (torch.arange(2048, dtype=torch.float64) - 1024) / 2048

    def misfit(gamma: float) -> float:
        return float(((-math.pi * time.square() / gamma).exp() - shape).square().sum())

    gammas = np.arange(0.1, 0.5, 1e-4)
    best = gammas[np.argmin([misfit(gamma) for gamma in gammas])]
    assert phase_gradient._GAMMA[window] == pytest.approx(best, rel=0.02)


@pytest.mark.parametrize("window", ["hann", "hamming", "blackman"])
@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 256), (512, 200)])
def test_the_phase_of_a_tone_advances_by_its_frequency(window: str, n_fft: int, hop: int) -> None:
    spec = spec_of(n_fft, hop, window)
    frequency = 20.3 * RATE / n_fft
    logs = log_magnitude(tone(frequency), spec).transpose(1, 2)
    in_time, _ = phase_gradient.steps(logs, spec)
    whole = frequency * hop / RATE
    assert apart(in_time[0, 10:20, 20], torch.full((10,), whole)) < 0.02


@pytest.mark.parametrize("offset", [-100, 0, 77])
def test_the_phase_across_an_impulse_tells_its_place(offset: int) -> None:
    logs = log_magnitude(impulse(256 * 10 + offset, 8192)).transpose(1, 2)
    _, in_frequency = phase_gradient.steps(logs, SPEC)
    from_frame_start = 512 + offset
    assert apart(in_frequency[0, 10, 50:450], torch.full((400,), -from_frame_start / 1024)) < 0.02


def test_the_gradient_is_that_of_real_phases() -> None:
    wave = music()
    turns = (spectrum(wave).angle() / (2 * math.pi)).transpose(1, 2)
    logs = log_magnitude(wave).transpose(1, 2)
    steps = phase_gradient.steps(logs, SPEC)
    loud = logs > logs.amax() - 4
    for axis, step in ((1, steps[0]), (2, steps[1])):
        both = loud.narrow(axis, 0, loud.shape[axis] - 1) & loud.narrow(axis, 1, loud.shape[axis] - 1)
        error = (turns.diff(dim=axis) - step)[both]
        assert float((error - error.round()).abs().median()) < 0.03


def test_ridges_come_close_to_the_walk() -> None:
    wanted = log_magnitude(music())
    one_pass = convergence_db(wanted, make("pghi")(wanted, length=16000))
    on_ridges = convergence_db(wanted, make("pghi-refined", iterations=0)(wanted, length=16000))
    assert on_ridges < -15
    assert on_ridges < one_pass + 5


def test_ridges_follow_a_tone() -> None:
    wave = tone(20.3 * RATE / 1024)
    turns = ridges.phases(log_magnitude(wave).transpose(1, 2), SPEC)[0]
    true = spectrum(wave)[0].angle().T / (2 * math.pi)
    drift = (turns - true)[5:-5, 20].diff()
    assert float((drift - drift.round()).abs().max()) < 0.005  # in turns a frame; Hann is not quite a Gaussian


def test_rounds_refine_the_start_and_need_no_compiler_for_it() -> None:
    wanted = log_magnitude(music())
    for start in ("ridges", "queue"):
        reached = [
            convergence_db(wanted, make("pghi-refined", start=start, iterations=n)(wanted, length=16000))
            for n in (0, 4, 16)
        ]
        assert reached[0] > reached[1] + 2 > reached[2] + 2  # the first rounds do most
    program = "import sys; import genvae_plugins.vocoders.refined; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_a_folder_for_its_cache_it_compiles_for_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    real: Callable[..., Any] = numba.njit
    asked: list[bool] = []

    def njit(*arguments: Any, cache: bool = False, **options: Any) -> Any:
        asked.append(cache)
        if cache:
            raise RuntimeError("cannot cache function: no locator available for file")
        return real(*arguments, **options)

    monkeypatch.setattr(numba, "njit", njit)
    walk = integration_queue._compiled(integration_queue._walk.py_func)
    assert asked == [True, False]
    level, turns = np.full(4 * 4, -1, np.int32), np.zeros(16, np.float32)
    level[5:7] = level[9:11] = 1, 0
    walk(level, turns, np.full(16, 0.25, np.float32), np.full(16, 0.125, np.float32), 4, 2)
    assert (turns - turns[5])[[5, 6, 9, 10]].tolist() == [0, 0.125, 0.25, 0.375]
