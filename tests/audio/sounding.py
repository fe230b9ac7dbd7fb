"""Makes sound files in every format, whole and with every oddity that people's files really have."""

from __future__ import annotations

import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

RATE = 44100
SECONDS = 10
TOOLS = ("ffmpeg", "lame", "flac", "oggenc", "opusenc", "sox")


def missing_tools() -> list[str]:
    return [tool for tool in TOOLS if not shutil.which(tool)]


@cache
def music(seconds: float = SECONDS, *, seed: int = 0) -> np.ndarray:
    """Chords that change every half second over some noise: [samples], no two moments of it alike."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 0.02 * rng.standard_normal(len(time))
    for begin in np.arange(0, seconds, 0.5):
        since = time - begin
        for pitch in 110 * 2 ** (rng.integers(0, 36, 3) / 12):
            wave += np.where(since >= 0, 0.15 * np.exp(-4 * np.abs(since)) * np.sin(2 * np.pi * pitch * since), 0)
    return wave.clip(-0.99, 0.99)


@cache
def stereo(seconds: float = SECONDS, *, seed: int = 0) -> np.ndarray:
    wave = music(seconds, seed=seed)
    return np.stack([wave, 0.7 * np.roll(wave, 40)], axis=1)


def run(*command: str | Path, given: bytes | None = None) -> bytes:
    return subprocess.run([str(part) for part in command], input=given, capture_output=True, check=True).stdout


@dataclass(frozen=True)
class Maker:
    """Makes files in a folder, each from a plain wav file that lies there already."""

    folder: Path

    def wav(self, wave: np.ndarray | None = None, rate: int = RATE, **form: str) -> bytes:
        path = self.folder / "made.wav"
        soundfile.write(path, stereo() if wave is None else wave, rate, **{"subtype": "PCM_16"} | form)
        return path.read_bytes()

    def written(self, suffix: str, **form: str) -> bytes:
        path = self.folder / f"made.{suffix}"
        soundfile.write(path, stereo(), RATE, **form)
        return path.read_bytes()

    def ffmpeg(self, suffix: str, *options: str, wave: bytes | None = None) -> bytes:
        path = self.folder / f"made.{suffix}"
        run("ffmpeg", "-v", "error", "-y", "-f", "wav", "-i", "-", *options, path, given=wave or self.wav())
        return path.read_bytes()

    def ffmpeg_pipe(self, form: str, *options: str) -> bytes:
        return run("ffmpeg", "-v", "error", "-f", "wav", "-i", "-", *options, "-f", form, "-", given=self.wav())

    def lame(self, *options: str, pipe: bool = False, wave: bytes | None = None) -> bytes:
        if pipe:
            return run("lame", "--quiet", *options, "-", "-", given=wave or self.wav())
        (self.folder / "given.wav").write_bytes(wave or self.wav())
        run("lame", "--quiet", *options, self.folder / "given.wav", self.folder / "made.mp3")
        return (self.folder / "made.mp3").read_bytes()

    def flac(self, *options: str, wave: bytes | None = None) -> bytes:
        (self.folder / "given.wav").write_bytes(wave or self.wav())
        run("flac", "-s", "-f", *options, "-o", self.folder / "made.flac", self.folder / "given.wav")
        return (self.folder / "made.flac").read_bytes()

    def vorbis(self, *options: str, wave: bytes | None = None) -> bytes:
        return run("oggenc", "-Q", *options, "-o", "-", "-", given=wave or self.wav())

    def opus(self, *options: str, wave: bytes | None = None) -> bytes:
        return run("opusenc", "--quiet", *options, "-", "-", given=wave or self.wav())


def patched(content: bytes, place: int, what: bytes) -> bytes:
    return content[:place] + what + content[place + len(what) :]


def flipped(content: bytes, share: float = 0.5) -> bytes:
    place = int(len(content) * share)
    return patched(content, place, bytes([content[place] ^ 4]))


def cut(content: bytes, share: float = 0.5) -> bytes:
    return content[: int(len(content) * share)]


def pages(content: bytes) -> list[bytes]:
    """The pages of an Ogg file, by the sizes that they say."""
    found, at = [], 0
    while at < len(content):
        lacing = content[at + 27 : at + 27 + content[at + 26]]
        size = 27 + len(lacing) + sum(lacing)
        found.append(content[at : at + size])
        at += size
    return found


def id3(size: int) -> bytes:
    """An ID3v2 tag with a picture of `size` bytes, which look like frames."""
    body = b"APIC" + struct.pack(">I", size) + b"\0\0" + (b"\xff\xfb\x90\x64" * size)[:size]
    return b"ID3\3\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


def at_tag(content: bytes) -> int:
    return re.search(rb"Xing|Info", content).start()


def without_tag(content: bytes) -> bytes:
    """An MP3 file of lame without the frame that holds its tag."""
    from genvae.audio.mp3 import header

    return content[header(content[:4]).size :]


def with_vbri(content: bytes) -> bytes:
    """The same with a tag of Fraunhofer's encoder, which stands 32 bytes behind the header."""
    from genvae.audio.mp3 import header

    head = header(content[:4])
    count = int.from_bytes(content[at_tag(content) + 8 :][:4])
    tag = b"VBRI" + bytes((0, 1, 0, 0, 0, 75)) + struct.pack(">II", len(content), count) + bytes(8)
    return (content[:4] + bytes(32) + tag).ljust(head.size, b"\0") + content[head.size :]


