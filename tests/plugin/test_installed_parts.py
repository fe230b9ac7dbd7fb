"""What a part of a pipeline returns and should not: told of that part, in a distribution that is really installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from conftest import SMALL
from distributions import build_wheel, install

QUICK = {**dict(each.split("=") for each in SMALL if not each.startswith("vocoder")), "train.validation_clips": "2"}
# Every other part of a pipeline, and a callback, with slips of their author's.
PARTS = """
from __future__ import annotations
from dataclasses import dataclass
import genvae
@dataclass(frozen=True, kw_only=True)
class SlipOptions:
    slip: str = ""
GIVEN = dict(summary="S.", options=SlipOptions)
@genvae.hookimpl
def genvae_datasets():
    yield genvae.DatasetPlugin(name="p-data", factory="acme_parts.parts:Data", **GIVEN)
@genvae.hookimpl
def genvae_transforms():
    yield genvae.TransformPlugin(name="p-front", factory="acme_parts.parts:Front", **GIVEN)
@genvae.hookimpl
def genvae_priors():
    yield genvae.PriorPlugin(name="p-prior", factory="acme_parts.parts:Prior", **GIVEN)
@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name="p-vocoder", factory="acme_parts.parts:Vocoder", **GIVEN)
@genvae.hookimpl
def genvae_callbacks():
    yield genvae.CallbackPlugin(name="p-callback", factory="acme_parts.parts:Callback", **GIVEN)
"""
PARTS_CLASSES = """
import math, torch, genvae
class Data(genvae.Dataset):
    def recordings(self):
        yield "a.wav" if self.options.slip == "a path" else genvae.Recording(id=3, genre="", open=print, fingerprint="")
class Front(genvae.Transform):
    def __init__(self, options, *, sample_rate):
        super().__init__(options, sample_rate=sample_rate)
        self.slip = options.slip
        self.spec = genvae.FeatureSpec(
            bins=129, hop=128, n_fft=256, window="hann", kind="magnitude", scale="log", sample_rate=sample_rate
        )
    def forward(self, wave):
        if self.slip == "nothing": return None
        padded = torch.nn.functional.pad(wave, (128, 128))
        values = torch.stft(padded, 256, 128, window=torch.hann_window(256), center=False, return_complex=True)
        values = (values.abs() + 1e-3).log()
        return values[:, 1:] if self.slip == "bins" else values.double() if self.slip == "double" else values
    def invert(self, features):
        return [features] if self.slip == "a list" else features
class Prior(genvae.Prior):
    def __init__(self, options, *, latent_dim, genres):
        super().__init__(options, latent_dim=latent_dim, genres=genres)
        self.slip, self.dim = options.slip, latent_dim
    def fit(self, z, genre, *, generator):
        pass
    def sample(self, genre, *, generator, temperature=1.0):
        z = torch.zeros(len(genre), self.dim)
        return {"nothing": None, "one": z[0], "nan": z * math.nan}[self.slip]
class Vocoder(genvae.Vocoder):
    def __init__(self, options, *, spec):
        super().__init__(options, spec=spec)
        self.slip = options.slip
    def forward(self, spectrogram, *, length=None, generator=None):
        return None if self.slip == "nothing" else torch.zeros(length)
class Callback(genvae.Callback):
    def state(self):
        return ["x"] if self.options.slip == "a list" else {"how": print}
"""
PART_SLIPS = {
    ("dataset", "a path"): "recordings (HERE, line 4) yields a str, expected recordings: yield genvae.Recording(id=",
    ("dataset", "a number"): "yields a recording whose id is 3, expected text: str(3)",
    ("transform", "nothing"): "forward (HERE, line 13) returns nothing, expected features [",
    ("transform", "bins"): "computing features: forward (HERE, line 13) returns a tensor of shape [",
    ("transform", "double"): "returns features in float64, expected float32: return them as .float()",
    ("transform", "a list"): "inverting features: invert (HERE, line 19) returns a list, expected values [",
    ("prior", "nothing"): "sample (HERE, line 27) returns nothing, expected latents [",
    ("prior", "one"): "drawing a latent: sample (HERE, line 27) returns a tensor of shape [8], expected latents [1, 8]",
    ("prior", "nan"): "returns latents that are not finite numbers, at the temperature 1",
    ("vocoder", "nothing"): "forward (HERE, line 34) returns nothing, expected waveforms [1, ",
    ("vocoder", "flat"): "making a waveform: forward (HERE, line 34) returns a tensor of shape [2000], expected wave",
    ("callback", "a list"): "state (HERE, line 37) returns a list, expected a dict of plain values and tensors",
    ("callback", "a function"): "is not JSON serializable): return plain values and tensors alone. GENVAE_STRICT=1",
}
"""What each part returns that it should not, and what is said of it."""
NAMES = {"dataset": "p-data", "transform": "p-front", "prior": "p-prior", "vocoder": "p-vocoder"}


def test_what_any_part_returns_is_told_of_that_part_and_not_of_the_next(tone_store: Path, tmp_path: Path) -> None:
    program = f"""
import genvae, json
said = []
for number, (kind, slip) in enumerate({list(PART_SLIPS)!r}):
    options = {QUICK!r} | {{"train.callbacks": "csv"}}
    if kind == "transform":
        del options["transform.n_fft"], options["transform.hop"]
    heard = []
    try:
        if kind == "dataset":
            genvae.prepare("any", "store", dataset="p-data", options={{"dataset.slip": slip}}, progress=False)
        if kind == "callback":
            options |= {{"train.callbacks": "p-callback", "p-callback.slip": slip}}
        else:
            options[f"{{kind}}.slip"] = slip
        parts = {{}} if kind == "callback" else {{kind: {NAMES!r}[kind]}}
        run = genvae.train(
            {str(tone_store)!r}, f"run{{number}}", steps=1, model="conv-vae", options=options,
            progress=lambda told: heard.append(str(getattr(told, "text", ""))), **parts,
        )
        genvae.load(run).generate("low", seed=1)
        said.append(" ".join(line for line in heard if "p-callback" in line))
    except genvae.GenvaeError as error:
        said.append(str(error))
print(json.dumps(said))
"""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    files = {"__init__.py": PARTS, "parts.py": PARTS_CLASSES}
    points = '[project.entry-points.genvae]\nx = "acme_parts"\n'
    build_wheel(tmp_path / "project", "acme-parts", files, points, wheels)
    site = install(wheels.glob("*.whl"), tmp_path / "site")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    here = str((site / "acme_parts" / "parts.py").relative_to(tmp_path))
    for ((kind, _), expected), text in zip(PART_SLIPS.items(), json.loads(done.stdout), strict=True):
        assert f"The {kind} 'p-" in text
        assert "\n" not in text
        assert expected.replace("HERE", here) in text
