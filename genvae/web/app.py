"""The application: the API and the page behind the guard, with every error as one sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import ValidationError
from starlette.exceptions import HTTPException

import genvae
from genvae.errors import GenvaeError
from genvae.web import pages, routes
from genvae.web.guard import LOCAL, Guard
from genvae.web.studio import Studio
from genvae.web.upload import BYTES
from genvae.web.worker import CAPACITY, Busy, ModelWorker

_JSON_BYTES = 1 << 20
_TAKE_FILES = ("/api/place", "/api/reconstruct")


def create_app(studio: Studio, *, hosts: Collection[str] = LOCAL, capacity: int = CAPACITY) -> Guard:
    """The server of a studio as an ASGI application.

    Args:
        hosts: names that it may be asked by; `*` takes any.
        capacity: how many requests may wait for the model or be served by it.
    """
    worker = ModelWorker(capacity)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        worker.close()

    app = FastAPI(
        title="genvae",
        version=genvae.__version__,
        description="New sounds by genre, and the map of where they lie.",
        docs_url=None,  # FastAPI's own pages load scripts from elsewhere
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        routes=list(pages.routes()),
    )
    app.include_router(routes.router(studio, worker))
    app.add_exception_handler(Busy, _busy)
    app.add_exception_handler(GenvaeError, _refused)
    app.add_exception_handler(HTTPException, _http)
    for invalid in (RequestValidationError, ValidationError):
        app.add_exception_handler(invalid, _invalid)
    return Guard(app, hosts=hosts, limit=lambda path: BYTES if path in _TAKE_FILES else _JSON_BYTES)


async def _busy(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Busy)
    headers = {"Retry-After": str(error.retry_after)}
    return JSONResponse({"detail": "Too many sounds are being made. Try again soon."}, 503, headers)


async def _refused(_: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, 400)


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, error.headers)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    """The first thing that is wrong, in a sentence."""
    assert isinstance(error, RequestValidationError | ValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("query", "body"))
    why = str(first["msg"]).removeprefix("Value error, ")
    return JSONResponse({"detail": f"{place}: {why}." if place else f"{why}."}, 422)
