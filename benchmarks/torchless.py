"""A trial: clips without torch, by onnxruntime and a vocoder in NumPy, and how soon the first one is there.

    python benchmarks/torchless.py [RUN] [--rounds 5]

It exports the run from the prior to the spectrogram, compares a clip with the one that `Synthesizer` makes of the same
draws, and then times new processes in turns. The vocoder is `pghi-refined` as it begins: phases along ridges, then fast
Griffin-Lim. docs/architecture.md says what came of it.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GAMMA = 0.25645  # of the Gaussian closest to a Hann window, in squared window lengths
ROUNDS, MOMENTUM = 12, 0.99

Array = NDArray[Any]


def vocode(logs: Array, n_fft: int, hop: int, length: int) -> Array:
    """Natural-log magnitudes [bins, frames] -> waveform [length]."""
    logs = np.ascontiguousarray(logs.T.clip(-80))  # [frames, bins]
    magnitude = np.exp(logs)
    frames = Frames(len(logs), n_fft, hop, length)
    turns = ridge_phases(logs, n_fft, hop)
    spectrum = (magnitude * np.exp(2j * np.pi * turns)).astype(np.complex64)
    previous: Array | None = None
    for _ in range(ROUNDS):
        consistent = np.fft.rfft(frames.cut(frames.overlap(spectrum)))
        lead = consistent if previous is None else consistent + np.float32(MOMENTUM) * (consistent - previous)
        spectrum = lead * (magnitude / np.maximum(np.abs(lead), 1e-15))
        previous = consistent
    return frames.overlap(spectrum)[n_fft // 2 :][:length]


class Frames:
    """Windowed frames of a waveform that is zero outside its ends, and the waveform that they overlap to."""

    def __init__(self, count: int, n_fft: int, hop: int, length: int) -> None:
        self.count, self.n_fft, self.hop = count, n_fft, hop
        self.window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)).astype(np.float32)
        total = self._sum(np.broadcast_to(self.window**2, (count, n_fft)))
        self.weights = 1 / np.maximum(total, 1e-3 * (self.window**2).max())
        self.weights[: n_fft // 2] = 0
        self.weights[n_fft // 2 + length :] = 0

    def overlap(self, spectrum: Array) -> Array:
        """Spectra [frames, bins] -> padded waveform [samples]."""
        return self._sum(np.fft.irfft(spectrum, n=self.n_fft) * self.window) * self.weights

    def cut(self, wave: Array) -> Array:
        """Padded waveform [samples] -> windowed frames [frames, n_fft]."""
        return np.lib.stride_tricks.sliding_window_view(wave, self.n_fft)[:: self.hop] * self.window

    def _sum(self, pieces: Array) -> Array:
        blocks = self.n_fft // self.hop
        out = np.zeros((self.count + blocks - 1, self.hop), np.float32)
        for block in range(blocks):
            out[block : block + self.count] += pieces[:, block * self.hop : (block + 1) * self.hop]
        return out.ravel()


def ridge_phases(logs: Array, n_fft: int, hop: int) -> Array:
    """Natural-log magnitudes [frames, bins] -> phases in turns, as `genvae_plugins.vocoders.ridges` finds them."""
    aspect = GAMMA * n_fft / hop
    padded = np.pad(logs, 1, mode="edge")
    in_frequency = padded[1:-1, 2:] - padded[1:-1, :-2]
    in_time = padded[2:, 1:-1] - padded[:-2, 1:-1]
    centre = (np.arange(logs.shape[1]) * hop % n_fft) / np.float32(n_fft)
    to_next_frame = (in_frequency[1:] + in_frequency[:-1]) * (0.25 / (2 * math.pi * aspect)) + centre
    to_next_bin = (in_time[:, 1:] + in_time[:, :-1]) * (-0.25 * aspect / (2 * math.pi)) - 0.5
    owner = owners(logs)
    across = np.pad(np.cumsum(to_next_bin, axis=1), ((0, 0), (1, 0)))
    advance = across - np.take_along_axis(across, owner, axis=1)
    advance[1:] += np.take_along_axis(to_next_frame, owner[1:], axis=1)
    turns = advance - np.floor(advance)
    for frame in range(1, len(turns)):
        turns[frame] += turns[frame - 1, owner[frame]]
    turns[:, [0, -1]] = 0
    return turns


def owners(values: Array) -> Array:
    """The bin of the peak that lies uphill of each bin, [frames, bins]."""
    bins = np.arange(values.shape[1])
    rises = values[:, 1:] > values[:, :-1]
    into = np.pad(rises, ((0, 0), (1, 0)), constant_values=True)
    onwards = np.pad(rises, ((0, 0), (0, 1)), constant_values=False)
    peak = into & ~onwards
    below = np.maximum.accumulate(np.where(peak, bins, -1), axis=1)  # the last peak to the left
    above = np.minimum.accumulate(np.where(peak, bins, len(bins))[:, ::-1], axis=1)[:, ::-1]
    # Where it goes up, the peak above is uphill; where not, the one below, and of a valley the larger neighbour's.
    valley = ~into & onwards
    right = np.zeros_like(valley)
    right[:, 1:-1] = values[:, 2:] > values[:, :-2]
    uphill = np.where(valley, right, onwards)
    return np.where(peak, bins, np.where(uphill, above, below))


def clip(path: Path, genre: str, draws: list[Array]) -> Array:
    """A waveform [samples] from an exported spectrogram; without draws, from fresh ones."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    said = json.loads(session.get_modelmeta().custom_metadata_map["genvae"])
    if not draws:
        generator = np.random.default_rng()
        make = {"normal": generator.standard_normal, "uniform": generator.random}
        draws = [make[draw["distribution"]](draw["shape"], dtype=np.float32) for draw in said["draws"]]
    given = {f"draw_{number}": value for number, value in enumerate(draws)}
    given |= {"genre": np.array([said["genres"].index(genre)]), "temperature": np.ones(1, np.float32)}
    [spectrogram] = session.run(None, given)
    wave = vocode(spectrogram[0], said["spec"]["n_fft"], said["spec"]["hop"], said["clip_samples"])
    peak = float(np.abs(wave).max())
    return wave * (0.99 / peak) if peak > 1 else wave


