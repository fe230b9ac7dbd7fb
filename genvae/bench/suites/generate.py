"""Suite `generate`: new clips of a run, once it is loaded, alone and by the dozen, and what each of its parts takes."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from genvae.bench.contest import Call, Case, Contender, Scale
from genvae.bench.suites import Context
from genvae.pipeline import Pipeline
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

MANY = 64  # clips


def cases(context: Context) -> Iterator[Case]:
    """A clip alone, and many at once, which are the same to the bit; on one thread of the CPU."""
    run = Run(context.run or pretrained_run())
    seconds = run.config.clip_samples / run.config.sample_rate
    parts = run.config

    def part(section: str, name: str) -> Contender:
        return Contender(name=f"{section} {name}", make=lambda: _part(context, run, section))

    yield Case(
        suite="generate",
        name=f"one clip of {seconds:g} s at a time",
        scales=[Scale("cost", "ms per clip", 1e3, rate=False), Scale("speed", "clips/s", 1.0, rate=True)],
        contenders=[
            Contender(name="a clip, as wav", make=lambda: _clips(context, run, 1)),
            part("prior", parts.prior.plugin),
            part("model", parts.model.plugin),
            part("transform", f"{parts.transform.plugin}, inverse"),
            part("vocoder", parts.vocoder.plugin),
        ],
    )
    yield Case(
        suite="generate",
        name=f"{MANY} clips of {seconds:g} s",
        scales=[
            Scale("cost", "ms per clip", 1e3 / MANY, rate=False),
            Scale("speed", "x real time", MANY * seconds, rate=True),
        ],
        contenders=[
            Contender(name="one by one, as wav", make=lambda: _clips(context, run, 1, MANY)),
            Contender(name="at once, as wav", make=lambda: _clips(context, run, MANY)),
        ],
        baseline="one by one, as wav",
    )


def _clips(context: Context, run: Run, count: int, times: int = 1) -> Call:
    synthesizer = Synthesizer(run, context.registry)
    genre = synthesizer.genres[0]

    def call() -> list[bytes]:
        first = range(0, count * times, count)
        groups = (synthesizer.generate(genre, seed=0, index=index, count=count) for index in first)
        return [clip.wav() for clips in groups for clip in clips]

    return call


def _part(context: Context, run: Run, section: str) -> Call:
    pipeline: Pipeline = run.load(context.registry)
    genre = torch.zeros(1, dtype=torch.int64)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        z = pipeline.prior.sample(genre, generator=generator)
        features = pipeline.model.decode(z, genre, generator=generator)
        spectrogram = pipeline.transform.invert(features)
        if pipeline.vocoder.spec != pipeline.transform.spec:
            spectrogram = pipeline.transform.magnitudes(spectrogram)
    calls: dict[str, Call] = {
        "prior": lambda: pipeline.prior.sample(genre, generator=generator),
        "model": lambda: pipeline.model.decode(z, genre, generator=generator),
        "transform": lambda: pipeline.transform.invert(features),
        "vocoder": lambda: pipeline.vocoder(spectrogram, length=run.config.clip_samples, generator=generator),
    }

    def call() -> object:
        with torch.no_grad():
            return calls[section]()

    return call
