"""What clients may ask for, checked and bounded, and what they are told."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    Strict,
    TypeAdapter,
    model_validator,
)

MAX_SEED = 2**63 - 1
TEMPERATURE = (0.0, 3.0)
STEPS = (2, 16)
SHIFT = 4.0  # standard deviations
VARIATIONS = 16  # of variations of variations
_LATENT = 1000.0  # what no latent of a model reaches


def _clamp(low: float, high: float) -> AfterValidator:
    """A number beyond a range is taken as the nearest end of it."""

    def clamp(value: Any) -> Any:
        return min(max(value, low), high)

    return AfterValidator(clamp)


def _as_whole(value: Any) -> Any:
    """JSON knows one kind of number, and to its schemas 2.0 is an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


_WHOLE = BeforeValidator(_as_whole)
RunDigest = Annotated[
    str | None, Field(max_length=64, description="One of the runs of /api/info; by default the first.")
]
Genre = Annotated[str, Field(max_length=200, description="One of the run's genres.")]
Seed = Annotated[int, Field(ge=0, le=MAX_SEED, description="The same seed makes the same sound."), _WHOLE]
Index = Annotated[int, Field(ge=0, le=999_999, description="Which clip of the seed."), _WHOLE]
Temperature = Annotated[
    FiniteFloat,
    _clamp(*TEMPERATURE),
    Field(description=f"Below 1 more typical, above 1 more unusual; clamped to 0 … {TEMPERATURE[1]:g}."),
]
Steps = Annotated[
    int, _clamp(*STEPS), Field(description=f"Clips on the path; clamped to {STEPS[0]} … {STEPS[1]}."), _WHOLE
]
Shift = Annotated[FiniteFloat, _clamp(-SHIFT, SHIFT)]
LatentValue = Annotated[FiniteFloat, Field(ge=-_LATENT, le=_LATENT)]
AttributeValue = FiniteFloat | Annotated[str, Field(max_length=200)]
SHIFTS: TypeAdapter[list[float]] = TypeAdapter(Annotated[list[Shift], Field(max_length=32)])
Weight = Annotated[FiniteFloat, Field(ge=0, le=1)]
Variation = Annotated[int, Field(ge=0, le=2**31 - 1), _WHOLE]
Vocoder = Annotated[
    str | None, Field(max_length=100, description="One that /api/info lists; by default the first of them.")
]


class _Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)  # a number is neither a text nor true


_NOTHING = {"type": "null"}
_NO_MIX = {"maxProperties": 0}
_WAYS: list[Any] = [  # what `_is_one_thing` holds, so that a program can know before it asks
    {
        "required": ["genre"],
        "properties": {"genre": {"type": "string"}, "mix": _NO_MIX, "map": _NOTHING, "point": _NOTHING},
    },
    {
        "required": ["map", "point"],
        "properties": {"map": {"type": "string"}, "point": {"type": "array"}, "latent": _NOTHING, "mix": _NO_MIX},
    },
    {
        "required": ["mix"],
        "properties": {
            "mix": {"minProperties": 1, "not": {"additionalProperties": {"const": 0}}},
            **dict.fromkeys(("genre", "map", "point", "latent"), _NOTHING),
        },
    },
]


