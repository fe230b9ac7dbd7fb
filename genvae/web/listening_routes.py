"""The listening test's part of the API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from genvae.web import schema
from genvae.web.listening import FEWEST, MOST, REAL, Listening
from genvae.web.routes import FAULTS, WAV, Wav, disconnection
from genvae.web.worker import ModelWorker

_Trial = Annotated[str, Path(max_length=40)]


def router(listening: Listening, worker: ModelWorker) -> APIRouter:
    """Trials, their sounds, votes, and what those say."""
    api = APIRouter(prefix="/api/listen", tags=["listening test"])

    @api.get("", responses=FAULTS)
    async def information() -> schema.ListeningInfo:
        """What can be asked about."""
        return schema.ListeningInfo(
            sources=list(listening.sources),
            genres=listening.genres,
            real=REAL if REAL in listening.sources else None,
            fewest=FEWEST,
            most=MOST,
            kept=listening.votes.kept,
        )

    @api.post("/trial", responses=FAULTS)
    async def trial(wish: schema.TrialRequest) -> schema.TrialInfo:
        """Draw a new trial: a genre, a sound of each source, and their order, all at random."""
        drawn = listening.draw(wish.question, wish.sources)
        genre = drawn.genre if drawn.question == "real" else None
        return schema.TrialInfo(trial=drawn.id, question=drawn.question, sounds=len(drawn.slots), genre=genre)

    @api.get("/sound/{trial}/{slot}", response_class=Wav, responses=WAV)
    async def sound(request: Request, trial: _Trial, slot: int) -> Response:
        """A sound of a trial, which does not say where it comes from."""
        return Wav(await worker.run(lambda _: listening.sound(trial, slot), disconnection(request)))

    @api.post("/vote", responses=FAULTS)
    async def vote(answer: schema.Answer) -> schema.Solved:
        """Answer a trial, once, and learn what its sounds were."""
        given, drawn = listening.vote(answer.trial, answer.answer)
        right: bool | None = given.answer == drawn.genre
        if drawn.question == "real":
            right = given.answer == REAL if REAL in given.sources else None
        return schema.Solved(sources=list(given.sources), numbers=list(given.numbers), genre=drawn.genre, right=right)

    @api.get("/verdict", responses=FAULTS)
    async def verdict() -> schema.Verdict:
        """What all votes say together, with intervals, and how the metrics of `genvae evaluate` agree with them."""
        return schema.Verdict(
            votes=len(listening.votes.all),
            scores=[schema.ScoreInfo(**asdict(each)) for each in listening.scores()],
            agreements=[schema.AgreementInfo(**asdict(each)) for each in listening.agreements()],
        )

    return api
