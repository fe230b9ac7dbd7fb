"""Takes a sound file as the raw body of a request and has it decoded in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import sys
import tempfile
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from starlette.requests import ClientDisconnect, Request
from torch import Tensor

from genvae.errors import AudioError
from genvae.items import FULL_SCALE
from genvae.web.worker import Abandoned, Busy

BYTES = 64 << 20
"""What an uploaded file may have."""
SECONDS = 10.0
"""How much of its beginning is taken."""

_ARRIVING = 16  # files that may arrive at once
_DECODED = 2  # files that are decoded at once; others wait
_BODY_SECONDS = 60.0  # for all of a body to arrive
_SLOWEST = 16 << 10  # bytes a second
_GRACE = 5.0  # seconds before a body is called slow
_DECODE_SECONDS = 15
_KEPT = 8  # uploads remembered, as a page asks first where a file lies and then how it sounds


@dataclass(frozen=True)
class Upload:
    """A sound as the run hears it.

    Attributes:
        wave: [samples] in [-1, 1], mono, at the run's rate.
        note: what was left out, or empty.
        digest: of the file; by it the upload can be asked for again.
    """

    wave: Tensor
    note: str
    digest: str


class Uploads:
    """Decodes what is uploaded, a few at once, and remembers the last ones.

    Args:
        sample_rate: of what comes out, in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._arriving = 0
        self._decoders = asyncio.Semaphore(_DECODED)
        self._recent: OrderedDict[str, Upload] = OrderedDict()

    def recall(self, digest: str) -> Upload:
        """One that came not long ago.

        Raises:
            AudioError: it is no longer remembered.
        """
        if digest not in self._recent:
            raise AudioError("That file is no longer remembered here: send it again.")
        self._recent.move_to_end(digest)
        return self._recent[digest]

    async def take(self, request: Request) -> Upload:
        """The sound in a request's body.

        Raises:
            AudioError: it is no sound file, is damaged from the start, or asks for too much time or memory.
            Busy: too many others are arriving.
            Abandoned: the client has gone.
        """
        if self._arriving >= _ARRIVING:
            raise Busy(2)
        self._arriving += 1
        try:
            with tempfile.TemporaryDirectory(prefix="genvae-upload-") as folder:
                path = Path(folder) / "sound"  # the client has no say in it
                digest = await _receive(request, path)
                if digest not in self._recent:
                    async with self._decoders:
                        wave, note = await _decode(path, self._rate)
                    self._recent[digest] = Upload(wave, note, digest)
        finally:
            self._arriving -= 1
        while len(self._recent) > _KEPT:
            self._recent.popitem(last=False)
        return self.recall(digest)


async def _receive(request: Request, path: Path) -> str:
    """Write a request's body to a file; its digest."""
    hashed = hashlib.blake2b(digest_size=16)
    size, began = 0, asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(_GRACE) as limit:
            with path.open("wb") as file:
                async for block in request.stream():
                    hashed.update(block)
                    file.write(block)
                    size += len(block)
                    # What has come buys time for the rest: who dawdles is cut off long before the limit for all.
                    limit.reschedule(began + min(_BODY_SECONDS, _GRACE + size / _SLOWEST))
    except TimeoutError as error:
        raise AudioError("The file did not arrive: it came too slowly.") from error
    except ClientDisconnect as error:
        raise Abandoned from error
    return hashed.hexdigest()


async def _decode(path: Path, rate: int) -> tuple[Tensor, str]:
    """Decode a file under limits: [samples], and what was left out.

    Raises:
        AudioError: saying why it could not be done.
    """
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each thread takes memory
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *["-m", "genvae.web.decoding", str(path), str(rate), str(SECONDS)],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        async with asyncio.timeout(_DECODE_SECONDS):
            pcm, report = await process.communicate()
    except TimeoutError as error:
        raise AudioError(f"It could not be decoded within {_DECODE_SECONDS} s.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        result = json.loads(report.splitlines()[-1])
    except (IndexError, ValueError) as error:  # it crashed, or ran into one of its limits
        raise AudioError("It could not be decoded: it is damaged, or would take too much time or memory.") from error
    if "why" in result:
        raise AudioError(str(result["why"]))
    notes = [f"Only its first {SECONDS:g} s were taken."] if result["longer"] else []
    notes += [f"Note: {result['note']}."] if result["note"] else []
    return torch.from_numpy(np.frombuffer(pcm, "<i2").astype(np.float32) / FULL_SCALE), " ".join(notes)
