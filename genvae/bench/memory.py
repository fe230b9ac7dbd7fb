"""What a call takes of memory, at most: what the system keeps resident for this process."""

from __future__ import annotations

import ctypes
import gc
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_STATUS, _FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_HIGHEST = "5"  # what written into the latter forgets: the highest resident size so far (proc(5))


@contextmanager
def peak() -> Iterator[Callable[[], float | None]]:
    """Within, the highest resident size is watched; gives what tells, after it, by how many MB it rose.

    What the process has freed but keeps for later goes back to the system before: it would hide what is taken anew. The
    rise is None where the system doesn't tell, which only Linux does.
    """
    rise: float | None = None
    _release()
    before = _read("VmRSS") if _forget() else None
    try:
        yield lambda: rise
    finally:
        highest = _read("VmHWM")
        if before is not None and highest is not None:
            rise = max(0.0, highest - before)


def _release() -> None:
    """Give freed memory back, as far as the C library can."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None  # glibc's alone
    if trim is not None:
        trim(0)


def _forget() -> bool:
    try:
        _FORGET.write_text(_HIGHEST, encoding="ascii")
    except OSError:
        return False
    return True


def _read(field: str) -> float | None:
    """A size of this process in MB."""
    try:
        status = _STATUS.read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    found = re.search(rf"^{field}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 / 1e6 if found else None
