"""The application: the API and the page behind the admission of requests, with every error as one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError
from starlette.exceptions import HTTPException

import genvae
from genvae.errors import GenvaeError
from genvae.web import designs, listening_routes, pages, routes
from genvae.web.admission import LOCAL, Admission
from genvae.web.engine import Engine
from genvae.web.listening import Listening
from genvae.web.uploads import BYTES
from genvae.web.votes import Votes
from genvae.web.worker import Abandoned, Busy, Lost, ModelWorker, Stopping

_JSON_BYTES = 1 << 20
_TAKE_FILES = ("/api/place", "/api/reconstruct")


def create_app(
    engines: Sequence[Engine],
    *,
    listening: Listening | None = None,
    hosts: Collection[str] = LOCAL,
    token: str | None = None,
    worker: ModelWorker | None = None,
) -> Admission:
    """The server of some runs as an ASGI application.

    Args:
        engines: a run each; the first is the one that is used where none is asked for.
        listening: the listening test; by default one of the runs alone, whose votes are kept in memory.
        hosts: names that it may be asked by; `*` takes any.
        token: what every request must bring; None asks for none.
        worker: what computes; closed when the application ends.

    Raises:
        GenvaeError: some of the runs make sounds, and some do not.
    """
    worker = worker or ModelWorker()
    sounds = all(each.makes_sounds for each in engines)
    if not sounds and any(each.makes_sounds for each in engines):
        raise GenvaeError("Some of these runs make sounds and some do not: serve them apart, each on a `port`.")
    test = listening or Listening(engines, None, Votes())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        measuring = [asyncio.create_task(worker.idle(each.measure)) for each in engines]
        yield
        for task in measuring:
            task.cancel()
        worker.close()

    app = FastAPI(
        title="genvae",
        version=genvae.__version__,
        description="New sounds by genre, and the map of where they lie.",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        routes=list(pages.routes("index.html" if sounds else "designs.html")),
    )
    by_digest = {each.digest: each for each in engines}
    app.include_router(routes.router(by_digest, worker, public=token is None))
    if not sounds:
        app.include_router(designs.router(by_digest, worker))
    app.include_router(routes.lesson_pages(by_digest, worker))
    app.include_router(listening_routes.router(test, worker))
    app.add_exception_handler(Busy, _busy)
    app.add_exception_handler(Lost, _lost)
    app.add_exception_handler(Stopping, _stopping)
    app.add_exception_handler(Abandoned, _abandoned)
    app.add_exception_handler(GenvaeError, _refused)
    app.add_exception_handler(HTTPException, _http)
    for invalid in (RequestValidationError, ValidationError):
        app.add_exception_handler(invalid, _invalid)
    limit = {path: BYTES for path in _TAKE_FILES}
    return Admission(app, hosts=hosts, limit=lambda path: limit.get(path, _JSON_BYTES), token=token)


async def _busy(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Busy)
    headers = {"Retry-After": str(error.retry_after)}
    return JSONResponse({"detail": "Too many sounds are being made. Try again soon."}, 503, headers)


async def _lost(_: Request, __: Exception) -> JSONResponse:
    why = "The process that was to make this has ended, and another is being started. Try again soon."
    return JSONResponse({"detail": why}, 503, {"Retry-After": "1"})


async def _stopping(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse({"detail": "The server is being stopped."}, 503, {"Connection": "close"})


async def _abandoned(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # which nobody reads


async def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 400)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """The first thing that is wrong, in a sentence."""
    assert isinstance(error, RequestValidationError | ValidationError)
    first = error.errors()[0]
    around = ("query", "body", "path", "sound")  # where a field stands, or which of two bodies it is of
    place = ".".join(str(part) for part in first["loc"] if part not in around)
    why = str(first["msg"]).removeprefix("Value error, ")
    return JSONResponse({"detail": f"{place}: {why}." if place else f"{why}."}, 422)
