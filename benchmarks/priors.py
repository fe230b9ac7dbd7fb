"""Fits every prior to the latents of one run, measures what each draws, and writes the table of docs/models.md.

    OMP_NUM_THREADS=1 python benchmarks/priors.py STORE [RUN]

STORE is the one that RUN, by default the pretrained one, was trained on. The numbers are those of `genvae evaluate`,
which docs/evaluation.md explains; the last two are of novelty: the shares of clips that lie nearer to a training clip,
by embedding and by spectrogram, than all but one in a hundred of real, unseen clips do.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import torch
from models import HEADS, cells, names, table, write
from torch import Tensor

from genvae.clips.batches import in_order
from genvae.clips.store import ClipStore
from genvae.interfaces.model import Posterior
from genvae.metrics.comparison import default_members
from genvae.metrics.evaluation import REAL, Evaluation
from genvae.metrics.stages import generated
from genvae.pipeline import PartConfig, Pipeline
from genvae.plugin.registry import installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis.synthesizer import Synthesizer

PRIORS: tuple[tuple[str, dict[str, int]], ...] = (
    ("standard-normal", {}),
    ("gaussian", {}),
    ("gmm", {}),
    ("local", {"latents": 24}),
    ("local", {}),
    ("local", {"latents": 6, "most": 2048}),
    ("aggregate", {}),
    ("flow", {}),
)
"""Each with the options that are not its defaults."""


def main() -> None:
    """Encode the training clips, fit each prior to them, measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path)
    parser.add_argument("run", type=Path, nargs="?", default=pretrained_run())
    parser.add_argument("--clips", type=int, default=120, help="of each genre")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    store, run = ClipStore.open(asked.store), Run(asked.run)
    evaluation = Evaluation(run, installed(), store, members=default_members(), clips=asked.clips)
    rows = table(("prior", "fitted in", *HEADS, "nearer", "matched"), prior_rows(evaluation, store, run))
    pretrained = asked.run == pretrained_run()
    command = f"`python benchmarks/priors.py STORE{'' if pretrained else ' RUN'} --clips {asked.clips}`"
    origin = f"{command}, the latents of {'the pretrained run' if pretrained else 'RUN'}"
    write("priors", f"{origin}; torch {torch.__version__}, one thread; by {names(evaluation.judge)}:\n\n{rows}")


def prior_rows(evaluation: Evaluation, store: ClipStore, run: Run) -> Iterator[list[str]]:
    """A row for real clips, and one for each prior, fitted as training does it."""
    registry = installed()
    trained = run.load(registry)
    posterior, genres = posteriors(trained, store)
    z = posterior.sample(torch.Generator().manual_seed(0))
    yield ["real, unseen recordings", "", *measured(evaluation, REAL)]
    for prior, options in PRIORS:
        name = " ".join([f"`{prior}`", *(f"{option}={value}" for option, value in options.items())])
        config = replace(run.config, prior=PartConfig.of(registry, "prior", prior, options))
        pipeline = Pipeline.build(config, registry)
        for part in ("transform", "model", "vocoder"):
            getattr(pipeline, part).load_state_dict(getattr(trained, part).state_dict())
        began = time.perf_counter()
        generator = torch.Generator().manual_seed(0)
        pipeline.prior.fit_posteriors(posterior, z, genres, model=pipeline.model, generator=generator)
        seconds = time.perf_counter() - began
        with tempfile.TemporaryDirectory() as folder:
            made = Run.create(Path(folder) / "run", config, asdict(pipeline.transform.spec), run.training, run.data)
            made.save_weights(pipeline)
            synthesizer = Synthesizer(made, registry)
            sets = {genre: generated(synthesizer, genre, evaluation.judge.clips, 0) for genre in evaluation.genres}
        evaluation.add(name, lambda sets=sets: sets)  # type: ignore[misc]  # the row's own
        yield [name, f"{seconds:.0f} s", *measured(evaluation, name)]


def measured(evaluation: Evaluation, name: str) -> list[str]:
    """The cells of a row."""
    row = evaluation.row(name)
    assert row.novelty is not None  # of new clips it is always measured
    return [*cells(row.rating), f"{row.novelty.nearer:.2f}", f"{row.novelty.matched:.2f}"]


@torch.no_grad()
def posteriors(pipeline: Pipeline, store: ClipStore) -> tuple[Posterior, Tensor]:
    """The posteriors of all training clips, [N, latent_dim], and their genres [N]."""
    pipeline.eval()
    means, log_variances, genres = [], [], []
    for waves, genre in in_order(store, store.select(split="train"), 64):
        posterior = pipeline.model.encode(pipeline.transform(waves), genre)
        means.append(posterior.mean)
        log_variances.append(posterior.log_variance)
        genres.append(genre)
    return Posterior(torch.cat(means), torch.cat(log_variances)), torch.cat(genres)


if __name__ == "__main__":
    main()
