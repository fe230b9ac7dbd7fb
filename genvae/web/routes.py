"""The API: what the page asks the server, and anybody's program may ask as well."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Discriminator, Tag, TypeAdapter

from genvae.errors import GenvaeError
from genvae.synthesis.synthesizer import GROUP, Draw
from genvae.web import caching, schema
from genvae.web.engine import Engine
from genvae.web.gathering import Gathering
from genvae.web.pages import StaticContent
from genvae.web.uploads import BYTES, SECONDS, Uploads
from genvae.web.worker import Check, ModelWorker

T = TypeVar("T")

_WHY = {
    400: "The run has nothing of that name, or the sound is of no use.",
    422: "A value is missing, or not of its type or range.",
    503: "Too much is waiting, or the process that was at it has ended; Retry-After says when to come again.",
}
FAULTS: dict[int | str, dict[str, Any]] = {
    status: {"model": schema.Fault, "description": why} for status, why in _WHY.items()
}


def _binary(media_type: str, description: str) -> dict[int | str, dict[str, Any]]:
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    # FastAPI would say that the faults have the media type of the route.
    fault = {"application/json": {"schema": {"$ref": "#/components/schemas/Fault"}}}
    answers: dict[int | str, dict[str, Any]] = {200: {"content": content, "description": description}}
    return answers | {status: {"content": fault, "description": why} for status, why in _WHY.items()}


def _described(model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a body that FastAPI doesn't see; what it refers to stands in other bodies, too."""
    described = model.model_json_schema(ref_template="#/components/schemas/{model}")
    described.pop("$defs", None)
    return described


WAV = _binary("audio/wav", "A wav file.")
KEPT_WAV: dict[int | str, dict[str, Any]] = WAV | {304: {"description": "What If-None-Match names is still the same."}}
_HEALTH: dict[int | str, dict[str, Any]] = {
    503: {"model": schema.Health, "description": "No process can make a sound; others are being started."}
}
_POINTS = _binary("application/octet-stream", "6 bytes a clip.")
_SHADES = _binary("application/octet-stream", "A byte a clip.")
_PLACES: TypeAdapter[schema.PlaceRequest | schema.PathPlaceRequest] = TypeAdapter(
    Annotated[
        Annotated[schema.PlaceRequest, Tag("sound")] | Annotated[schema.PathPlaceRequest, Tag("path")],
        Discriminator(lambda body: "path" if isinstance(body, dict) and "start" in body else "sound"),
    ]
)
_SOUND_FILE: dict[str, Any] = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_PLACEABLE = {
    **_SOUND_FILE,
    "application/json": {
        "schema": {"anyOf": [_described(each) for each in (schema.PlaceRequest, schema.PathPlaceRequest)]}
    },
}
_UPLOAD = Query(max_length=64, pattern="^[0-9a-f]*$", description="As /api/place names it, in place of a body.")
_Attribute = Annotated[str, Query(max_length=500, pattern=r"^[^=]+=[\s\S]+$")]
_Stage = Annotated[str, Query(max_length=100, description="One of the sound's stages.")]
_ATTRIBUTES = Query(max_length=64, description="NAME=VALUE, of those that /api/info lists; may be repeated.")
_SHIFTS = Query(max_length=400, description="Numbers with commas between them: see `Source`.")


class Wav(Response):
    """A wav file."""

    media_type = "audio/wav"