class Source(_Asked):
    """What a sound is decoded from.

    A latent that is drawn from a seed, lies at a point of a map, or is given; perhaps a mix of what a seed draws in
    several genres; perhaps varied, and shifted along principal directions.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": _WAYS})

    genre: Genre | None = Field(None, description="Left out for a point: the genre of the training clips around it.")
    mix: dict[Genre, Weight] = Field(
        {}, max_length=32, description="Weights of genres, in place of `genre`: what the seed draws in each is mixed."
    )
    seed: Seed = 0
    index: Index = 0
    temperature: Temperature = 1.0
    map: str | None = Field(None, max_length=100, description="The map that `point` lies on.")
    point: Annotated[tuple[FiniteFloat, FiniteFloat], Strict(False)] | None = Field(
        None, description="Clamped to the map and a margin."
    )
    latent: list[LatentValue] | None = Field(None, max_length=4096, description="As /api/place gives it.")
    variations: list[Variation] = Field(
        [], max_length=VARIATIONS, description="Numbers of random steps from there to sounds nearby, one after another."
    )
    shifts: list[Shift] = Field([], max_length=32, description="Along each direction, in standard deviations.")
    attributes: dict[Annotated[str, Field(max_length=200)], AttributeValue] = Field(
        {}, max_length=64, description="Of those that /api/info lists; on a path those of its start."
    )

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.point is not None and self.latent is not None:
            raise ValueError("give a point or a latent, not both")
        if (self.point is None) != (self.map is None):
            raise ValueError("a point needs the map that it lies on, and a map a point")
        if self.mix:
            if self.genre is not None or self.point is not None or self.latent is not None:
                raise ValueError("a mix takes the place of a genre, a point and a latent")
            if not any(self.mix.values()):
                raise ValueError("one of a mix's weights must be more than 0")
        elif self.point is None and self.genre is None:
            raise ValueError("name a genre")
        return self


class SoundRequest(_Asked):
    """A source, and how it is made to sound."""

    source: Source
    vocoder: Vocoder = None
    run: RunDigest = None


class PathPlaceRequest(_Asked):
    """A path from one source to another, perhaps by way of others, whose places are asked for."""

    start: Source
    via: list[Source] = Field([], max_length=14)
    end: Source
    steps: Steps = 8
    run: RunDigest = None


class PathRequest(PathPlaceRequest):
    """A path, and how it is made to sound."""

    vocoder: Vocoder = None


class PlaceRequest(_Asked):
    """A source whose place is asked for."""

    source: Source
    run: RunDigest = None


class Neighbour(BaseModel):
    """A training clip: its number in the store that the run was trained on, and how far away it lies on the map."""

    clip: int
    genre: str
    point: tuple[float, float]
    distance: float


class MapPlace(BaseModel):
    """A place on one map. sparse: no training clip is near, so that what one hears there is a guess."""

    point: tuple[float, float]
    sparse: bool
    neighbours: list[Neighbour]


class PlacedClip(BaseModel):
    """A clip's latent, and its place on each map."""

    latent: list[float]
    maps: dict[str, MapPlace]


class Placed(BaseModel):
    """Where a sound lies, clip by clip.

    note: what was left out of an uploaded file, or empty. upload: by which /api/reconstruct knows the file, or empty.
    """

    genre: str
    clips: list[PlacedClip]
    note: str = ""
    upload: str = ""


class VocoderInfo(BaseModel):
    """A vocoder that can be asked for."""

    name: str
    summary: str


class Quality(BaseModel):
    """What the clips of a map can be coloured by. low, high: of nearly all, in `unit`."""

    name: str
    unit: str
    low: float
    high: float


class MapInfo(BaseModel):
    """A map of the run.

    explained: the part of the variance along each axis, where that means something. low, high: its extent. qualities:
    how its clips sound, as far as that was measured.
    """

    method: str
    clips: int
    explained: tuple[float, float] | None
    low: tuple[float, float]
    high: tuple[float, float]
    qualities: list[Quality]


class DirectionInfo(BaseModel):
    """A principal direction.

    explained: the part of the latents' variance that lies along it. does: what one hears, or of a design sees, on the
    way, as far as it is sure. measured: how much of the measuring is done, from 0 to 1; the server measures while
    nobody waits.
    """

    explained: float
    does: list[str]
    measured: float


class AttributeInfo(BaseModel):
    """Something that the run can be asked for beyond a genre: one of `words`, or a number from `least` to `most`.

    Where `several` is true, it can be several of the words, with `;` between.
    """

    name: str
    unit: str
    words: list[str]
    several: bool
    least: float
    most: float
    mean: float


class RunInfo(BaseModel):
    """One of the runs that are served."""

    digest: str
    name: str


class Limits(BaseModel):
    """What is clamped or refused."""

    temperature: tuple[float, float] = TEMPERATURE
    steps: tuple[int, int] = STEPS
    shift: float = SHIFT
    variations: int = VARIATIONS
    upload_bytes: int
    upload_seconds: float


