"""How many times as fast as other libraries genvae is, against docs/benchmarks.json; what has fallen ends this with 1.

    python benchmarks/ratios.py                   compare with the last ratios; what falls below is measured once more
    python benchmarks/ratios.py --keep [--runs 5] keep the medians of so many runs, for this kind of processor
    python benchmarks/ratios.py --table           write the Markdown table of those that are kept

Needs the other libraries: pip install 'genvae[bench]'. The contenders take turns on one thread, so that a busy machine
hits all of them, and processor time counts. A ratio has fallen if it is below three quarters of the least of the last
runs on the same kind of processor, which has the same vector instructions; on a kind that is not kept, below half of
the least that is.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
)

import torch

from genvae.bench import leads, machine
from genvae.bench.harness import Conditions
from genvae.bench.sounds import Sounds
from genvae.bench.suites import Context
from genvae.plugin.registry import installed

KEPT = Path(__file__).parent.parent / "docs" / "benchmarks.json"
SECONDS, ROUNDS = 2.0, 9  # of a case, at most


@contextmanager
def measuring() -> Iterator[Callable[..., dict[str, float]]]:
    """Within, gives what measures the ratios once: of all that there is, or of the names that it is given."""
    registry = installed()
    with tempfile.TemporaryDirectory(prefix="genvae-ratios-") as scratch:
        context = Context(
            conditions=Conditions(peers=True, seconds=SECONDS, rounds=ROUNDS),
            registry=registry,
            sounds=Sounds(None, registry),  # invented music, the same everywhere
            thorough=False,
            scratch=Path(scratch),
        )
        yield partial(leads.run, context)


def table(kept: dict[str, list[leads.Lead]]) -> str:
    """The ratios that are kept as a Markdown table, with the least and the most of the runs."""
    names = list(dict.fromkeys(lead.name for each in kept.values() for lead in each))
    lines = ["| work: the other library | " + " | ".join(kept) + " |", "|---" * (1 + len(kept)) + "|"]
    for name in names:
        cells = []
        for each in kept.values():
            found = next((lead for lead in each if lead.name == name), None)
            cells.append(f"{found.ratio:.2f} ({found.low:.2f} to {found.high:.2f})" if found else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="keep what is measured as the last ratios")
    parser.add_argument("--runs", type=int, default=5, help="whose medians are kept")
    parser.add_argument("--table", action="store_true", help="measure nothing, write the table of what is kept")
    parser.add_argument("--file", type=Path, default=KEPT, help="where ratios are kept")
    wish = parser.parse_args()
    kept = leads.read(wish.file)
    if wish.table:
        print(table(kept))
        return 0
    here = machine.describe(threads=1, device="cpu")
    here["processor"] += f", {torch.backends.cpu.get_cpu_capability()}"  # one name stands for many
    if wish.keep:
        with measuring() as measured:
            found = leads.summed([measured() for _ in range(wish.runs)])
        leads.keep(wish.file, here, found)
        print(table({here["processor"]: found}))
        return 0
    floors = leads.floors(kept, here["processor"])
    with measuring() as measured:
        ratios = measured()
        low = leads.fallen(ratios, floors)
        if low:
            print(f"Once more: {', '.join(sorted(low))}", file=sys.stderr)
            ratios |= measured(low)
            low = leads.fallen(ratios, floors)
    for name, ratio in ratios.items():
        floor = floors.get(name)
        print(f"{name}: {ratio:.2f}" + (f", at least {floor:.2f}" if floor else ", new") + " FALLEN" * (name in low))
    gone = sorted(floors.keys() - ratios.keys())
    if gone:
        print(f"No longer measured, though docs/benchmarks.json has it: {', '.join(gone)}", file=sys.stderr)
    return 1 if low or gone else 0


if __name__ == "__main__":
    sys.exit(main())