def with_junk(content: bytes) -> bytes:
    """An MP3 file with some bytes of no meaning behind every hundredth frame."""
    from genvae.audio.mp3 import header

    frames, at = [], 0
    while head := header(content[at : at + 4]):
        frames.append(content[at : at + head.size] + (b"\xaa" * 26 if len(frames) % 100 == 99 else b""))
        at += head.size
    return b"".join(frames)


def cancelling() -> np.ndarray:
    return music()[:, None] * np.array([1.0, -1.0])


def half_cancelling() -> np.ndarray:
    wave = stereo().copy()
    wave[: 4 * RATE, 1] = -wave[: 4 * RATE, 0]
    return wave


Make = Callable[[Maker], bytes]
ODDITIES: list[tuple[str, str, str, Make]] = [
    # what it is called in the table, what is odd, suffix, how it is made
    ("wav", "16 bits", "wav", lambda m: m.wav()),
    ("wav", "24 bits", "wav", lambda m: m.wav(subtype="PCM_24")),
    ("wav", "32-bit float", "wav", lambda m: m.wav(subtype="FLOAT")),
    (
        "wav",
        "written to a pipe: sizes all ones",
        "wav",
        lambda m: patched(patched(m.wav(), 4, b"\xff" * 4), 40, b"\xff" * 4),
    ),
    ("wav", "left by a crash: data size 0", "wav", lambda m: patched(m.wav(), 40, bytes(4))),
    ("wav", "left by a crash: both sizes 0", "wav", lambda m: patched(patched(m.wav(), 4, bytes(4)), 40, bytes(4))),
    ("wav", "RIFF size 0", "wav", lambda m: patched(m.wav(), 4, bytes(4))),
    (
        "wav",
        "data size 6 bytes too large",
        "wav",
        lambda m: patched(m.wav(), 40, struct.pack("<I", len(m.wav()) - 44 + 6)),
    ),
    ("wav", "cut short", "wav", lambda m: cut(m.wav())),
    ("wav", "MP3 inside", "wav", lambda m: m.ffmpeg("wav", "-c:a", "libmp3lame", "-b:a", "128k")),
    ("wav", "two files joined", "wav", lambda m: m.wav() + m.wav(music(seed=1), 48000)),
    ("wav", "channels cancel in mono", "wav", lambda m: m.wav(cancelling())),
    ("wav", "channels cancel for 4 s", "wav", lambda m: m.wav(half_cancelling())),
    ("wav", "integers stored as floats", "wav", lambda m: m.wav(32767 * stereo(), subtype="FLOAT")),
    ("wav", "square wave at full scale", "wav", lambda m: m.wav(np.sign(music()))),
    (
        "wav",
        "NaN in two seconds",
        "wav",
        lambda m: m.wav(np.where(np.arange(SECONDS * RATE) // RATE % 5 == 2, np.nan, music()), subtype="FLOAT"),
    ),
    (
        "wav",
        "24 bits, six channels, extensible",
        "wav",
        lambda m: m.wav(np.tile(music()[:, None], (1, 6)), format="WAVEX", subtype="PCM_24"),
    ),
    ("wav", "ADPCM inside", "wav", lambda m: m.wav(subtype="IMA_ADPCM")),
    ("wav", "ADPCM inside, cut short", "wav", lambda m: cut(m.wav(subtype="IMA_ADPCM"))),
    ("wav", "GSM inside", "wav", lambda m: m.wav(music()[:80000], 8000, subtype="GSM610")),
    ("wav", "a text chunk of odd size behind the sound", "wav", lambda m: m.wav() + b"LIST\5\0\0\0INFOx\0"),
    ("wav", "AAC inside, named .wav", "wav", lambda m: m.ffmpeg("m4a", "-c:a", "aac")),
    ("wav", "text", "wav", lambda m: b"These are the notes on this recording.\n" * 99),
    ("wav", "empty", "wav", lambda m: b""),
    ("flac", "plain", "flac", lambda m: m.flac()),
    ("flac", "written to a pipe: no length", "flac", lambda m: m.ffmpeg_pipe("flac")),
    ("flac", "ID3 tag in front", "flac", lambda m: id3(50_000) + m.flac()),
    ("flac", "one bit flipped", "flac", lambda m: flipped(m.flac())),
    ("flac", "20 kB of zeros", "flac", lambda m: patched(m.flac(), len(m.flac()) // 2, bytes(20_000))),
    ("flac", "cut short", "flac", lambda m: cut(m.flac())),
    ("flac", "two files joined", "flac", lambda m: m.flac() + m.flac()),
    ("flac", "joined, other rate and channels", "flac", lambda m: m.flac() + m.flac(wave=m.wav(music(seed=1), 48000))),
    ("Ogg Vorbis", "plain", "ogg", lambda m: m.vorbis()),
    ("Ogg Vorbis", "one bit flipped", "ogg", lambda m: flipped(m.vorbis())),
    ("Ogg Vorbis", "a page missing", "ogg", lambda m: b"".join((p := pages(m.vorbis()))[:9] + p[10:])),
    ("Ogg Vorbis", "cut short", "ogg", lambda m: cut(m.vorbis())),
    ("Ogg Vorbis", "chained", "ogg", lambda m: m.vorbis("-s", "1") + m.vorbis("-s", "2")),
    (
        "Ogg Vorbis",
        "chained, other rate and channels",
        "ogg",
        lambda m: m.vorbis("-s", "1") + m.vorbis("-s", "2", wave=m.wav(music(seed=1), 48000)),
    ),
    ("Ogg FLAC", "plain", "oga", lambda m: m.ffmpeg("oga", "-c:a", "flac")),
    ("Opus", "plain", "opus", lambda m: m.opus()),
    ("Opus", "one bit flipped", "opus", lambda m: flipped(m.opus())),
    ("Opus", "cut short", "opus", lambda m: cut(m.opus())),
    ("Opus", "chained", "opus", lambda m: m.opus("--serial", "1") + m.opus("--serial", "2")),
    ("MP3", "constant bit rate", "mp3", lambda m: m.lame("-b", "128")),
    ("MP3", "constant bit rate, no tag", "mp3", lambda m: m.lame("-t", "-b", "128")),
    ("MP3", "variable bit rate", "mp3", lambda m: m.lame("-V", "3")),
    ("MP3", "`lame - -`: no count of frames", "mp3", lambda m: m.lame("-V", "3", pipe=True)),
    ("MP3", "`ffmpeg -f mp3 -`: no count of frames", "mp3", lambda m: m.ffmpeg_pipe("mp3", "-q:a", "3")),
    ("MP3", "the tag tells of 0 frames", "mp3", lambda m: patched(c := m.lame("-V", "3"), at_tag(c) + 8, bytes(4))),
    (
        "MP3",
        "the tag tells of half the frames",
        "mp3",
        lambda m: patched(c := m.lame("-V", "3"), at_tag(c) + 8, struct.pack(">I", 190)),
    ),
    ("MP3", "VBRI tag", "mp3", lambda m: with_vbri(m.lame("-V", "3"))),
    (
        "MP3",
        "variable, 4 s of silence first, no tag",
        "mp3",
        lambda m: without_tag(m.lame("-V", "3", wave=m.wav(np.concatenate([np.zeros(4 * RATE), music(6)])))),
    ),
    ("MP3", "cover image of 300 kB", "mp3", lambda m: id3(300_000) + m.lame("-t", "-b", "128")),
    (
        "MP3",
        "ID3v1 and APE tags behind",
        "mp3",
        lambda m: (
            m.lame("-t", "-b", "128")
            + b"APETAGEX"
            + struct.pack("<IIII", 2000, 64, 0, 0)
            + bytes(8 + 1968)
            + b"APETAGEX"
            + bytes(24)
            + b"TAG"
            + bytes(125)
        ),
    ),
    ("MP3", "two files joined", "mp3", lambda m: m.lame("-V", "3") + m.lame("-b", "128")),
    (
        "MP3",
        "joined, other rate and channels",
        "mp3",
        lambda m: m.lame("-V", "3") + m.lame("-m", "m", wave=m.wav(music(seed=1), 48000)),
    ),
    ("MP3", "3 kB of zeros", "mp3", lambda m: patched(c := m.lame("-V", "3"), len(c) // 2, bytes(3000))),
    ("MP3", "cut short", "mp3", lambda m: cut(m.lame("-V", "3"))),
    ("MP3", "cut short, no tag", "mp3", lambda m: cut(m.lame("-t", "-b", "128"), 0.47)),
    ("MP3", "26 bytes of junk between frames", "mp3", lambda m: with_junk(m.lame("-t", "-b", "128"))),
    (
        "MP3",
        "mono, 16 kHz, no count of frames",
        "mp3",
        lambda m: m.lame("-V", "5", "-m", "m", "--resample", "16", pipe=True),
    ),
    ("MP3", "free format", "mp3", lambda m: m.lame("--freeformat", "-b", "200")),
    ("MP3", "named .wav", "wav", lambda m: m.lame("-V", "3")),
    ("MP3", "random bytes", "mp3", lambda m: np.random.default_rng(0).bytes(200_000)),
    ("AIFF", "plain", "aiff", lambda m: m.written("aiff", subtype="PCM_16")),
    (
        "AIFF",
        "sizes 0",
        "aiff",
        lambda m: patched(
            patched(c := m.written("aiff", subtype="PCM_16"), c.find(b"SSND") + 4, struct.pack(">I", 8)),
            c.find(b"COMM") + 10,
            bytes(4),
        ),
    ),
    ("AIFF", "cut short", "aiff", lambda m: cut(m.written("aiff", subtype="PCM_16"))),
    ("AU", "plain", "au", lambda m: m.written("au", subtype="PCM_16")),
    ("AU", "data size 0", "au", lambda m: patched(m.written("au", subtype="PCM_16"), 8, bytes(4))),
    (
        "AU",
        "written to a pipe: size all ones",
        "au",
        lambda m: patched(m.written("au", subtype="PCM_16"), 8, b"\xff" * 4),
    ),
    ("AU", "cut short", "au", lambda m: cut(m.written("au", subtype="PCM_16"))),
    ("AU", "random bytes", "au", lambda m: np.random.default_rng(0).bytes(200_000)),
    ("W64", "plain", "w64", lambda m: m.written("w64", subtype="PCM_16")),
    ("W64", "cut short", "w64", lambda m: cut(m.written("w64", subtype="PCM_16"))),
    ("RF64", "plain", "rf64", lambda m: m.written("rf64", format="RF64", subtype="PCM_16")),
    ("RF64", "cut short", "rf64", lambda m: cut(m.written("rf64", format="RF64", subtype="PCM_16"))),
    ("CAF", "plain", "caf", lambda m: m.written("caf", subtype="PCM_16")),
    (
        "CAF",
        "written to a pipe: size -1",
        "caf",
        lambda m: patched(c := m.written("caf", subtype="PCM_16"), c.find(b"data") + 4, b"\xff" * 8),
    ),
    ("CAF", "cut short", "caf", lambda m: cut(m.written("caf", subtype="PCM_16"))),
    ("m4a", "plain", "m4a", lambda m: m.ffmpeg("m4a", "-c:a", "aac")),
    (
        "m4a",
        "4 kB damaged",
        "m4a",
        lambda m: patched(c := m.ffmpeg("m4a", "-c:a", "aac"), len(c) // 2, np.random.default_rng(0).bytes(4000)),
    ),
    ("m4a", "cut short", "m4a", lambda m: cut(m.ffmpeg("m4a", "-c:a", "aac", "-movflags", "faststart"))),
    ("aac", "plain", "aac", lambda m: m.ffmpeg("aac", "-c:a", "aac")),
    ("webm", "Opus inside", "webm", lambda m: m.ffmpeg("webm", "-c:a", "libopus")),
    ("wma", "plain", "wma", lambda m: m.ffmpeg("wma", "-c:a", "wmav2")),
    (
        "video",
        "its sound track",
        "mp4",
        lambda m: m.ffmpeg("mp4", "-f", "lavfi", "-i", "color=size=64x64:duration=10:rate=5", "-c:a", "aac"),
    ),
]
