"""What authors get wrong, in distributions that are really installed: one line with its cure, and no harm to others."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
from conftest import SMALL
from distributions import build_wheel, install

# Every default has a namesake.
NAMESAKES = """
import genvae
@genvae.hookimpl
def genvae_datasets():
    yield genvae.DatasetPlugin(name="folder", summary="S.", factory="no_such_module:X")
@genvae.hookimpl
def genvae_transforms():
    yield genvae.TransformPlugin(name="stft", summary="S.", factory="no_such_module:X")
@genvae.hookimpl
def genvae_models():
    yield genvae.ModelPlugin(name="flow-vae", summary="S.", factory="no_such_module:X")
@genvae.hookimpl
def genvae_priors():
    yield genvae.PriorPlugin(name="local", summary="S.", factory="no_such_module:X")
@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name="pghi-refined", summary="S.", factory="no_such_module:X")
@genvae.hookimpl
def genvae_schedules():
    yield genvae.SchedulePlugin(name="cosine", summary="S.", factory="no_such_module:X")
@genvae.hookimpl
def genvae_callbacks():
    yield genvae.CallbackPlugin(name="tensorboard", summary="S.", factory="no_such_module:X")
"""
# A vocoder with weights that come from a file: it makes a constant.
TINY = """
from __future__ import annotations
from dataclasses import dataclass
from typing import Annotated
import genvae
@dataclass(frozen=True, kw_only=True)
class TinyOptions:
    weights: Annotated[genvae.Asset | None, genvae.Option("a tensor of one number")] = None
    level: Annotated[float, genvae.Option("what the number is multiplied with", least=0, most=1)] = 1.0
@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name="tiny", summary="S.", factory="acme_tiny.vocoder:Tiny", options=TinyOptions)
"""
TINY_VOCODER = """
import torch, genvae
class Tiny(genvae.Vocoder):
    def __init__(self, options, *, spec):
        super().__init__(options, spec=spec)
        self.level = options.level
        self.weight = torch.nn.Parameter(torch.zeros(1))
        if options.weights is not None and options.weights.path is not None:
            self.load_state_dict(torch.load(options.weights.path, weights_only=True))
    def forward(self, spectrogram, *, length=None, generator=None):
        return self.level * self.weight.expand(len(spectrogram), length)
"""
# A model with a slip of the author's, by name.
SLIPS = """
from __future__ import annotations
from dataclasses import dataclass
import genvae
@dataclass(frozen=True, kw_only=True)
class SlipOptions:
    slip: str = ""
@genvae.hookimpl
def genvae_models():
    yield genvae.ModelPlugin(name="slips", summary="S.", factory="acme_slips.model:Slips", options=SlipOptions)
def unavailable():
    raise LookupError("no licence server")
@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name="unasked", summary="S.", factory="acme_slips.model:X", unavailable=unavailable)
"""
SLIPS_MODEL = """
import torch, genvae
from torch import nn
class Slips(genvae.Model):
    def __init__(self, options, *, spec, frames, genres):
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.slip = options.slip
        if self.slip != "no latent_dim":
            self.latent_dim = 2
        self.layer = nn.Linear(spec.bins * frames, 4)
        self.back = nn.Linear(2, spec.bins * frames)
        self.shape = (spec.bins, frames)
    def fit(self, features):
        if self.slip == "fit":
            raise IndexError("nothing measured")
    def encode(self, features, genre):
        mean, log_variance = self.layer(features.flatten(1)).chunk(2, dim=1)
        if self.slip == "a tuple" and not self.training: return mean, log_variance
        if self.slip == "half a mean" and not self.training: mean = mean[:, :1]
        return genvae.Posterior(mean, log_variance)
    def decode(self, z, genre, *, generator=None):
        flat = self.back(z)
        return flat if self.slip == "flat" and not self.training else flat.unflatten(1, self.shape)
    def loss(self, features, genre, *, generator):
        mean, log_variance = self.layer(features.flatten(1)).chunk(2, dim=1)
        error = (self.back(mean).unflatten(1, self.shape) - features).square()
        given = {"loss": error.mean(), "kl": error.sum()}
        if self.slip == "a float": given["kl"] = 0.5
        if self.slip == "a word": given["kl"] = "much"
        if self.slip == "no scalar": given["loss"] = error
        if self.slip == "no loss": given["nll"] = given.pop("loss")
        if self.slip == "detached": given["loss"] = given["loss"].detach()
        if self.slip == "complex": given["kl"] = torch.tensor(1j)
        if self.slip == "loss raises": torch.zeros(2) @ torch.zeros(3)
        return given
    def optimizers(self):
        adam = torch.optim.Adam(self.parameters())
        return adam if self.slip == "one optimiser" else [] if self.slip == "no optimiser" else [adam]
    def training_step(self, features, genre, step):
        parts = super().training_step(features, genre, step)
        return None if self.slip == "no parts" else parts
