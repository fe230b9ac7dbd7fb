"""What `genvae plugins new` writes: a complete distribution of one plugin, from the templates beside this file.

A template is a file whose name ends in .txt and whose text holds $name (my-phases), $distribution (genvae-my-phases),
$package (genvae_my_phases), $Class (MyPhases), $kind, $genvae (the version that wrote it) and $use (a command line).
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from string import Template

import genvae
from genvae.errors import GenvaeError, PluginError
from genvae.files import write_whole

TEMPLATES = Path(__file__).parent / "templates"

_USE = {
    "dataset": "genvae prepare MUSIC --dataset {name} --out store",
    "vocoder": "genvae generate --genre techno --vocoder {name}",
    "schedule": "genvae train store --run run --set train.schedule={name}",
    "callback": "genvae train store --run run --set train.callbacks={name}",
    "embedder": "genvae evaluate run --store store",
    "metric": "genvae evaluate run --store store",
}
_TRAIN = "genvae train store --{kind} {name} --run run"
_LEARNS = "genvae train-vocoder store --for pretrained --vocoder {name} --run run"


def write(name: str, kind: str, folder: Path, *, learns: bool = False) -> Path:
    """Write the distribution `genvae-NAME` into a folder that is new or empty, and return the folder.

    Args:
        name: of the plugin.
        kind: of the plugin.
        folder: to write.
        learns: whether a vocoder is to be one that is trained.

    Raises:
        PluginError: the name can't be a plugin's, or is taken.
        GenvaeError: the folder can't be used.
    """
    package = _package(name, kind)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise GenvaeError(f"{folder} exists and is not empty. Name a new folder with -o DIR.")
    values = {
        "name": name,
        "distribution": f"genvae-{name}",
        "package": package,
        "Class": "".join(part.capitalize() for part in name.split("-")),
        "kind": kind,
        "genvae": genvae.__version__,
        "use": (_LEARNS if learns else _USE.get(kind, _TRAIN)).format(kind=kind, name=name),
    }
    if learns and kind != "vocoder":
        raise PluginError(f"Only a vocoder may learn or not: a {kind} is what it is.")
    own = TEMPLATES / (f"learning-{kind}" if learns else kind)
    for template in sorted([*(TEMPLATES / "common").rglob("*.txt"), *own.rglob("*.txt")]):
        inside = template.relative_to(TEMPLATES).parts[1:]
        path = folder.joinpath(*inside).with_name(inside[-1].removesuffix(".txt"))
        if own in template.parents:
            path = folder / package / path.relative_to(folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = Template(template.read_text(encoding="utf-8")).substitute(values)
        write_whole(path, text.encode())
    return folder


def _package(name: str, kind: str) -> str:
    """The name of the package that a plugin is to live in.

    Raises:
        PluginError: the name can't be a plugin's, or is taken.
    """
    if name.startswith("genvae-"):
        raise PluginError(
            f"Leave genvae- out: the plugin {name.removeprefix('genvae-')!r} will be distributed as {name}."
        )
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        hint = f" such as {plain!r}," if plain else ""
        raise PluginError(f"A plugin's name is lower-case letters and digits with hyphens between,{hint} not {name!r}.")
    from genvae.plugin.registry import installed

    for row in installed().declared():
        if (row.kind, row.name) == (kind, name):
            raise PluginError(f"{row.distribution} has a {kind} {name!r} already: take another name.")
    package = f"genvae_{name.replace('-', '_')}"
    if importlib.util.find_spec(package) is not None:
        raise PluginError(f"There is a Python package {package} already: take another name.")
    return package
