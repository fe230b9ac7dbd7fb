"""What every request must pass and every answer carries: who may ask, bodies of a bounded size, a strict policy."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("localhost", "127.0.0.1", "::1")
"""Names of this machine."""

_COOKIE = "genvae-token"
_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
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


class Admission:
    """ASGI middleware around the whole application.

    A page elsewhere can make a browser send requests here, or let its own name resolve to this machine. So the Host
    must be one of `hosts` or the address at which the request arrived, and so must the Origin, where there is one; and
    a browser that says that another site asks (Sec-Fetch-Site) is answered only where a person follows a link to a
    page.

    Args:
        app: what it stands before.
        hosts: names that the server goes by, without ports; `*` takes any.
        limit: bytes that the body of a request to a path may have.
        token: what every request must bring: once as `?token=` in a page's address, then in a cookie, or as a bearer
            token; None asks for none.
    """

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str], limit: Callable[[str], int], token: str | None = None
    ) -> None:
        self._app = app
        self._hosts = {host.lower() for host in hosts}
        self._limit = limit
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if (refusal := self._refusal(scope)) is not None:
            await _refuse(with_headers, *refusal)
        elif (location := self._with_cookie(scope)) is not None:
            cookie = f"{_COOKIE}={self._token}; HttpOnly; SameSite=Lax; Path=/"
            await _refuse(with_headers, 303, "The token is kept.", {"Location": location, "Set-Cookie": cookie})
        else:
            await self._app(scope, _counted(receive, self._limit(scope["path"])), with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Why a request is not answered: a status and a sentence."""
        headers = Headers(scope=scope)
        address = (scope.get("server") or ("",))[0]
        limit = self._limit(scope["path"])
        if not self._knows(headers.get("host", ""), address):
            return 421, "This server does not go by that name. Allow it with --allow-host."
        if (origin := headers.get("origin")) is not None and not self._knows(urlsplit(origin).netloc, address):
            return 403, "Requests from pages of other sites are refused."
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not _follows_link(scope, headers):
            return 403, "Requests from pages of other sites are refused."
        if self._token is not None and not secrets.compare_digest(
            _token(scope, headers).encode(), self._token.encode()
        ):
            return 401, "This server wants its token. Open the address that genvae serve said when it started."
        if _declared(headers) > limit:
            return 413, _too_large(limit)
        return None

    def _with_cookie(self, scope: Scope) -> str | None:
        """Where a page is without the token in its address, so that neither a bookmark nor a screen tells it."""
        parameters = dict(parse_qsl(scope["query_string"].decode("latin-1")))
        if self._token is None or "token" not in parameters or scope["path"].startswith("/api/"):
            return None
        del parameters["token"]
        return "?" + urlencode(parameters) if parameters else scope["path"].rpartition("/")[2] or "."

    def _knows(self, netloc: str, address: str) -> bool:
        """Whether `name:port` is one of ours."""
        try:
            name = urlsplit(f"//{netloc}").hostname or ""
        except ValueError:
            return False
        return "*" in self._hosts or name in self._hosts or (name != "" and name == address)


def _follows_link(scope: Scope, headers: Headers) -> bool:
    """Whether a person comes from another site to a page of ours."""
    page = not scope["path"].startswith("/api/") and scope["method"] == "GET"
    return page and headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _token(scope: Scope, headers: Headers) -> str:
    """The token that a request brings, or an empty string."""
    kind, _, value = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    query: str = scope["query_string"].decode("latin-1")
    parameters = dict(parse_qsl(query))
    if "token" in parameters:
        return parameters["token"]
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
    except CookieError:
        return ""
    token: str = cookie.value if cookie else ""
    return token


def _declared(headers: Headers) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isdecimal() else 0


def _too_large(limit: int) -> str:
    return f"That is too large: at most {limit / 2**20:g} MiB are taken."


def _counted(receive: Receive, limit: int) -> Receive:
    """The same, but a body that goes on beyond the limit, whatever it declared, ends in an error."""
    size = 0

    async def counted() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counted


async def _refuse(send: Send, status: int, why: str, more: Mapping[str, str] | None = None) -> None:
    body = json.dumps({"detail": why}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(body)), **(more or {})}
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
