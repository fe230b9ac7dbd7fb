"""The files of the page, read once: a name that is not among them is not looked for on the disk."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from genvae.web.caching import is_known

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".js": "text/javascript; charset=utf-8",
}
_AT = {"api.html": "/api", "listen.html": "/listen"}
_DAY = "public, max-age=86400"


@dataclass(frozen=True)
class StaticContent:
    """Bytes that are sent whole, compressed where that helps, and only where the browser has not got them already.

    Attributes:
        content: as they are.
        media_type: what they are.
        cache: what a browser may do with them: by default ask each time whether they are the same.
        tag: changes when they do.
        packed: compressed with gzip.
    """

    content: bytes
    media_type: str
    cache: str = "no-cache"
    tag: str = field(init=False)
    packed: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "tag", f'"{hashlib.blake2b(self.content, digest_size=8).hexdigest()}"')
        object.__setattr__(self, "packed", gzip.compress(self.content, mtime=0))

    def answer(self, request: Request) -> Response:
        """The answer to a request for them."""
        headers = {"ETag": self.tag, "Cache-Control": self.cache, "Vary": "Accept-Encoding"}
        if is_known(request, self.tag):
            return Response(status_code=304, headers=headers)
        if len(self.packed) < len(self.content) and "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(self.packed, media_type=self.media_type, headers=headers)
        return Response(self.content, media_type=self.media_type, headers=headers)

    async def endpoint(self, request: Request) -> Response:
        """The same, as an endpoint."""
        return self.answer(request)


def routes(home: str = "index.html") -> list[Route]:
    """A route for each file of the page; `home` is the one at the server's root."""
    root = Path(__file__).parent / "static"
    page_routes = []
    for path in sorted(root.rglob("*.*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in _TYPES:  # a vendored library's licence
            continue
        content = StaticContent(path.read_bytes(), _TYPES[path.suffix], _DAY if path.suffix == ".svg" else "no-cache")
        page_routes.append(
            Route("/" if name == home else _AT.get(name, f"/{name}"), content.endpoint, methods=["GET", "HEAD"])
        )
    return page_routes
