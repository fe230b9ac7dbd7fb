"""`genvae evaluate`: how good a run's clips are, beside real ones and baselines."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

import genvae
from genvae.cli.output import make_folder, save, say, show_json, show_path, show_table, tracked
from genvae.errors import AudioError, GenvaeError, OptionError

if TYPE_CHECKING:
    from genvae.clips.store import ClipStore
    from genvae.metrics.embedder import Waves
    from genvae.metrics.evaluation import Evaluation
    from genvae.metrics.worst import Oddity

WORST = 5
"""Clips of each genre that --worst writes."""


@click.command()
@click.argument("run_path", required=False, metavar="[RUN]", type=click.Path(path_type=Path))
@click.option(
    "--store",
    "store_path",
    type=click.Path(path_type=Path),
    help="The store that the run was trained on, for its unseen recordings.",
)
@click.option(
    "--generated",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Measure the sound files in DIR/GENRE/ in place of new clips of the run.",
)
@click.option(
    "--baseline",
    "baseline_path",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="A run for a row to compare with, such as reference-vae with the same budget.",
)
@click.option(
    "--candidates",
    type=click.IntRange(min=1),
    default=1,
    metavar="K",
    help="A row of clips each of which is the best of K.",
)
@click.option(
    "--worst",
    "worst_path",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the generated clips that are farthest from real ones there, and say why.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=2),
    metavar="S",
    help="Also measure whether sounds of so many seconds hold together.",
)
@click.option("--clips", type=click.IntRange(min=2), default=120, show_default=True, help="Clips of each genre.")
@click.option(
    "--seed",
    type=click.IntRange(0, 2**63 - 1),
    default=0,
    show_default=True,
    help="Of the clips, and of what is drawn to measure them.",
)
@click.option(
    "--critic",
    "only_critic",
    is_flag=True,
    help="Measure nothing; write what genvae generate --candidates chooses by.",
)
@click.option("--json", "as_json", is_flag=True, help="All numbers as JSON.")
def evaluate(
    run_path: Path | None,
    store_path: Path | None,
    folder: Path | None,
    baseline_path: Path | None,
    candidates: int,
    worst_path: Path | None,
    seconds: float | None,
    clips: int,
    seed: int,
    only_critic: bool,
    as_json: bool,
) -> None:
    """Measure RUN, by default the pretrained one.

    The clips that it makes are compared with real ones of recordings that it never saw: do they sound like their
    genre, are they as sharp and as varied, are they new? Real clips on their way through the run show where it loses.
    docs/evaluation.md says what each number means. It takes some minutes.

    \b
    genvae evaluate --store store
    genvae evaluate run --store store --baseline reference-run --json
    genvae evaluate run --store store --worst worst --seconds 8
    """
    from genvae.clips.store import ClipStore
    from genvae.metrics.critic import Critic
    from genvae.metrics.embedder import default_embedder
    from genvae.metrics.evaluation import Evaluation
    from genvae.metrics.report import as_json as to_json
    from genvae.metrics.report import continuity_table, tables
    from genvae.plugin.registry import installed
    from genvae.run import Run
    from genvae.verbs import open_run

    if store_path is None:
        raise OptionError(
            "Name the store that the run was trained on with --store: what it makes is compared with the "
            "recordings of it that were kept for validation."
        )
    run, store = open_run(run_path), ClipStore.open(store_path)
    if run.data.get("store") != store.digest:
        say(
            f"Warning: {run.path} was not trained on {store_path} as it is now. It may know the recordings that it is "
            "compared with, and its training clips may be others."
        )
    if only_critic:
        Critic.of_store(store, run.config.genres, default_embedder()).save(run.critic_path)
        if as_json:
            show_json({"path": str(run.critic_path)})
        else:
            show_path(run.critic_path)
        return
    generated = None if folder is None else read_generated(folder, run.config.genres, store)
    baseline = None if baseline_path is None else Run(baseline_path)
    evaluation = Evaluation(
        run, installed(), store, generated=generated, baseline=baseline, candidates=candidates, clips=clips, seed=seed
    )
    if evaluation.judge.clips < clips:
        say(f"Only {evaluation.judge.clips} clips of each genre can be compared.")
    with tracked(list(evaluation.sources), "Measuring") as names:
        rows = [evaluation.row(name) for name in names]
    held = None if seconds is None else evaluation.continuities(seconds)
    oddities = [] if worst_path is None else write_worst(evaluation, worst_path)
    if as_json:
        said = to_json(evaluation, rows)
        if held is not None:
            said["continuity"] = {
                "seconds": seconds,
                "rows": {name: {genre: asdict(own) for genre, own in genres.items()} for name, genres in held.items()},
            }
        show_json(said | ({"worst": [path for path, _ in oddities]} if worst_path else {}))
        return
    made = tables(evaluation, rows)
    if held is not None and seconds is not None:
        made.append(continuity_table(seconds, held))
    for number, table in enumerate(made):
        if number:
            click.echo()
        click.echo(table.title)
        show_table(table.heads, table.rows)
    if oddities:
        click.echo()
        click.echo("Farthest from real clips, and in what they differ from those that they stand for")
        show_table(["file", "why"], [[path, str(oddity)] for path, oddity in oddities])


def write_worst(evaluation: Evaluation, folder: Path) -> list[tuple[str, Oddity]]:
    """Write the generated clips that are farthest from real ones; their paths, and what is odd about them."""
    from genvae.audio import wav
    from genvae.cli.runs import file_stem

    oddities, clips = evaluation.worst(WORST)
    make_folder(folder)
    written = []
    places: Counter[str] = Counter()
    for oddity in oddities:
        places[oddity.genre] += 1
        path = folder / f"{file_stem(oddity.genre)}-{places[oddity.genre]}-clip-{oddity.index:03d}.wav"
        about = {"ISFT": f"genvae {genvae.__version__}", "ICMT": str(oddity)}
        save(
            path,
            wav.encode(clips[oddity.genre][oddity.index], evaluation.judge.store.sample_rate, about),
            overwrite=True,
        )
        written.append((str(path), oddity))
    return written


def read_generated(folder: Path, genres: tuple[str, ...], store: ClipStore) -> dict[str, Waves]:
    """The sound files of a folder with a subfolder for each genre, [N, clip_samples] at the store's rate.

    Of each file the first clip counts; a shorter one is filled with silence.

    Raises:
        GenvaeError: a genre has no folder, or too few files.
        AudioError: a file can't be read.
    """
    import numpy as np

    from genvae.audio.decode import SUFFIXES

    found: dict[str, Waves] = {}
    for genre in genres:
        inside = folder / genre
        if not inside.is_dir():
            raise GenvaeError(
                f"{inside} is not there. Put the clips of each genre into {folder}/GENRE, with GENRE one "
                f"of {', '.join(genres)}."
            )
        files = sorted(file for file in inside.iterdir() if file.suffix.lower() in SUFFIXES)
        if len(files) < 2:
            raise GenvaeError(f"{inside} holds {len(files)} sound files; two is the least that can be compared.")
        found[genre] = np.stack([_first_clip(file, store) for file in files])
    return found


def _first_clip(file: Path, store: ClipStore) -> Waves:
    import numpy as np

    from genvae.audio.read import read_mono

    samples = store.clip_samples
    try:
        wave = read_mono(file, store.sample_rate, seconds=samples / store.sample_rate).wave
    except OSError as error:
        raise AudioError(f"{file}: {error.strerror}.") from error
    except AudioError as error:
        raise AudioError(f"{file}: {error}.") from error
    return np.pad(wave[:samples], (0, max(samples - len(wave), 0)))
