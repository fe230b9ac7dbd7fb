"""The API: what the page asks the server, and anybody's program may ask as well."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from pydantic import TypeAdapter

from genvae.web import schema
from genvae.web.studio import Studio
from genvae.web.upload import BYTES, SECONDS, Uploads
from genvae.web.worker import ModelWorker

WAV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}, "description": "A wav file."}
}
PLACES: TypeAdapter[schema.Located | schema.Way] = TypeAdapter(schema.Located | schema.Way)
SOUND_FILE: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_DESCRIBED = [{"$ref": f"#/components/schemas/{name}"} for name in ("Located", "Way")]
PLACEABLE = {**SOUND_FILE, "application/json": {"schema": {"anyOf": _DESCRIBED}}}


class Wav(Response):
    """A wav file."""

    media_type = "audio/wav"


def router(studio: Studio, worker: ModelWorker) -> APIRouter:
    """The API over a studio, whose work all goes through one worker."""
    api = APIRouter(prefix="/api")
    info = studio.info(schema.Limits(upload_bytes=BYTES, upload_seconds=SECONDS))
    uploads = Uploads(info.sample_rate)

    @api.get("/health", tags=["about"])
    async def health() -> schema.Health:
        """Say that the server answers, and how much waits for the model."""
        return schema.Health(pending=worker.pending, capacity=worker.capacity)

    @api.get("/info", tags=["about"])
    async def information() -> schema.Info:
        """What is served: the run, its genres, maps and vocoders, and the limits of what may be asked."""
        return info

    @api.get("/generate", tags=["sounds"], response_class=Wav, responses=WAV)
    async def generate(
        genre: schema.Genre,
        seed: Annotated[schema.Seed | None, Query(description="By default a new one, told in the file.")] = None,
        index: schema.Index = 0,
        temperature: schema.Temperature = 1.0,
        vocoder: schema.Vocoder = None,
    ) -> Response:
        """A new sound of a genre: the same bytes as from `genvae generate` with these options."""
        drawn = secrets.randbelow(2**31) if seed is None else seed
        made = await worker.run(
            lambda: studio.generate(genre, seed=drawn, index=index, temperature=temperature, vocoder=vocoder)
        )
        return Wav(made)

    @api.post("/decode", tags=["sounds"], response_class=Wav, responses=WAV)
    async def decode(sound: schema.Sound) -> Response:
        """The sound of a point on the map, of a latent, or of a seed that is shifted along principal directions."""
        return Wav(await worker.run(lambda: studio.decode(sound.source, sound.vocoder)))

    @api.post("/interpolate", tags=["sounds"], response_class=Wav, responses=WAV)
    async def interpolate(path: schema.Path) -> Response:
        """The path from one sound to another, as one wav file."""
        return Wav(await worker.run(lambda: studio.path(path, path.vocoder)))

    @api.post(
        "/reconstruct", tags=["files"], response_class=Wav, responses=WAV,
        openapi_extra={"requestBody": {"required": True, "content": SOUND_FILE}},
    )  # fmt: skip
    async def reconstruct(
        request: Request, genre: schema.Genre | None = None, vocoder: schema.Vocoder = None
    ) -> Response:
        """A sound file, as the body, after it went through the model: as from `genvae reconstruct`."""
        upload = await uploads.take(request)
        return Wav(await worker.run(lambda: studio.reconstruct(upload.wave, genre, vocoder)))

    @api.post("/place", tags=["places"], openapi_extra={"requestBody": {"required": True, "content": PLACEABLE}})
    async def place(request: Request) -> schema.Place:
        """Where a sound lies on the maps, clip by clip: that of a source, of a path, or of a sound file as the body."""
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            upload = await uploads.take(request)
            return await worker.run(lambda: studio.place_wave(upload.wave, upload.note))
        asked = PLACES.validate_json(await request.body())
        return await worker.run(lambda: studio.place(asked))

    @api.get("/map/{method}", tags=["places"])
    async def points(method: str) -> Response:
        """The training clips of a map, n of them in 10 n bytes: x and y as float32, then genre indices as uint16."""
        return Response(await worker.run(lambda: studio.points(method)), media_type="application/octet-stream")

    return api
