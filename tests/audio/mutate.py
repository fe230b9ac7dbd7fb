"""Damages sound files in many ways and prepares each: nothing may crash, hang, take much memory or go unsaid.

    python tests/audio/mutate.py --count 50000 --workers 2

It prints how many were kept, partial and skipped, by format, the longest time and the largest memory of a process, and
every fault. docs/reliability.md has the figures.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from genvae.audio.open import ffmpeg_reads
from genvae.clips.work import Settings, Task, run_task
from genvae_plugins.datasets import folder as folder_plugin
from genvae_plugins.datasets.folder import Folder
from genvae_plugins.datasets.through_pydub import ThroughPydub

RATE, SECONDS = 16000, 3
HANG = 5.0  # seconds that a file may take
MEMORY = 1 << 30  # bytes that a process may have
SETTINGS = Settings(sample_rate=8000, clip_ms=100)
FORMATS = {
    "wav": dict(format="WAV", subtype="PCM_16"),
    "flac": dict(format="FLAC", subtype="PCM_16"),
    "ogg": dict(format="OGG", subtype="VORBIS"),
    "opus": dict(format="OGG", subtype="OPUS"),
    "mp3": dict(format="MP3", subtype="MPEG_LAYER_III"),
    "aiff": dict(format="AIFF", subtype="PCM_24"),
    "au": dict(format="AU", subtype="PCM_16"),
    "caf": dict(format="CAF", subtype="PCM_16"),
    "w64": dict(format="W64", subtype="FLOAT"),
}
"""By suffix; m4a comes beside them where there is an ffmpeg, one file in forty, as it takes two processes a file."""


@dataclass
class Found:
    """What became of some files. slowest: in seconds. memory: of the process, in bytes. faults: in words."""

    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    slowest: float = 0.0
    memory: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        self.states.update(other.states)
        self.slowest, self.memory = max(self.slowest, other.slowest), max(self.memory, other.memory)
        self.faults += other.faults


@cache
def whole(suffix: str) -> bytes:
    """A good file of three seconds in stereo."""
    rng = np.random.default_rng(5)
    tone = 0.3 * np.sin(2 * np.pi * 330 * np.arange(RATE * SECONDS) / RATE)
    wave = np.stack([tone, 0.5 * tone], axis=1) + 0.05 * rng.standard_normal((RATE * SECONDS, 2))
    if suffix == "m4a":
        command = ["ffmpeg", "-v", "error", "-f", "f64le", "-ar", str(RATE), "-ac", "2", "-i", "-", "-c:a", "aac"]
        command += ["-movflags", "frag_keyframe+empty_moov", "-f", "mp4", "-"]
        return subprocess.run(command, input=wave.tobytes(), capture_output=True, check=True).stdout
    file = io.BytesIO()
    soundfile.write(file, wave, RATE, **FORMATS[suffix])
    return file.getvalue()


def damage(content: bytes, rng: np.random.Generator) -> tuple[str, bytes]:
    """The same with one to four injuries, and their names."""
    names = []
    for _ in range(int(rng.integers(1, 5))):
        name = str(rng.choice(list(_INJURIES)))
        names.append(name)
        content = _INJURIES[name](content, rng) if content else content
    return "+".join(names), content


def _flip(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for place in rng.integers(0, len(content), int(rng.choice([1, 1, 10, 100]))):
        changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _flip_head(content: bytes, rng: np.random.Generator) -> bytes:
    return _flip(content[:200], rng) + content[200:]


def _number(content: bytes, rng: np.random.Generator) -> bytes:
    """An extreme number somewhere in the beginning, where headers have theirs."""
    place = int(rng.integers(0, min(len(content), 300)))
    value = bytes(rng.choice([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\x80", b"\1\0\0\0"]))
    return content[:place] + value + content[place + 4 :]


def _span(content: bytes, rng: np.random.Generator) -> tuple[int, int]:
    begin = int(rng.integers(0, len(content)))
    return begin, min(begin + int(rng.choice([7, 100, 1000, 5000, 20000])), len(content))


def _fill(value: bytes | None) -> Callable[[bytes, np.random.Generator], bytes]:
    def fill(content: bytes, rng: np.random.Generator) -> bytes:
        begin, end = _span(content, rng)
        return content[:begin] + (rng.bytes(end - begin) if value is None else value * (end - begin)) + content[end:]

    return fill


def _remove(content: bytes, rng: np.random.Generator) -> bytes:
    begin, end = _span(content, rng)
    return content[:begin] + content[end:]


def _insert(content: bytes, rng: np.random.Generator) -> bytes:
    begin, end = _span(content, rng)
    return content[:begin] + rng.bytes(end - begin) + content[begin:]


def _repeat(content: bytes, rng: np.random.Generator) -> bytes:
    begin, end = _span(content, rng)
    return content[:end] + content[begin:]


_INJURIES: dict[str, Callable[[bytes, np.random.Generator], bytes]] = {
    "bits flipped": _flip,
    "bits of the header flipped": _flip_head,
    "a number in the header": _number,
    "zeros": _fill(b"\0"),
    "ones": _fill(b"\xff"),
    "noise": _fill(None),
    "bytes lost": _remove,
    "bytes put in": _insert,
    "bytes twice": _repeat,
    "cut short": lambda content, rng: content[: int(rng.integers(0, len(content)))],
    "beginning lost": lambda content, rng: content[int(rng.integers(0, len(content) // 2 + 1)) :],
    "joined": lambda content, rng: content + content,
}


def suffix_of(number: int) -> str:
    """Of a file by its number."""
    if number % 40 == 39 and shutil.which("ffmpeg"):
        return "m4a"
    return list(FORMATS)[number % len(FORMATS)]


def try_files(numbers: range, folder: Path) -> Found:
    """Make the files of these numbers and prepare each, in this process."""
    found = Found()
    work = Path(tempfile.mkdtemp(dir=folder))
    (work / "music" / "genre").mkdir(parents=True)
    (work / "out").mkdir()
    for number in numbers:
        faulthandler.dump_traceback_later(60, exit=True)  # a process that hangs ends, which is told as a fault
        suffix = suffix_of(number)
        injuries, content = damage(whole(suffix), np.random.default_rng([number, 7]))
        # Whether ffmpeg reads what libsndfile does not takes two processes to find out, so it is asked of some.
        folder_plugin.ffmpeg_reads = ffmpeg_reads if number % 20 == 7 else lambda path: False
        path = work / "music" / "genre" / f"sound.{suffix}"
        path.write_bytes(content)
        dataset = (ThroughPydub if suffix == "m4a" else Folder)(None, work / "music")
        began = time.perf_counter()
        try:
            [recording] = dataset.recordings()
            seal = run_task(Task(work / "out", "0" * 32, "music", recording, SETTINGS))
        except Exception as error:
            found.faults.append(f"{number}: {suffix}, {injuries}: {type(error).__name__}: {error}")
            continue
        finally:
            path.unlink()
        took = time.perf_counter() - began
        found.states[suffix, seal.state] += 1
        found.slowest = max(found.slowest, took)
        if took > HANG:
            found.faults.append(f"{number}: {suffix}, {injuries}: took {took:.1f} s")
        if "\n" in seal.reason or (seal.state != "kept" and not seal.reason):
            found.faults.append(f"{number}: {suffix}, {injuries}: {seal.state} because {seal.reason!r}")
        if seal.state == "partial" and not re.search(r"\d+\.\d+ s", seal.reason):
            found.faults.append(f"{number}: {suffix}, {injuries}: does not say which seconds: {seal.reason!r}")
    folder_plugin.ffmpeg_reads = ffmpeg_reads
    faulthandler.cancel_dump_traceback_later()
    shutil.rmtree(work)
    found.memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return found


def batches(count: int, first: int, size: int = 50) -> Iterator[range]:
    for begin in range(first, first + count, size):
        yield range(begin, min(begin + size, first + count))


def try_all(count: int, *, first: int = 0, workers: int = 2) -> Found:
    """Try `count` files in processes of their own, a new one for each batch, so that one that dies costs no other."""
    found = Found()

    def alone(numbers: range) -> Found:
        with ProcessPoolExecutor(1) as process:
            return process.submit(try_files, numbers, Path(folder)).result()

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(workers) as pool:
        jobs = [(numbers, pool.submit(alone, numbers)) for numbers in batches(count, first)]
        for done, (numbers, job) in enumerate(jobs, 1):
            try:
                found.add(job.result())
            except Exception as error:
                found.faults.append(f"a process died over the files {numbers}: {type(error).__name__}: {error}")
            if done % 100 == 0:
                print(f"{done * 50} files, {len(found.faults)} faults", file=sys.stderr, flush=True)
    if found.memory > MEMORY:
        found.faults.append(f"a process took {found.memory / 1e6:.0f} MB")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=2000, help="files")
    parser.add_argument("--first", type=int, default=0, help="number of the first, which is all that it is made from")
    parser.add_argument("--workers", type=int, default=2, help="processes")
    chosen = parser.parse_args()
    found = try_all(chosen.count, first=chosen.first, workers=chosen.workers)
    suffixes = sorted({suffix for suffix, _ in found.states})
    print("| format | files | kept | partial | skipped |\n|---|---|---|---|---|")
    for suffix in suffixes:
        counts = [found.states[suffix, state] for state in ("kept", "partial", "skipped")]
        print(f"| {suffix} | {sum(counts):,} | {' | '.join(f'{n:,}' for n in counts)} |")
    print(json.dumps({"slowest_s": round(found.slowest, 2), "memory_mb": found.memory // 1_000_000}))
    print(*found.faults, sep="\n")
    return bool(found.faults)


if __name__ == "__main__":
    sys.exit(main())
