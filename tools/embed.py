"""Embeds a trained run in the package: its description, weights and maps, the music's credits, and a model card.

    python tools/embed.py RUN STORE MANIFEST "MACHINE" "genvae train ..." ["genvae train ..."]

Make the run's second map before: genvae map RUN --method umap (the first is made when training ends).
MANIFEST is the corpus's CSV (genre, file, seconds, source_package, version, path_in_package, licence, author).
MACHINE says on
what the run was trained, the last arguments how: a command for each training that it
goes back to, its own last. Every number in the card is computed here.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

from genvae.files import write_whole
from genvae.latents import METHODS, map_methods
from genvae.run import Run

TARGET = Path(__file__).parent.parent / "genvae" / "pretrained" / "default"
TEMPLATE = Path(__file__).parent / "model_card.md"
CANDIDATES = 4  # in the row that shows what choosing among them does
COLUMNS = ("genre", "recording", "seconds", "source_package", "version", "path_in_package", "licence", "author")


def main() -> None:
    """Write the folder `genvae/pretrained/default`."""
    path, store, manifest, machine, *commands = sys.argv[1:]
    run = Run(Path(path))
    if missing := set(METHODS) - set(map_methods(run)):
        sys.exit(f"{path} has no {' and no '.join(sorted(missing))} map. Make it with: genvae map {path} --method ...")
    with Path(manifest).open(encoding="utf-8", newline="") as file:
        rows = [{**row, "recording": Path(row["file"]).stem} for row in csv.DictReader(file)]
    lines = [json.loads(line) for line in run.metrics_path.read_text(encoding="ascii").splitlines()]
    TARGET.mkdir(exist_ok=True)
    for file_name in ("pipeline.json", "map.safetensors"):
        shutil.copyfile(run.path / file_name, TARGET / file_name)
    halved(run.weights_path, TARGET / "weights.safetensors")
    run = Run(TARGET)
    evaluate = [sys.executable, "-m", "genvae", "evaluate", "--store", store]
    subprocess.run([*evaluate, "--critic"], stdout=subprocess.PIPE, check=True)
    table = subprocess.run([*evaluate, "--candidates", str(CANDIDATES)], stdout=subprocess.PIPE, text=True, check=True)
    with (TARGET / "CREDITS.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    write_whole(TARGET / "MODEL_CARD.md", card(run, lines, rows, machine, commands, table.stdout.strip()).encode())


def halved(weights: Path, target: Path) -> None:
    """Write a run's weights with the model's and the prior's rounded to half precision, for a wheel below 30 MB."""
    from safetensors.torch import load_file

    from genvae.run import save_tensors

    tensors = load_file(weights)
    save_tensors(target, {n: t.half() if n.startswith(("model.", "prior.")) and t.is_floating_point() else t
                          for n, t in tensors.items()})  # fmt: skip


def card(
    run: Run, lines: list[dict[str, Any]], rows: list[dict[str, str]], machine: str, commands: list[str], table: str
) -> str:
    """The model card of an embedded run, whose log has these lines."""
    from safetensors import safe_open

    last = next(line for line in reversed(lines) if line["kind"] == "validation")
    seconds = max(line["seconds"] for line in lines if line["kind"] == "train")
    batch = run.training["options"]["batch_size"]
    with safe_open(run.weights_path, framework="np") as weights:
        count = sum(weights.get_tensor(name).size for name in weights.keys() if name.startswith("model."))  # noqa: SIM118  # not a mapping
    by_package: defaultdict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        by_package[row["source_package"]].append(row)
    credits = "\n".join(
        f"| {package} | {len(own)} | {sum(float(r['seconds']) for r in own) / 60:.1f} "
        f"| {', '.join(sorted({r['genre'] for r in own}))} | {'; '.join(sorted({r['licence'] for r in own}))} "
        f"| {'; '.join(sorted({r['author'] or 'not named' for r in own}))} |"
        for package, own in sorted(by_package.items())
    )
    config = run.config
    *others, final = config.genres
    return TEMPLATE.read_text(encoding="utf-8").format(
        digest=run.digest(), weights=count / 1e6, size=run.weights_path.stat().st_size / 1e6, rate=config.sample_rate,
        genres=f"{', '.join(others)} and {final}", model=config.model.plugin, prior=config.prior.plugin,
        transform=config.transform.plugin, vocoder=config.vocoder.plugin, command="\n    ".join(commands),
        machine=machine, minutes=seconds / 60, steps=last["step"], batch=batch,
        epochs=round(last["step"] * batch / run.data["clips"]["train"], 1),
        seed=run.training["seed"], speed=last["step"] * batch / seconds, train=run.data["clips"]["train"],
        validation=run.data["clips"]["validation"], nll=last["nll"], kl=last["kl"], distance=last["distance_db"],
        active=last["active_units"], latents=config.model.options["latent_dim"], candidates=CANDIDATES, table=table,
        recordings=len(rows),
        hours=sum(float(row["seconds"]) for row in rows) / 3600, credits=credits,
    )  # fmt: skip


if __name__ == "__main__":
    main()
