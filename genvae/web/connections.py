"""The connections of the server: few enough for the system, none that dawdles, and an end that is quick and quiet."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from genvae.web.worker import ModelWorker

MOST = 512
"""Connections at once, where the system's limit of open files allows as many."""

_RESERVED = 96  # files that the server needs for other things, among them connections that make room for others
_WAITING = 128  # connections that the system holds until the server takes them
_AT_ONCE = 8  # of which the server takes so many before it looks at them: up to three times as many are open unseen
_HEAD_SECONDS = 10.0  # for the head of a request to arrive, once the connection is there or its first byte has come
_EXCHANGE_SECONDS = 180.0  # for a whole request and its answer
_REST_BYTES = 1 << 20  # of a body whose request has its answer already; where more comes, nothing is read any more
_REST_SECONDS = 2.0  # for the client to read that answer, before the connection is ended
_IDLE_SECONDS = 15  # between a request and the next one
_GRACE_SECONDS = 1.0  # for answers that are under way when the server is stopped


def most_connections() -> int:
    """How many connections are taken at once on this system."""
    with suppress(ImportError):  # other systems have no such limit
        import resource

        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        if files != resource.RLIM_INFINITY:
            return max(8, min(MOST, files - _RESERVED))
    return MOST


class Connection(H11Protocol):
    """One connection, which ends when its client takes too long.

    Where there are too many, the one that has been idle for the longest makes room; where none is idle, the new one is
    closed at once. A client that opens connections and says nothing therefore shuts nobody out. Nor does one whose
    body was refused and goes on all the same: it may end what is short, so that the connection can be used again.
    """

    _timer: asyncio.TimerHandle | None = None
    _rest = 0  # bytes
    _idle_since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a new connection."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        if len(self.connections) > most_connections() and not self._make_room():
            transport.abort()
            return
        self._allow(_HEAD_SECONDS)

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        before = self._answering
        super().data_received(data)
        if self._answering and not before:
            self._allow(_EXCHANGE_SECONDS)
        elif not self._answering and self._timer is None:
            self._allow(_HEAD_SECONDS)
        if before or self._answering or self.conn.their_state is not h11.SEND_BODY:
            self._rest = 0
            return
        self._rest += len(data)
        if self._rest > _REST_BYTES and not self.flow.read_paused:
            self.flow.pause_reading()
            self._allow(_REST_SECONDS)

    def on_response_complete(self) -> None:
        """Wait for the next request, or begin with one that has come already."""
        self._allow(None)
        self._idle_since = self.loop.time()
        super().on_response_complete()
        if self._answering:
            self._allow(_EXCHANGE_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._allow(None)
        super().connection_lost(exc)

    @property
    def _answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle  # which uvicorn declares as if it were always there
        return cycle is not None and not cycle.response_complete

    def _allow(self, seconds: float | None) -> None:
        """End the connection after so many seconds, in place of what was said before; None is for ever."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)

    def _make_room(self) -> bool:
        others = [each for each in self.connections if isinstance(each, Connection) and each is not self]
        idle = [each for each in others if not each._answering and not each.transport.is_closing()]
        if not idle:
            return False
        min(idle, key=lambda each: each._idle_since).transport.abort()
        return True


class Server(uvicorn.Server):
    """A server whose end lets no work wait for its turn."""

    def __init__(self, config: uvicorn.Config, worker: ModelWorker) -> None:
        super().__init__(config)
        self._worker = worker

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen.

        asyncio knows one number for how many connections may wait and how many it accepts in one go. Those that it has
        just accepted are not counted yet: they must be few, or a crowd passes the system's limit of open files.
        """
        await super().startup(sockets)
        for each in sockets or ():
            each.listen(_WAITING)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what waits, give what is under way a moment, and end."""
        self._worker.stop()
        asyncio.get_running_loop().call_later(_GRACE_SECONDS, self._abort)
        await super().shutdown(sockets)

    def _abort(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def server(app: object, worker: ModelWorker) -> Server:
    """The server of an application that logs nothing but faults of its own."""
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # any ASGI application
        http=Connection,
        ws="none",
        backlog=_AT_ONCE,
        log_level="error",
        access_log=False,
        server_header=False,
        timeout_keep_alive=_IDLE_SECONDS,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_fault)
    return Server(config, worker)


def _is_fault(record: logging.LogRecord) -> bool:
    """Whether a record tells of more than a request that was cut off at the end."""
    error = (record.exc_info or (None, None, None))[1]
    return not isinstance(error, asyncio.CancelledError)
