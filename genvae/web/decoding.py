"""A process that decodes one uploaded sound under limits of time and memory: `python -m genvae.web.decoding`.

It writes mono 16-bit samples to standard output and one line of JSON to standard error. A file from a
stranger may crash a decoder or make it run wild; here it takes nothing with it. It reads with libsndfile alone.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

CPU_SECONDS = 10
MEMORY = 1 << 30  # bytes of address space; the libraries take about a third of it


def main(path: str, sample_rate: str, seconds: str) -> int:
    """Decode the first `seconds` of a file at `sample_rate` Hz; the status is 0 when there is a sound."""
    _limit()
    import numpy as np

    from genvae.audio.decode import SoundfileStream
    from genvae.clips.chop import Chopper
    from genvae.errors import AudioError

    rate = int(sample_rate)
    wanted = round(float(seconds) * rate)
    parts, got = [], 0
    try:
        with SoundfileStream(Path(path)) as stream:
            chopper = Chopper(stream, sample_rate=rate, clip_samples=1024)
            for part in chopper:
                parts.append(part)
                got += part.samples.size
                if got > wanted:
                    break
            samples = min(round(chopper.frames * rate / stream.sample_rate), wanted)
    except AudioError:  # of a damaged file libsndfile says, among other things, that it does not exist
        return _fail("It can't be read: it is no wav, flac, mp3, ogg or aiff file, or its beginning is damaged.")
    if not samples:
        return _fail(f"There is no sound in it{f': {chopper.error}' if chopper.error else ''}.")
    if not all(part.finite.all() for part in parts):
        return _fail("It holds samples that are not finite numbers.")
    pcm = np.concatenate([part.samples.ravel() for part in parts])[:samples]
    sys.stdout.buffer.write(pcm.astype("<i2").tobytes())
    sys.stdout.buffer.flush()
    print(json.dumps({"longer": got > wanted, "error": str(chopper.error or "")}), file=sys.stderr)
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