def router(engines: Mapping[str, Engine], worker: ModelWorker, *, public: bool = True) -> APIRouter:
    """The API over some engines by the digests of their runs; the work of all goes through one worker.

    Args:
        engines: a run each, the first of which is used where none is asked for.
        worker: what computes.
        public: whether a proxy may give to anybody what somebody has asked for.
    """
    api = APIRouter(prefix="/api")
    runs = [schema.RunInfo(digest=digest, name=each.name) for digest, each in engines.items()]
    limits = schema.Limits(upload_bytes=BYTES, upload_seconds=SECONDS)
    infos = {digest: each.info(runs, limits) for digest, each in engines.items()}
    abouts = {digest: each.about() for digest, each in engines.items()}
    maps = {(digest, method): _map_points(each, method) for digest, each in engines.items() for method in each.maps}
    shades: dict[tuple[str, str, str], StaticContent] = {}
    uploads = {digest: Uploads(info.sample_rate) for digest, info in infos.items()}
    gathering: Gathering[Draw, bytes] = Gathering(GROUP, lambda: worker.ready)
    decoding: Gathering[schema.Source, bytes] = Gathering(GROUP, lambda: worker.ready)

    def chosen(digest: str | None) -> str:
        if digest is None or digest in engines:
            return digest or next(iter(engines))
        raise GenvaeError(f"No run {digest!r} is served here. There is {', '.join(engines)}.")

    async def compute(request: Request, job: Callable[[Check], T]) -> T:
        return await worker.run(job, disconnection(request))

    async def kept(request: Request, origin: object, whole: bool, job: Callable[[Check], bytes]) -> Response:
        """A sound that follows from its origin, or 304 to who has it.

        Args:
            origin: all that determines it, as plain JSON.
            whole: whether the address says as much, so that it need not be asked for again.
        """
        etag = caching.tag(origin)
        cache = f"{'public' if public else 'private'}, {caching.FOR_EVER if whole else caching.ASK_EACH_TIME}"
        headers = {"ETag": etag, "Cache-Control": cache}
        if caching.is_known(request, etag):
            return Response(status_code=304, headers=headers)
        return Wav(await compute(request, job), headers=headers)

    @api.get("/health", tags=["about"], responses=_HEALTH)
    async def health(response: Response) -> schema.Health:
        """Say whether sounds can be made, how much waits for the model, and how many processes compute."""
        ready, workers = worker.ready, worker.workers
        if not ready:
            response.status_code = 503
        return schema.Health(
            status="ok" if ready == workers else "degraded" if ready else "down",
            pending=worker.pending,
            capacity=worker.capacity,
            workers=workers,
            ready=ready,
            replaced=worker.replaced,
        )

    @api.get("/info", tags=["about"], responses=FAULTS)
    async def information(run: schema.RunDigest = None) -> schema.Info:
        """What is served: the runs, and of one its genres, maps and vocoders, and the limits of what may be asked."""
        return infos[chosen(run)]

    @api.get("/about", tags=["about"], responses=FAULTS)
    async def about(run: schema.RunDigest = None) -> schema.About:
        """How a run was made: its parts, its training, its model card."""
        return abouts[chosen(run)]

    @api.get("/directions", tags=["about"], responses=FAULTS)
    async def directions(run: schema.RunDigest = None) -> list[schema.DirectionInfo]:
        """The principal directions of a run, and what they do to a sound or a design."""
        return engines[chosen(run)].directions()

    @api.get("/generate", tags=["sounds"], response_class=Wav, responses=KEPT_WAV)
    async def generate(
        request: Request,
        genre: schema.Genre,
        seed: Annotated[schema.Seed | None, Query(description="By default a new one, told in the file.")] = None,
        index: schema.Index = 0,
        temperature: schema.Temperature = 1.0,
        vocoder: schema.Vocoder = None,
        attributes: Annotated[list[_Attribute] | None, _ATTRIBUTES] = None,
        run: schema.RunDigest = None,
    ) -> Response:
        """A new sound of a genre: the same bytes as from `genvae generate` with these options.

        With a seed it may be kept, and has an ETag; with `run` as well, it need never be asked for again.
        """
        engine = engines[chosen(run)]
        asked = {name: value for name, _, value in (each.partition("=") for each in attributes or ())}
        drawn = Draw(genre, secrets.randbelow(2**31) if seed is None else seed, index, temperature)
        origin = engine.origin(**asdict(drawn), vocoder=vocoder, attributes=asked)  # refuses what can't be made
        side_by_side = engine.digest, vocoder, tuple(sorted(asked.items()))
        make = partial(engine.generate_each, vocoder=vocoder, attributes=asked)
        with gathering.wish(side_by_side, drawn, make) as job:
            if seed is None:
                return Wav(await compute(request, job))
            whole = run is not None and (vocoder is not None or engine.default_is_own)
            return await kept(request, origin, whole, job)

    @api.post("/decode", tags=["sounds"], response_class=Wav, responses=WAV)
    async def decode(request: Request, sound: schema.SoundRequest) -> Response:
        """The sound of a source: a point on the map, a latent, a mix of genres, a seed that is varied or shifted."""
        engine = engines[chosen(sound.run)]
        attributes = json.dumps(sound.source.attributes, sort_keys=True)
        make = partial(engine.decode_each, vocoder=sound.vocoder)
        with decoding.wish((engine.digest, sound.vocoder, attributes), sound.source, make) as job:
            return Wav(await compute(request, job))

    @api.post("/interpolate", tags=["sounds"], response_class=Wav, responses=WAV)
    async def interpolate(request: Request, path: schema.PathRequest) -> Response:
        """The path from one sound to another, perhaps by way of others, as one wav file."""
        engine = engines[chosen(path.run)]
        return Wav(await compute(request, lambda check: engine.path(path, check=check)))

    @api.post(
        "/reconstruct",
        tags=["files"],
        response_class=Wav,
        responses=WAV,
        openapi_extra={"requestBody": {"required": False, "content": _SOUND_FILE}},
    )
    async def reconstruct(
        request: Request,
        genre: schema.Genre | None = None,
        vocoder: schema.Vocoder = None,
        run: schema.RunDigest = None,
        upload: Annotated[str, _UPLOAD] = "",
        shifts: Annotated[str, _SHIFTS] = "",
    ) -> Response:
        """A sound file, as the body, after it went through the model: as from `genvae reconstruct`."""
        digest = chosen(run)
        engine, run_uploads = engines[digest], uploads[digest]
        steps = _numbers(shifts)
        sound = run_uploads.recall(upload) if upload else await run_uploads.take(request)

        def job(check: Check) -> bytes:
            return engine.reconstruct(sound.wave, genre, vocoder, steps, check=check)

        return Wav(await compute(request, job))

    @api.post(
        "/place",
        tags=["places"],
        responses=FAULTS,
        openapi_extra={"requestBody": {"required": True, "content": _PLACEABLE}},
    )
    async def place(request: Request, run: schema.RunDigest = None) -> schema.Placed:
        """Where a sound lies on the maps, clip by clip: that of a source, of a path, or of a sound file as the body."""
        digest = chosen(run)
        if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
            engine, sound = engines[digest], await uploads[digest].take(request)
            return await compute(request, lambda _: engine.place_wave(sound.wave, note=sound.note, upload=sound.digest))
        placeable = _PLACES.validate_json(await request.body())
        located = engines[digest if placeable.run is None else chosen(placeable.run)]
        return await compute(request, lambda _: located.place(placeable))

    @api.get("/map/{method}", tags=["places"], responses=_POINTS, response_class=Response)
    async def points(request: Request, method: str, run: schema.RunDigest = None) -> Response:
        """The training clips of a map, n of them in 6 n bytes of little-endian uint16.

        First every x, then every y, in 65535ths of the way from `low` to `high` in /api/info; then every genre's index.
        """
        digest = chosen(run)
        if (digest, method) not in maps:
            methods = " and ".join(engines[digest].maps) or "none"
            raise GenvaeError(f"This run has no map {method!r}; it has {methods}. `genvae map` makes one.")
        return maps[digest, method].answer(request)

    @api.get("/map/{method}/{quality}", tags=["places"], responses=_SHADES, response_class=Response)
    async def shaded(request: Request, method: str, quality: str, run: schema.RunDigest = None) -> Response:
        """How the training clips of a map sound, as /api/info lists it: a byte a clip, 1 to 255; 0 for none at all."""
        digest = chosen(run)
        key = digest, method, quality
        if key not in shades:
            shades[key] = StaticContent(engines[digest].shades(method, quality), "application/octet-stream")
        return shades[key].answer(request)

    @api.get("/lesson/sound", tags=["lesson"], responses=FAULTS)
    async def heard(
        request: Request, genre: schema.Genre, seed: schema.Seed, run: schema.RunDigest = None
    ) -> schema.Heard:
        """What the encoder says of the sound of a seed: its cloud, and what that costs."""
        engine = engines[chosen(run)]
        return await compute(request, lambda _: engine.heard(genre, seed))

    @api.get("/lesson/stage", tags=["lesson"], response_class=Wav, responses=KEPT_WAV)
    async def stage(
        request: Request, genre: schema.Genre, seed: schema.Seed, stage: _Stage, run: schema.RunDigest = None
    ) -> Response:
        """The sound of a seed as one stage of the decoder leaves it."""
        engine = engines[chosen(run)]
        origin = {"stage": stage, **engine.origin(genre, seed=seed, index=0, temperature=1.0, vocoder=None)}
        return await kept(request, origin, False, lambda _: engine.stage(genre, seed, stage))

    @api.get("/lesson/guided", tags=["lesson"], response_class=Wav, responses=KEPT_WAV)
    async def guided(
        request: Request, genre: schema.Genre, seed: schema.Seed, guidance: float, run: schema.RunDigest = None
    ) -> Response:
        """The sound of a seed that follows its latent more or less strongly than the run's own."""
        engine = engines[chosen(run)]
        origin = {"guidance": guidance, **engine.origin(genre, seed=seed, index=0, temperature=1.0, vocoder=None)}
        return await kept(request, origin, False, lambda _: engine.guided(genre, seed, guidance))

    return api


def lesson_pages(engines: Mapping[str, Engine], worker: ModelWorker) -> APIRouter:
    """The lesson's page of each run, drawn when it is first asked for."""
    router = APIRouter(include_in_schema=False)
    drawn: dict[str, StaticContent] = {}

    @router.get("/explain")
    async def explain(request: Request, run: str | None = None) -> Response:
        digest = run if run in engines else next(iter(engines))
        assert digest is not None
        if digest not in drawn:
            page = await worker.run(lambda _: engines[digest].explain(), disconnection(request))
            drawn[digest] = StaticContent(page.encode(), "text/html; charset=utf-8")
        return drawn[digest].answer(request)

    return router


async def disconnection(request: Request) -> None:
    """End when the client has closed its connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _map_points(engine: Engine, method: str) -> StaticContent:
    return StaticContent(engine.points(method), "application/octet-stream")


def _numbers(text: str) -> list[float]:
    """Numbers with commas between them, as shifts.

    Raises:
        GenvaeError: they are none.
    """
    try:
        checked = schema.SHIFTS.validate_python(text.split(",") if text else [])
    except ValueError as error:
        raise GenvaeError("Shifts are numbers with commas between them, such as 1.5,0,-1.") from error
    return checked
