"""What clients may ask for, checked and bounded, and what they are told."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, model_validator

MAX_SEED = 2**63 - 1
TEMPERATURE = (0.0, 3.0)
STEPS = (2, 16)
SHIFT = 4.0  # standard deviations


def _clamp(low: float, high: float) -> AfterValidator:
    """A number beyond a range is taken as the nearest end of it."""

    def clamp(value: Any) -> Any:
        return min(max(value, low), high)

    return AfterValidator(clamp)


Genre = Annotated[str, Field(max_length=200, description="One of the run's genres.")]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED, description="The same seed makes the same sound.")]
Index = Annotated[int, Field(ge=0, le=999_999, description="Which clip of the seed.")]
Temperature = Annotated[
    FiniteFloat,
    _clamp(*TEMPERATURE),
    Field(description=f"Below 1 more typical, above 1 more unusual; clamped to 0 … {TEMPERATURE[1]:g}."),
]
Steps = Annotated[int, _clamp(*STEPS), Field(description=f"Clips on the path; clamped to {STEPS[0]} … {STEPS[1]}.")]
Shift = Annotated[FiniteFloat, _clamp(-SHIFT, SHIFT)]
Vocoder = Annotated[
    str | None, Field(max_length=100, description="One that /api/info lists; by default the first of them.")
]


class Source(BaseModel):
    """A latent: drawn from a seed, or at a point of a map, or given; perhaps shifted along principal directions."""

    model_config = ConfigDict(extra="forbid")

    genre: Genre | None = Field(None, description="Left out for a point: the genre of the training clips around it.")
    seed: Seed = 0
    index: Index = 0
    temperature: Temperature = 1.0
    map: str | None = Field(None, max_length=100, description="The map that `point` lies on.")
    point: tuple[FiniteFloat, FiniteFloat] | None = Field(None, description="Clamped to the map and a margin.")
    latent: list[FiniteFloat] | None = Field(None, max_length=4096, description="As /api/place gives it.")
    shifts: list[Shift] = Field([], max_length=32, description="Along each direction, in standard deviations.")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.point is not None and self.latent is not None:
            raise ValueError("give a point or a latent, not both")
        if (self.point is None) != (self.map is None):
            raise ValueError("a point needs the map that it lies on, and a map a point")
        if self.point is None and self.genre is None:
            raise ValueError("name a genre")
        return self


class Sound(BaseModel):
    """A source, and how it is made to sound."""

    model_config = ConfigDict(extra="forbid")

    source: Source
    vocoder: Vocoder = None


class Way(BaseModel):
    """Two sources and how many clips lie between them, the ends among them."""

    model_config = ConfigDict(extra="forbid")

    start: Source
    end: Source
    steps: Steps = 8


class Path(Way):
    """A way, and how it is made to sound."""

    vocoder: Vocoder = None


class Located(BaseModel):
    """A source whose place is asked for."""

    model_config = ConfigDict(extra="forbid")

    source: Source


class Neighbour(BaseModel):
    """A training clip: its number in the store that the run was trained on, and how far away it lies on the map."""

    clip: int
    genre: str
    point: tuple[float, float]
    distance: float


class Spot(BaseModel):
    """A place on one map. sparse: no training clip is near, so that what one hears there is a guess."""

    point: tuple[float, float]
    sparse: bool
    neighbours: list[Neighbour]


class PlacedClip(BaseModel):
    """A clip's latent, and its place on each map."""

    latent: list[float]
    maps: dict[str, Spot]


class Place(BaseModel):
    """Where a sound lies, clip by clip. note: what was left out of an uploaded file, or empty."""

    genre: str
    clips: list[PlacedClip]
    note: str = ""


class VocoderInfo(BaseModel):
    """A vocoder that can be asked for."""

    name: str
    summary: str


class MapInfo(BaseModel):
    """A map of the run. explained: the part of the variance along each axis, where that means something."""

    method: str
    clips: int
    explained: tuple[float, float] | None


class DirectionInfo(BaseModel):
    """A principal direction: the part of the latents' variance that lies along it."""

    explained: float


class Limits(BaseModel):
    """What is clamped or refused."""

    temperature: tuple[float, float] = TEMPERATURE
    steps: tuple[int, int] = STEPS
    shift: float = SHIFT
    upload_bytes: int
    upload_seconds: float


class Info(BaseModel):
    """What the server serves."""

    run: str = Field(description="The run's digest.")
    genres: list[str]
    sample_rate: int
    clip_samples: int
    vocoders: list[VocoderInfo]
    maps: list[MapInfo]
    directions: list[DirectionInfo]
    limits: Limits
    versions: dict[str, str]


class Health(BaseModel):
    """Whether the server answers, and how many jobs wait for the model."""

    status: str = "ok"
    pending: int
    capacity: int
