"""The API of runs whose items are no sounds: an item for a source, and what is decoded over a part of a map."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import FiniteFloat

from genvae.errors import GenvaeError
from genvae.web import schema
from genvae.web.engine import Engine
from genvae.web.routes import disconnection
from genvae.web.worker import ModelWorker

CELLS = 16
"""Items on a side of a part of a map, at most."""

Edge = Annotated[FiniteFloat, Query(description="An edge of the part, in the map's coordinates.")]


def router(engines: Mapping[str, Engine], worker: ModelWorker) -> APIRouter:
    """The API over some engines by the digests of their runs."""
    api = APIRouter(prefix="/api/designs", tags=["designs"])

    def chosen(digest: str | None) -> Engine:
        digest = next(iter(engines)) if digest is None else digest
        if digest not in engines:
            raise GenvaeError(f"No run {digest!r} is served here. There is {', '.join(engines)}.")
        return engines[digest]

    @api.post("", response_class=Response)
    async def design(request: Request, wish: schema.SoundRequest) -> Response:
        """The item of a source as a picture, a file that says what made it."""
        engine = chosen(wish.run)
        picture = await worker.run(lambda _: engine.design(wish.source), disconnection(request))
        return Response(picture, media_type="image/png", headers={"Cache-Control": "no-store"})

    @api.get("/{method}", response_class=Response)
    async def over(
        request: Request,
        method: str,
        left: Edge,
        bottom: Edge,
        right: Edge,
        top: Edge,
        cells: Annotated[int, Query(ge=1, le=CELLS, description="Items on a side.")] = 9,
        run: schema.RunDigest = None,
    ) -> Response:
        """A PNG picture of what is decoded over a part of a map, the least y at its bottom."""
        engine = chosen(run)
        if not (left < right and bottom < top):
            raise GenvaeError("The part of the map is empty: left must be less than right, and bottom less than top.")
        made = await worker.run(
            lambda check: engine.over(method, (left, bottom), (right, top), cells, check=check), disconnection(request)
        )
        return Response(made, media_type="image/png", headers={"Cache-Control": "private, max-age=3600"})

    return api