class Info(BaseModel):
    """What the server serves."""

    run: str = Field(description="The digest of the run that the rest is about.")
    runs: list[RunInfo] = Field(description="All that are served.")
    genres: list[str]
    sample_rate: int
    clip_samples: int
    latent_dim: int
    vocoders: list[VocoderInfo]
    attributes: list[AttributeInfo] = Field(description="What can be asked for beyond a genre.")
    maps: list[MapInfo]
    directions: int = Field(description="How many principal directions there are to shift along.")
    limits: Limits
    versions: dict[str, str]


class EvaluationRow(BaseModel):
    """A row of `genvae evaluate`: what was measured, its rank, and each member's numbers."""

    name: str
    rank: float
    members: dict[str, dict[str, float]]


class OptionInfo(BaseModel):
    """An option of a part of the run, `SECTION.NAME`, with its value, what it means, and what it takes."""

    name: str
    value: str
    meaning: str
    takes: str


class About(BaseModel):
    """What a run is and how it was made.

    options: of its parts and of its training, as they were when it was made. card: its model card, in Markdown, or
    empty. curves: how its training went, as (step, value) by part of the loss and by who measured, where it keeps a
    log. evaluation: the rows of its evaluation, where it keeps one.
    """

    name: str
    parts: dict[str, str]
    options: list[OptionInfo]
    training: dict[str, Any]
    data: dict[str, Any]
    card: str
    curves: dict[str, dict[str, list[tuple[int, float]]]]
    evaluation: list[EvaluationRow]


class Heard(BaseModel):
    """What the encoder says of a sound of a seed, as the lesson shows it.

    latent: that the sound was made from. mean, deviation: of the cloud that the encoder gives it, number by number.
    nats: what each number costs. stages: what /api/lesson/stage lets hear of it, from the least to the most. guidance:
    what /api/lesson/guided takes, or nothing.
    """

    latent: list[float]
    mean: list[float]
    deviation: list[float]
    nats: list[float]
    stages: list[str]
    guidance: list[float]


class ListeningInfo(BaseModel):
    """What the listening test can ask about. real: the source of real clips, or None where the server has no store."""

    sources: list[str]
    genres: list[str]
    real: str | None
    fewest: int
    most: int
    kept: bool = Field(description="Whether votes are kept in a file.")


class TrialRequest(_Asked):
    """A new trial that is asked for."""

    question: Literal["real", "genre"]
    sources: list[Annotated[str, Field(max_length=300)]] = Field(max_length=16)


class TrialInfo(BaseModel):
    """A trial. genre: of its sounds, where that is not what is asked."""

    trial: str
    question: Literal["real", "genre"]
    sounds: int
    genre: str | None


class Answer(_Asked):
    """The answer to a trial: the place of the real sound as a number, or a genre."""

    trial: Annotated[str, Field(max_length=40)]
    answer: Annotated[str, Field(max_length=200)]


class Solved(BaseModel):
    """What the sounds of a trial were. right: whether the answer was, None where none of them was real."""

    sources: list[str]
    numbers: list[int]
    genre: str
    right: bool | None


class ScoreInfo(BaseModel):
    """What the votes say of a source: how often it was taken for real, or its genre was named."""

    source: str
    question: Literal["real", "genre"]
    hits: int
    votes: int
    share: float
    interval: tuple[float, float]
    chance: float


class AgreementInfo(BaseModel):
    """How often a metric of `genvae evaluate` orders two sources as the votes do."""

    metric: str
    agreeing: int
    pairs: int


class Verdict(BaseModel):
    """What all votes say together."""

    votes: int
    scores: list[ScoreInfo]
    agreements: list[AgreementInfo]


class Health(BaseModel):
    """Whether sounds can be made, and how much waits.

    status: `degraded` where a process that computes is being replaced, `down` where all are. pending: jobs that wait or
    run. capacity: how many may. workers: processes that are to compute. ready: of them, those that can. replaced: how
    many have ended and got a successor.
    """

    status: Literal["ok", "degraded", "down"] = "ok"
    pending: int
    capacity: int
    workers: int = 1
    ready: int = 1
    replaced: int = 0


class Fault(BaseModel):
    """Why a request was not answered, in a sentence."""

    detail: str
