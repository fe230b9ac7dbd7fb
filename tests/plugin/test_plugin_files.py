"""`--plugin FILE`: a plugin in one file, which nothing installs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from conftest import Genvae

from genvae.run import Run

FILE = """
import torch
import genvae

class Hum(genvae.Vocoder):
    def forward(self, spectrogram, *, length=None, generator=None):
        length = self.spec.samples(spectrogram.shape[2]) if length is None else length
        return 0.1 * torch.sin(torch.arange(length) * 0.1).expand(len(spectrogram), -1)

@genvae.hookimpl
def genvae_vocoders():
    yield genvae.VocoderPlugin(name="hum", summary="Hums.", factory="{module}:Hum")
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_hum.py"
    path.write_text(FILE.format(module="my_hum"))
    return path


def test_a_file_is_used_wherever_the_option_stands_and_forgotten_afterwards(
    genvae: Genvae, file: Path, tiny_run: Run
) -> None:
    asked = ["generate", "--run", tiny_run.path, "--genre", "rock", "--seed", "1", "--vocoder", "hum"]
    before = list(sys.path)
    made = genvae("--plugin", file, *asked, "-o", "a.wav")
    assert made.exit_code == 0, made.stderr
    assert genvae(*asked, "-o", "b.wav", "--plugin", file).exit_code == 0
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()
    assert "There is no vocoder 'hum'" in genvae(*asked).stderr
    assert sys.path == before
    assert "my_hum" not in sys.modules


def test_a_file_is_listed_with_a_digest_as_its_version(genvae: Genvae, file: Path) -> None:
    rows = json.loads(genvae("plugins", "list", "--kind", "vocoder", "--json", "--plugin", file).stdout)
    [row] = [row for row in rows if row["name"] == "hum"]
    assert (row["distribution"], row["state"], row["origin"]) == ("my_hum.py", "ok", str(file))
    file.write_text(file.read_text() + "# changed\n")
    rows = json.loads(genvae("plugins", "list", "--kind", "vocoder", "--json", "--plugin", file).stdout)
    assert next(r for r in rows if r["name"] == "hum")["version"] != row["version"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("nowhere.py", None, "nowhere.py is no plugin"),
        ("not-a-module.py", "", "its name must be that of a Python module, such as not_a_module.py"),
        ("broken.py", "def (", "SyntaxError"),
        ("json.py", "", "another module is called 'json'"),
        ("empty_one.py", "", "implements no hook"),
    ],
)
def test_a_file_that_is_no_plugin_is_answered_with_the_cure(
    genvae: Genvae, tmp_path: Path, tiny_run: Run, name: str, text: str | None, said: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    asked = ["generate", "--run", tiny_run.path, "--genre", "rock", "--vocoder", "hum"]
    result = genvae("--plugin", tmp_path / name, *asked)
    assert result.exit_code == 6
    *warned, error = result.stderr.splitlines()
    assert said in error
    assert [line for line in warned if not line.startswith("Warning: ")] == []


def test_a_file_with_the_name_of_another_module_leaves_that_one_loaded(genvae: Genvae, tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("")
    assert genvae("--plugin", tmp_path / "json.py", "plugins", "list").exit_code == 0
    assert sys.modules["json"] is json
    with pytest.raises(json.JSONDecodeError):  # as long as json.decoder is loaded
        json.loads("{")


def test_a_run_that_needs_a_file_says_which_to_name(genvae: Genvae, tiny_run: Run) -> None:
    description = json.loads(tiny_run.description_path.read_text())
    description["pipeline"]["vocoder"].update(plugin="hum", distribution="my_hum.py", version="12", options={})
    tiny_run.description_path.write_text(json.dumps(description))
    result = genvae("generate", "--run", tiny_run.path, "--genre", "rock")
    assert "Name it with: --plugin my_hum.py" in result.stderr


def test_a_file_that_fails_to_import_says_so_at_once_and_nothing_else_fails(
    genvae: Genvae, tiny_run: Run, tmp_path: Path
) -> None:
    broken = tmp_path / "my_broken.py"
    broken.write_text("import nothing_of_this_name\n")
    made = genvae("--plugin", broken, "generate", "--run", tiny_run.path, "--genre", "rock", "--seed", "1")
    assert made.exit_code == 0
    [said] = made.stderr.splitlines()
    assert said.startswith(f"Warning: {broken}: importing my_broken failed: ModuleNotFoundError")
