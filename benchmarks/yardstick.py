"""Proves the yardstick: ranks clips whose order an independent judge has told, and writes it into docs/evaluation.md.

    git worktree add old 90518e9            # its genvae/pretrained/default is the run that was judged
    python benchmarks/yardstick.py old/genvae/pretrained/default STORE [CLIPS]

The judge hears by published music taggers, and compared with recordings that nobody here has. Its distances of the
stages of that run stand below. Here the same stages are made of the validation clips of STORE, recordings that the run
was not trained on, and ranked twice: beside other clips of the same recordings, as the judge did, and beside clips of
other recordings, as `genvae evaluate` does.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from genvae.clips.store import ClipStore
from genvae.files import write_whole
from genvae.metrics.committee import Committee, distance, spearman
from genvae.metrics.comparison import Rating
from genvae.metrics.evaluation import Evaluation
from genvae.metrics.judge import CLIPS, Judge
from genvae.plugin.registry import installed
from genvae.run import Run

PAGE = Path(__file__).parent.parent / "docs" / "evaluation.md"
GENRES = ("piano", "rock", "techno")
JUDGED = {  # distances by that judge: mean, and of each genre
    "real, unseen recordings": (26, 29, 32, 18),
    "unseen, front end and vocoder": (27, 30, 33, 18),
    "unseen, codes": (75, 53, 105, 67),
    "unseen, codes and detail": (66, 42, 100, 57),
    "unseen, codes, detail and texture": (70, 87, 69, 52),
    "real, training recordings": (57, 36, 93, 43),
    "training, codes, detail and texture": (93, 92, 102, 85),
    "training, posterior": (111, 109, 117, 107),
    "generated": (155, 214, 138, 114),
}
OTHERS = {"KID": "kid", "told apart": "auc", "density": "density", "coverage": "coverage", "diversity": "diversity"}
_TURNED = ("density", "coverage", "diversity")  # where more is nearer to real


def main() -> None:
    """Make the stages, rank them, and write the tables."""
    run, store, clips = Run(Path(sys.argv[1])), ClipStore.open(Path(sys.argv[2])), [int(n) for n in sys.argv[3:4]]
    evaluation = Evaluation(run, installed(), store, clips=clips[0] if clips else CLIPS, reference="same recordings")
    heard = {}
    for name in JUDGED:
        heard[name] = evaluation.hear(name)
        print(f"made: {name}", file=sys.stderr, flush=True)
    judges = {
        "other clips of the same recordings": evaluation.judge,
        "clips of other recordings": Judge(store, evaluation.genres, clips=evaluation.judge.clips),
    }
    blocks = []
    for what, judge in judges.items():
        ratings = {name: judge.rate_embeddings(each) for name, each in heard.items()}
        blocks.append(f"Beside {what}:\n\n{ranks(ratings)}\n\n{correlations(ratings)}")
    members = " and ".join(member.name for member in evaluation.judge.members)
    said = f"`python benchmarks/yardstick.py RUN STORE`, run {run.digest()}, {evaluation.judge.clips} clips a genre; "
    said += f"by {members}."
    page = PAGE.read_text(encoding="utf-8")
    block = "<!-- proof -->\n" + said + "\n\n" + "\n\n".join(blocks) + "\n<!-- end of proof -->"
    print(block)
    made = re.sub("<!-- proof -->.*<!-- end of proof -->", lambda _: block, page, flags=re.DOTALL)
    write_whole(PAGE, made.encode())


def ranks(ratings: Mapping[str, Rating]) -> str:
    """A row for each stage: the judge's distance, the members' and the committee's mean rank."""
    members = list(next(iter(ratings.values())))
    committee = Committee.of(list(ratings.values()))
    lines = [f"| clips | judge | {' | '.join(member.split(' (')[0] for member in members)} | committee's rank |"]
    lines.append("|" + "---|" * (len(members) + 3))
    for (name, rating), rank in zip(ratings.items(), committee.ranks, strict=True):
        own = " | ".join(f"{distance(rating, member):.1f}" for member in members)
        lines.append(f"| {name} | {JUDGED[name][0]} | {own} | {rank:.1f} |")
    return "\n".join(lines)


def correlations(ratings: Mapping[str, Rating]) -> str:
    """Rank correlations with the judge, of the mean over genres and of each genre."""
    members = list(next(iter(ratings.values())))
    rows: dict[str, Callable[[str | None], NDArray[np.float64]]] = {
        "committee": lambda genre: Committee.of(list(ratings.values()), genre).ranks,
    }
    for member in members:
        short = member.split(" (")[0]
        rows[f"{short}, distance"] = lambda genre, m=member: np.array([distance(r, m, genre) for r in ratings.values()])
        for title, field in OTHERS.items():
            rows[f"{short}, {title}"] = lambda genre, m=member, f=field: np.array(
                [(-1 if f in _TURNED else 1) * of(r, m, genre, f) for r in ratings.values()]
            )
    lines = [
        "| rank correlation with the judge | mean | " + " | ".join(GENRES) + " |",
        "|" + "---|" * (len(GENRES) + 2),
    ]
    for name, values in rows.items():
        cells = []
        for place, genre in enumerate((None, *GENRES)):
            judged = np.array([float(JUDGED[each][place]) for each in ratings])
            cells.append(f"{spearman(values(genre), judged):.2f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def of(rating: Rating, member: str, genre: str | None, field: str) -> float:
    """A number of a member, of a genre or the mean over genres."""
    estimate = rating[member]
    value: float = getattr(estimate.value if genre is None else estimate.genres[genre], field)
    return value


if __name__ == "__main__":
    main()