def write_clip(path: Path, genre: str, to: Path) -> None:
    """What a command would do."""
    from genvae.audio import wav

    to.write_bytes(wav.encode(clip(path, genre, []), 22050))


def compare(path: Path, run_path: Path | None, genre: str) -> tuple[float, float]:
    """Of a clip from the same draws: the difference from torch's relative to its size, in dB, and the largest one."""
    import torch

    from genvae.onnx_export import export_onnx
    from genvae.plugin.registry import installed
    from genvae.pretrained import pretrained_run
    from genvae.run import Run
    from genvae.synthesis.synthesizer import Synthesizer, item_generator

    run = Run(run_path or pretrained_run())
    done = export_onnx(run, installed(), path, part="spectrogram")
    generator = item_generator(0, genre, 0)
    make = {"normal": torch.randn, "uniform": torch.rand}
    draws = [make[draw.distribution](*draw.shape, generator=generator).numpy() for draw in done.draws]
    wanted = Synthesizer(run, installed()).generate(genre, seed=0, index=0).wave.numpy()
    got = clip(path, genre, draws)
    return 20 * math.log10(np.linalg.norm(got - wanted) / np.linalg.norm(wanted)), float(np.abs(got - wanted).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="?", type=Path)
    parser.add_argument("--genre", default="techno")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--from", dest="source", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.source:
        write_clip(chosen.source, chosen.genre, chosen.source.with_suffix(".wav"))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spectrogram.onnx"
        apart, most = compare(path, chosen.run, chosen.genre)
        print(f"From the same draws: {apart:.1f} dB from torch's clip, {most:.1e} at most.")
        generate = [sys.executable, "-c", "from genvae.cli import main; main()", "generate", "--genre", chosen.genre]
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "import numpy, onnxruntime": [sys.executable, "-c", "import numpy, onnxruntime"],
            "a clip without torch": [sys.executable, __file__, "--genre", chosen.genre, "--from", str(path)],
            "import torch": [sys.executable, "-c", "import torch"],
            "genvae generate": [*generate, "-o", folder, *(["--run", str(chosen.run)] if chosen.run else [])],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(chosen.rounds):
            for name, command in commands.items():
                began = time.perf_counter()
                subprocess.run(command, check=True, capture_output=True)
                seconds[name].append(time.perf_counter() - began)
    for name, taken in seconds.items():
        print(f"{name:<26} {statistics.median(taken):6.2f} s ({min(taken):.2f} to {max(taken):.2f})")


if __name__ == "__main__":
    main()
