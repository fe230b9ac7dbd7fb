"""Writes the tables of the pretrained run into docs/evaluation.md, with the command that made them.

    python benchmarks/evaluation.py STORE [BASELINE]

BASELINE is a run of reference-vae with the same budget.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from genvae.files import write_whole

PAGE = Path(__file__).parent.parent / "docs" / "evaluation.md"


def main() -> None:
    """Replace what stands between the page's two marks."""
    store, *baseline = sys.argv[1:]
    more = ["--candidates", "4", "--seconds", "8", *(["--baseline", *baseline] if baseline else [])]
    command = [sys.executable, "-m", "genvae", "evaluate", "--store", store, *more]
    table = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    said = "genvae evaluate --store STORE --candidates 4 --seconds 8" + (" --baseline BASELINE" if baseline else "")
    block = f"<!-- table -->\n`{said}`:\n\n```\n{table}\n```\n<!-- end of table -->"
    page = PAGE.read_text(encoding="utf-8")
    made = re.sub(r"<!-- table -->.*<!-- end of table -->", lambda _: block, page, flags=re.DOTALL)
    write_whole(PAGE, made.encode())


if __name__ == "__main__":
    main()
