"""What a client or a proxy may keep of an answer: a sound of a run, a seed and its options never changes."""

from __future__ import annotations

import hashlib
import json

from starlette.requests import Request

FOR_EVER = "max-age=31536000, immutable"
"""A year, in which nobody need ask again."""
ASK_EACH_TIME = "no-cache"
"""Keep it, and ask each time whether it is still the same, which takes no computing."""


def tag(what: object) -> str:
    """The ETag of what is made from a description, a value of plain JSON.

    It is a weak one: another machine may round the last bits otherwise.
    """
    described = json.dumps(what, sort_keys=True).encode()
    return f'W/"{hashlib.blake2b(described, digest_size=12).hexdigest()}"'


def is_known(request: Request, etag: str) -> bool:
    """Whether whoever asks has got what has this tag."""
    known = [each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")]
    return etag.removeprefix("W/") in known or "*" in known