"""
# One that talks: when it is imported, when it is made, and when it works.
LOUD = """
import logging, warnings
import genvae
print("acme is here")
warnings.warn("acme is old")
logging.basicConfig(level=logging.DEBUG)
@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name="loud", summary="S.", factory="acme_loud.vocoder:Loud")
"""
LOUD_VOCODER = """
import torch, genvae
print("the vocoder is imported")
class Loud(genvae.Vocoder):
    def __init__(self, options, *, spec):
        super().__init__(options, spec=spec)
        print("the vocoder is made")
    def forward(self, spectrogram, *, length=None, generator=None):
        print("the vocoder works")
        return torch.zeros(len(spectrogram), length)
"""
DISTRIBUTIONS = {
    "acme-namesakes": {"__init__.py": NAMESAKES},
    "acme-tiny": {"__init__.py": TINY, "vocoder.py": TINY_VOCODER},
    "acme-slips": {"__init__.py": SLIPS, "model.py": SLIPS_MODEL},
    "acme-loud": {"__init__.py": LOUD, "vocoder.py": LOUD_VOCODER},
}

Python = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A folder for each distribution in which it alone is installed."""
    root = tmp_path_factory.mktemp("mistakes")
    found = {}
    for name, files in DISTRIBUTIONS.items():
        wheels = root / f"{name}-wheels"
        wheels.mkdir()
        points = f'[project.entry-points.genvae]\nx = "{name.replace("-", "_")}"\n'
        build_wheel(root / name, name, files, points, wheels)
        found[name] = install(wheels.glob("*.whl"), root / f"{name}-site")
    return found


@pytest.fixture
def python(sites: dict[str, Path], tmp_path: Path) -> Python:
    """Run Python in a new process, in an environment in which one of them is installed."""

    def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(sites[name]), os.environ.get("PYTHONPATH", "")])
        return subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )

    return run


QUICK = {**dict(each.split("=") for each in SMALL if not each.startswith("vocoder")), "train.validation_clips": "2"}


def test_plugins_named_like_the_defaults_change_nothing_for_those_who_do_not_ask_for_them(
    python: Python, tone_store: Path
) -> None:
    program = f"""
import genvae, json
from genvae.testing import plugin_checks
options = {QUICK!r} | {{"model.depth": 1, "model.components": 8, "model.flow_steps": 1}}
del options["model.neck"]
run = genvae.train({str(tone_store)!r}, "run", steps=1, options=options, progress=False)
parts = [run.config.transform, run.config.model, run.config.prior, run.config.vocoder]
genvae.load(run, options={{"vocoder.iterations": 1}}).generate("low", seed=1)
more = genvae.train({str(tone_store)!r}, "more", steps=1, source=run, progress=False)
for check in plugin_checks("zero-phase"):
    if check.name == "silence-stays-silent":
        check()
print(json.dumps([[part.name for part in parts], more.config.model.name]))
"""
    done = python("acme-namesakes", "-c", program)
    assert done.returncode == 0, done.stderr
    defaults = ["genvae:stft", "genvae:flow-vae", "genvae:local", "genvae:pghi-refined"]
    assert json.loads(done.stdout) == [defaults, "genvae:flow-vae"]
    typed = python("acme-namesakes", "-m", "genvae", "train", tone_store, "--run", "x", "--prior", "local")
    assert (
        typed.stderr == "Error: Two distributions have a prior 'local': write acme-namesakes:local or genvae:local.\n"
    )


def test_weights_from_a_file_are_read_once_and_then_live_in_the_run(
    python: Python, tone_store: Path, tmp_path: Path
) -> None:
    program = f"""
import genvae, json, torch
from pathlib import Path
for name, value in (("own", 0.25), ("other", 0.5)):
    torch.save({{"weight": torch.tensor([value])}}, f"{{name}}.pt")
options = {QUICK!r} | {{"vocoder.weights": "own.pt"}}
genvae.train({str(tone_store)!r}, "run", steps=1, model="conv-vae", vocoder="tiny", options=options, progress=False)
Path("own.pt").rename("elsewhere.pt")
def level(**given):
    clip = genvae.load("run", **given).generate("low", seed=1)
    return [round(float(clip.wave[0]), 3), clip.provenance.vocoder["options"]["weights"].partition("#")[0]]
said = [
    level(),
    level(vocoder="tiny"),
    level(vocoder="tiny", options={{"vocoder.weights": "other.pt"}}),
    level(options={{"vocoder.weights": "other.pt"}}),
]
for given in ({{"options": {{"vocoder.level": "0.5"}}}}, {{"options": {{"vocoder.weights": "own.pt"}}}}):
    try:
        said.append(level(**given))
    except genvae.GenvaeError as error:
        said.append(str(error))
from genvae.plugin.registry import installed
from genvae.web.vocoders import offered
page = offered(genvae.Run(Path("run")), installed())
said.append([next(iter(page)), round(float(page["tiny"].generate("low", seed=1).wave[0]), 3)])
print(json.dumps(said))
"""
    done = python("acme-tiny", "-c", program)
    assert done.returncode == 0, done.stderr
    own, same, other, short, changed, missing, page = json.loads(done.stdout)
    assert own == same == [0.25, "own.pt"]
    assert other == short == [0.5, "other.pt"]
    assert page == ["tiny", 0.25]
    assert re.search(r"is to be made with own\.pt#[0-9a-f]{16}, which is not here: give vocoder\.weights", changed)
    assert missing == "vocoder.weights takes a file; own.pt can't be read: No such file or directory."
    said = json.loads((tmp_path / "run" / "pipeline.json").read_text())["pipeline"]["vocoder"]["options"]["weights"]
    assert re.fullmatch(r"own\.pt#[0-9a-f]{16}", said)
    generate = ["-m", "genvae", "generate", "--run", "run", "--genre", "low", "-o", "a.wav"]
    made = python("acme-tiny", *generate, "--set", "vocoder.weights=other.pt")
    assert made.returncode == 0, made.stderr
    assert abs(float(soundfile.read(tmp_path / "a.wav")[0][0]) - 0.5) < 1e-3


