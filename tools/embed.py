"""Embeds a trained run in the package: its description, weights and maps, the music's credits, and a model card.

    python tools/embed.py RUN STORE MANIFEST "MACHINE" "genvae train ..." ["genvae train ..."] [--trained RUN]

Make the run's second map before: genvae map RUN --method umap (the first is made when training ends).
MANIFEST is the corpus's CSV, as tools/music_credits.py reads it; what STORE holds of it is credited. MACHINE says on
what the run was trained, the last arguments how: a command for each training that it goes back to, in their order.
`--trained` names the run whose log tells of the model's last steps, where RUN itself was but given another prior or
another vocoder. Every number in the card is computed here.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

from genvae.clips.store import ClipStore
from genvae.files import write_whole
from genvae.latents import METHODS, map_methods
from genvae.run import Run
from music_credits import Credit, credits_of, credits_table, read_credits, write_credits

TARGET = Path(__file__).parent.parent / "genvae" / "pretrained" / "default"
TEMPLATE = Path(__file__).parent / "model_card.md"
CANDIDATES = 4  # in the row that shows what choosing among them does


def main() -> None:
    """Write the folder `genvae/pretrained/default`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "store", "manifest", "machine"):
        parser.add_argument(name)
    parser.add_argument("commands", nargs="+")
    parser.add_argument("--trained", type=Path)
    asked = parser.parse_args()
    path, store, manifest, run = asked.run, asked.store, asked.manifest, Run(Path(asked.run))
    trained = Run(asked.trained or run.path)
    if missing := set(METHODS) - set(map_methods(run)):
        sys.exit(f"{path} has no {' and no '.join(sorted(missing))} map. Make it with: genvae map {path} --method ...")
    recordings = [recording.id for recording in ClipStore.open(store).recordings]
    credits = credits_of(recordings, read_credits(Path(manifest)))
    TARGET.mkdir(exist_ok=True)
    for file_name in ("pipeline.json", "map.safetensors"):
        shutil.copyfile(run.path / file_name, TARGET / file_name)
    halved(run.weights_path, TARGET / "weights.safetensors")
    run = Run(TARGET)
    run.seal()
    evaluate = [sys.executable, "-m", "genvae", "evaluate", "--store", store]
    subprocess.run([*evaluate, "--critic"], stdout=subprocess.PIPE, check=True)
    table = subprocess.run([*evaluate, "--candidates", str(CANDIDATES)], stdout=subprocess.PIPE, text=True, check=True)
    write_credits(TARGET / "CREDITS.csv", credits)
    write_whole(
        TARGET / "MODEL_CARD.md",
        card(run, trained, credits, asked.machine, asked.commands, table.stdout.strip()).encode(),
    )


def halved(weights: Path, target: Path) -> None:
    """Write a run's weights, all but the transform's rounded to half precision, for a wheel below 30 MB."""
    from safetensors.torch import load_file

    from genvae.run import save_tensors

    tensors = load_file(weights)
    save_tensors(
        target,
        {n: t.half() if not n.startswith("transform.") and t.is_floating_point() else t for n, t in tensors.items()},
    )


def card(run: Run, trained: Run, credits: list[Credit], machine: str, commands: list[str], table: str) -> str:
    """The model card of a pretrained run; `trained` is the run of the model's last training that took steps."""
    from safetensors import safe_open

    lines = [json.loads(line) for line in trained.metrics_path.read_text(encoding="ascii").splitlines()]
    last = next(line for line in reversed(lines) if line["kind"] == "validation")
    seconds = max(line["seconds"] for line in lines if line["kind"] == "train")
    batch = trained.training["options"]["batch_size"]
    with safe_open(run.weights_path, framework="np") as weights:
        learnt = [name for name in weights.keys() if name.startswith(("model.", "vocoder."))]  # noqa: SIM118  # no mapping
        count = sum(weights.get_tensor(name).size for name in learnt)
    config = run.config
    *others, final = config.genres
    return TEMPLATE.read_text(encoding="utf-8").format(
        digest=run.digest(),
        weights=count / 1e6,
        size=run.weights_path.stat().st_size / 1e6,
        rate=config.sample_rate,
        genres=f"{', '.join(others)} and {final}",
        model=config.model.plugin,
        prior=config.prior.plugin,
        transform=config.transform.plugin,
        vocoder=config.vocoder.plugin,
        command="\n    ".join(commands),
        machine=machine,
        minutes=seconds / 60,
        steps=last["step"],
        batch=batch,
        epochs=round(last["step"] * batch / run.data["clips"]["train"], 1),
        seed=trained.training["seed"],
        speed=last["step"] * batch / seconds,
        train=run.data["clips"]["train"],
        validation=run.data["clips"]["validation"],
        nll=last["nll"],
        kl=last["kl"],
        distance=last["distance_db"],
        active=last["active_units"],
        latents=config.model.options["latent_dim"],
        candidates=CANDIDATES,
        table=table,
        recordings=len(credits),
        hours=sum(float(credit["seconds"]) for credit in credits) / 3600,
        credits=credits_table(credits),
    )


if __name__ == "__main__":
    main()
