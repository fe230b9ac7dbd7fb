"""Tries every oddity of `sounding.py` on `genvae prepare`, and tells what became of it: the table of docs/formats.md.

python tests/audio/formats.py            # prints it
python tests/audio/formats.py --write    # puts it into docs/formats.md
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from sounding import ODDITIES, Maker

from genvae.clips.shard import Seal
from genvae.clips.work import Settings, Task, run_task
from genvae.interfaces.dataset import Dataset
from genvae_plugins.datasets.folder import Folder
from genvae_plugins.datasets.through_pydub import ThroughPydub

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BEGIN, END = "<!-- made by tests/audio/formats.py -->\n", "<!-- the end of it -->\n"


def outcome(dataset: Dataset, out: Path) -> Seal:
    """What `prepare` makes of the one recording of a dataset."""
    [recording] = dataset.recordings()
    out.mkdir(exist_ok=True)
    return run_task(Task(out, "0" * 32, "music", recording, Settings(validation=0.0)))


def told(seal: Seal) -> str:
    """The outcome in words, without the numbers that hang on the version of an encoder."""
    reason = seal.reason
    reason = re.sub(r"^it is in no format that libsndfile knows, but", "libsndfile does not know it, but", reason)
    reason = re.sub(r"\d+ bytes there", "bytes there", reason)
    reason = re.sub(r"(from|at) \d+\.\d+( to \d+\.\d+)? s", lambda m: f"{m[1]} A{' to B' if m[2] else ''} s", reason)
    reason = re.sub(r"(declares|decoded) (\d+\.\d+) s", lambda m: f"{m[1]} {float(m[2]):.0f} s", reason)
    reason = re.sub(r"(ffmpeg: ).*", r"\1…)", reason)
    kept = f"{seal.state}, {seal.clips} clips" if seal.clips else seal.state
    return f"{kept}: {reason}" if reason else kept


def without_tools(form: str, oddity: str) -> bool:
    """Whether soundfile alone can make the file."""
    return form in ("wav", "AIFF", "AU", "W64", "RF64", "CAF") and "inside" not in oddity


def rows(*, only_ours: bool = False) -> list[tuple[str, str, str]]:
    """Format, oddity, and what genvae does."""
    made = []
    with tempfile.TemporaryDirectory() as folder:
        maker = Maker(Path(folder))
        for number, (form, oddity, suffix, make) in enumerate(ODDITIES):
            if only_ours and not without_tools(form, oddity):
                continue
            root = Path(folder) / f"music {number}"
            (root / "genre").mkdir(parents=True)
            (root / "genre" / f"sound.{suffix}").write_bytes(make(maker))
            by_folder = told(outcome(Folder(None, root), Path(folder) / "out"))
            if "pydub" in by_folder:
                by_pydub = told(outcome(ThroughPydub(None, root), Path(folder) / "out"))
                by_folder += f". With that: {by_pydub}"
            made.append((form, oddity, by_folder))
    return made


def table(*, only_ours: bool = False) -> str:
    lines = ["| format | of 10 s (joined: 20 s) | what `genvae prepare` makes of it |", "|---|---|---|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows(only_ours=only_ours))]) + "\n"


def on_page(text: str) -> str:
    """The table that stands in a page."""
    return text.partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    made = table()
    if "--write" in sys.argv:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + made + END + rest.partition(END)[2])
    else:
        print(made, end="")
