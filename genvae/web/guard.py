"""What every request must pass and every answer carries: known hosts, bodies of a bounded size, a strict policy."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("localhost", "127.0.0.1", "::1")
"""Names of this machine."""

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ]
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer says: nothing from elsewhere, no inline script, and no other site may embed it."""


class Guard:
    """ASGI middleware around the whole application.

    A page elsewhere can make a browser send requests here, or let its own name resolve to this machine: so the Host
    must be one of `hosts`, and so must the Origin, where there is one.

    Args:
        app: what it guards.
        hosts: names that the server goes by, without ports; `*` takes any.
        limit: bytes that the body of a request to a path may have.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], limit: Callable[[str], int]) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        limit = self._limit(scope["path"])
        if not self._knows(headers.get("host", "")):
            await _refuse(guarded, 421, "This server does not go by that name. Allow it with --allow-host.")
        elif (origin := headers.get("origin")) is not None and not self._knows(urlsplit(origin).netloc):
            await _refuse(guarded, 403, "Requests from pages of other sites are refused.")
        elif _declared(headers) > limit:
            await _refuse(guarded, 413, _too_large(limit))
        else:
            await self._app(scope, _counted(receive, limit), guarded)

    def _knows(self, netloc: str) -> bool:
        """Whether `name:port` is one of ours."""
        try:
            name = urlsplit(f"//{netloc}").hostname
        except ValueError:
            return False
        return "*" in self._hosts or (name or "") in self._hosts


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _too_large(limit: int) -> str:
    return f"That is too large: at most {limit / 2**20:g} MiB are taken."


def _counted(receive: Receive, limit: int) -> Receive:
    """The same, but a body that goes on beyond the limit, whatever it declared, ends in an error."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


async def _refuse(send: Send, status: int, why: str) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