SAID = {
    "fit": "failed while being fitted: IndexError: nothing measured (HERE, line 15). GENVAE_STRICT=1 shows more.",
    "a float": "loss (HERE, line 24) gives 'kl' as a float, expected a scalar tensor: return torch.tensor(kl)",
    "a word": "gives 'kl' as a str, expected a scalar tensor",
    "no scalar": "expected a scalar: take its mean()",
    "no loss": "gives no part 'loss', which is what is minimised; it gives 'kl', 'nll': name one 'loss'",
    "one optimiser": "optimizers (HERE, line 36) returns one optimiser, expected a list: return [Adam(...)]",
    "no parts": "training_step (HERE, line 39) returns nothing, expected the parts of the loss: return {'loss': ...}",
    "no latent_dim": "latent_dim, a whole number, is missing. Set self.latent_dim in acme_slips.model.Slips.__init__.",
    "loss raises": "(HERE, line 34)",
    "detached": "its loss depends on no weight that learns: is it detached, or made under no_grad? (HERE, line 40)",
    "complex": "gives 'kl' as a complex number, expected a real one: take its abs()",
    "no optimiser": "optimizers (HERE, line 36) returns an empty list, expected an optimiser of the weights",
    "a tuple": "encode (HERE, line 16) returns a tuple, expected a posterior: return genvae.Posterior(",
    "half a mean": "encode (HERE, line 16) returns a tensor of shape [16, 1], expected a posterior with the mean",
    "flat": "while decoding: decode (HERE, line 21) returns a tensor of shape [16, ",
}


def test_each_slip_of_a_model_is_one_line_with_the_plugins_own_place(
    python: Python, sites: dict[str, Path], tone_store: Path
) -> None:
    program = f"""
import genvae, json
from genvae.testing.kit import outcome_of, plugin_checks
said = {{}}
for number, slip in enumerate({list(SAID)!r}):
    options = {{"transform.n_fft": 256, "transform.hop": 128, "train.batch_size": 16, "model.slip": slip}}
    try:
        genvae.train({str(tone_store)!r}, f"run{{number}}", steps=1, model="slips", options=options, progress=False)
        said[slip] = "trained"
    except genvae.GenvaeError as error:
        said[slip] = str(error)
checks = [outcome_of(check) for check in plugin_checks("unasked")]
said["unavailable"] = sorted({{check.actual for check in checks if check.state == "unavailable"}})
print(json.dumps(said))
"""
    done = python("acme-slips", "-c", program)
    assert done.returncode == 0, done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    package = sites["acme-slips"] / "acme_slips"
    [unavailable] = said.pop("unavailable")
    where = f"({package}/__init__.py, line 12)"
    assert unavailable == f"its check of this machine failed: LookupError: no licence server {where}"
    for slip, text in said.items():
        assert "'slips' of acme-slips" in text
        assert "\n" not in text
        assert SAID[slip].replace("HERE", str(package / "model.py")) in text


def test_what_a_plugin_says_does_not_reach_stdout_and_is_one_row(python: Python) -> None:
    run = ["-m", "genvae", "generate", "--genre", "techno", "--seed", "1", "--vocoder", "loud", "-o", "a.wav", "--json"]
    done = python("acme-loud", *run)
    assert done.returncode == 0, done.stderr
    assert [Path(made["path"]).name for made in json.loads(done.stdout)] == ["a.wav"]
    for said in ("acme is here", "the vocoder is imported", "the vocoder is made", "the vocoder works"):
        assert said in done.stderr
    assert "acme is old" not in done.stderr
    assert "DEBUG" not in done.stderr
    program = """
import json, logging
from genvae.plugin.registry import installed
from genvae.testing.kit import outcome_of, plugin_checks
[row] = [row for row in installed().rows if row.distribution == "acme-loud"]
[check] = [outcome_of(check) for check in plugin_checks("loud") if check.name == "is-quiet"]
print(json.dumps([row.state, row.reason, check.state, check.actual == row.reason, len(logging.root.handlers)]))
"""
    state, reason, check, same, handlers = json.loads(python("acme-loud", "-c", program).stdout)
    assert (state, check, same, handlers) == ("noisy", "failed", True, 0)
    assert "importing acme_loud prints 'acme is here', warns (UserWarning: acme is old), sets up logging" in reason
