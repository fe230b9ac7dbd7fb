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

from genvae.clips.chop import FULL_SCALE
from genvae.errors import AudioError
from genvae.web.worker import Busy

BYTES = 64 << 20
"""What an uploaded file may have."""
SECONDS = 10.0
"""How much of its beginning is taken."""

_AT_ONCE = 2
_BODY_SECONDS = 60  # for all of a body to arrive
_DECODE_SECONDS = 15
_KEPT = 4  # uploads remembered, as a page asks first where a file lies and then how it sounds


@dataclass(frozen=True)
class Upload:
    """A sound as the run hears it: [samples] in [-1, 1], mono, at the run's rate. note: what was left out, or empty."""

    wave: Tensor
    note: str


class Uploads:
    """Decodes what is uploaded, a few at once.

    Args:
        sample_rate: of what comes out, in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._now = 0
        self._recent: OrderedDict[bytes, Upload] = OrderedDict()

    async def take(self, request: Request) -> Upload:
        """The sound in a request's body.

        Raises:
            AudioError: it is no sound file, is damaged from the start, or asks for too much time or memory.
            Busy: others are being decoded.
        """
        if self._now >= _AT_ONCE:
            raise Busy(2)
        self._now += 1
        try:
            with tempfile.TemporaryDirectory(prefix="genvae-upload-") as folder:
                path = Path(folder) / "sound"  # the client has no say in it
                digest = await _receive(request, path)
                if digest not in self._recent:
                    self._recent[digest] = await _decode(path, self._rate)
                self._recent.move_to_end(digest)
                while len(self._recent) > _KEPT:
                    self._recent.popitem(last=False)
                return self._recent[digest]
        finally:
            self._now -= 1


async def _receive(request: Request, path: Path) -> bytes:
    """Write a request's body to a file; its digest."""
    hashed = hashlib.blake2b(digest_size=16)
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            with path.open("wb") as file:
                async for block in request.stream():
                    hashed.update(block)
                    file.write(block)
    except (TimeoutError, ClientDisconnect) as error:
        raise AudioError("The file did not arrive.") from error
    return hashed.digest()


async def _decode(path: Path, rate: int) -> Upload:
    """Decode a file under limits.

    Raises:
        AudioError: saying why it could not be done.
    """
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each thread takes memory
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "genvae.web.decoding", str(path), str(rate), str(SECONDS)],
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env=environment,
    )  # fmt: skip
    try:
        async with asyncio.timeout(_DECODE_SECONDS):
            pcm, told = await process.communicate()
    except TimeoutError as error:
        raise AudioError(f"It could not be decoded within {_DECODE_SECONDS} s.") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    try:
        said = json.loads(told.splitlines()[-1])
    except (IndexError, ValueError) as error:  # it crashed, or ran into one of its limits
        raise AudioError("It could not be decoded: it is damaged, or would take too much time or memory.") from error
    if "why" in said:
        raise AudioError(str(said["why"]))
    notes = [f"Only its first {SECONDS:g} s were taken."] if said["longer"] else []
    notes += [f"Note: {said['told']}."] if said["told"] else []
    return Upload(torch.from_numpy(np.frombuffer(pcm, "<i2").astype(np.float32) / FULL_SCALE), " ".join(notes))
