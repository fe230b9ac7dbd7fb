"""A process that decodes one uploaded sound under limits of time and memory: `python -m genvae.web.decoding`.

It writes mono 16-bit samples to standard output and one line of JSON to standard error. A file from a
stranger may crash a decoder or make it run wild; here it takes nothing with it. It reads with libsndfile alone.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path

CPU_SECONDS = 10
MEMORY = 1 << 30  # bytes of address space; the libraries take about a third of it


def main(path: str, sample_rate: str, seconds: str) -> int:
    """Decode the first `seconds` of a file at `sample_rate` Hz; the status is 0 when there is a sound."""
    _limit()
    from genvae.audio.decode import SoundfileStream
    from genvae.audio.read import read_mono
    from genvae.errors import AudioError

    try:
        sound = read_mono(partial(SoundfileStream, Path(path)), int(sample_rate), seconds=float(seconds))
    except AudioError:  # of a damaged file libsndfile says, among other things, that it does not exist
        return _fail("It can't be read: it is no wav, flac, mp3, ogg or aiff file, or its beginning is damaged.")
    pcm = (sound.wave * 32768).astype("<i2")
    sys.stdout.buffer.write(pcm.tobytes())
    sys.stdout.buffer.flush()
    note = "; ".join(filter(None, (sound.shortfall, *sound.remarks)))
    print(json.dumps({"longer": sound.longer, "note": note}), file=sys.stderr)
    return 0


def _fail(why: str) -> int:
    print(json.dumps({"why": why}), file=sys.stderr)
    return 1


def _limit() -> None:
    with suppress(ImportError, OSError, ValueError):  # other systems have the time limit of the parent alone
        import resource

        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
