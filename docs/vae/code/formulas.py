"""Draws every formula of docs/vae as SVG, so that it shows on any forge, offline, on a light or a dark ground.

    python docs/vae/code/formulas.py          # writes docs/vae/formulas/*.svg
    python docs/vae/code/formulas.py --check  # says which differ, and exits with 1

The formula stands in the text itself, as the alternative text of its picture: `![TeX](formulas/NAME.svg)` on a line of
its own. A reader who sees no pictures therefore reads TeX.
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot as plt

HERE = Path(__file__).resolve().parent.parent
FORMULA = re.compile(r"^!\[(.*)\]\((formulas/[\w-]+\.svg)\)$", re.MULTILINE)


def formulas() -> dict[Path, str]:
    """The TeX of every formula in the texts, by its file.

    Raises:
        ValueError: two formulas have one name.
    """
    found: dict[Path, str] = {}
    for text in sorted(HERE.glob("*.md")):
        for tex, name in FORMULA.findall(text.read_text()):
            if found.setdefault(HERE / name, tex) != tex:
                raise ValueError(f"{text.name}: there are two formulas {name}")
    return found


def svg(tex: str) -> str:
    """A formula as SVG with outlines for letters, black on white; the same bytes each time."""
    plt.rcParams.update({"svg.hashsalt": "genvae", "svg.fonttype": "path", "mathtext.fontset": "cm"})
    figure = plt.figure(figsize=(0.1, 0.1))
    figure.text(0, 0, f"${tex}$", fontsize=15)
    buffer = io.StringIO()
    figure.savefig(
        buffer,
        format="svg",
        bbox_inches="tight",
        pad_inches=0.1,
        facecolor="white",
        metadata={"Date": None, "Title": tex},
    )
    plt.close(figure)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def main() -> None:
    """Write or check all of them, and take away those that no text names."""
    wanted = {path: svg(tex) for path, tex in formulas().items()}
    present = set((HERE / "formulas").glob("*.svg"))
    changed = {path for path in present & wanted.keys() if path.read_text() != wanted[path]}
    stale = sorted(path.name for path in (present ^ wanted.keys()) | changed)
    if "--check" in sys.argv[1:]:
        if stale:
            sys.exit(f"Out of date: {', '.join(stale)}. Run: python docs/vae/code/formulas.py")
        return
    for path in present - wanted.keys():
        path.unlink()
    for path, drawn in wanted.items():
        path.write_text(drawn)


if __name__ == "__main__":
    main()
