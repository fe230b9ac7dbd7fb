"""The files of the page, read once: a name that is not among them is not looked for on the disk."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
          ".js": "text/javascript; charset=utf-8"}  # fmt: skip
_AT = {"index.html": "/", "api.html": "/api"}


@dataclass(frozen=True)
class _Page:
    content: bytes
    media_type: str
    tag: str

    async def __call__(self, request: Request) -> Response:
        headers = {"ETag": self.tag, "Cache-Control": "no-cache"}  # to be asked again, and answered "the same"
        if request.headers.get("if-none-match") == self.tag:
            return Response(status_code=304, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)


def routes() -> list[Route]:
    """A route for each file of the page."""
    found = []
    for path in sorted((Path(__file__).parent / "static").iterdir()):
        content = path.read_bytes()
        page = _Page(content, _TYPES[path.suffix], f'"{hashlib.blake2b(content, digest_size=8).hexdigest()}"')
        found.append(Route(_AT.get(path.name, f"/{path.name}"), page.__call__, methods=["GET", "HEAD"]))
    return found
