"""Other people's front ends: what is said where they are missing, and kernels that can be trained."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from transform_sounds import PLUGINS, make, music, noise

from genvae.errors import OptionError
from genvae_plugins import peers

PEERS = [name for name, plugin in PLUGINS.items() if plugin.unavailable]


def test_all_of_them_load_here() -> None:
    assert PEERS == ["torchaudio-stft", "torchaudio-mel", "nnaudio-stft", "nnaudio-mel", "nnaudio-cqt"]
    for name in PEERS:
        why_not = PLUGINS[name].unavailable
        assert why_not is not None
        assert why_not() is None


@pytest.mark.parametrize("error", [ImportError("no module"), OSError("undefined symbol: x\n  at y"), RuntimeError()])
@pytest.mark.parametrize("name", PEERS)
def test_one_that_does_not_load_says_why_in_one_line(
    name: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(module: str) -> None:
        raise error

    monkeypatch.setattr(peers.importlib, "import_module", refuse)
    why_not = PLUGINS[name].unavailable
    assert why_not is not None
    reason = why_not()
    assert reason is not None
    assert type(error).__name__ in reason
    assert "\n" not in reason
    assert ("nnAudio2" in reason) == name.startswith("nnaudio")


def test_other_errors_are_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(module: str) -> None:
        raise KeyError(module)

    monkeypatch.setattr(peers.importlib, "import_module", fail)
    with pytest.raises(KeyError):
        peers.why_not("anything")


def test_the_successor_serves_where_the_first_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def only_the_second(module: str) -> Any:
        if module == "nnAudio.features":
            raise ModuleNotFoundError(module)
        print("Please cite us")
        return real("json") if module == "nnAudio2.features" else real(module)

    monkeypatch.setattr(peers.importlib, "import_module", only_the_second)
    assert peers.load(*peers.NNAUDIO).__name__ == "json"


def test_what_a_library_prints_at_import_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers.importlib, "import_module", lambda module: print("Please cite us"))
    peers.load("nnAudio2.features")
    assert capsys.readouterr().out == ""


def test_a_library_that_is_installed_but_does_not_load_is_one_row_with_the_reason(tmp_path: Path) -> None:
    """As torchaudio is beside a torch that it was not built for; the list must not take its being there for its use."""
    (tmp_path / "torchaudio").mkdir()
    (tmp_path / "torchaudio" / "__init__.py").write_text("raise OSError('libcudart.so.13: cannot open shared object')")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "genvae", "plugins", "list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    theirs = ("torchaudio-stft", "torchaudio-mel", "torchaudio-griffin-lim", "musicnn")
    for name in theirs:
        assert rows[name]["state"] == "unavailable"
        assert "libcudart" in rows[name]["reason"]
    assert all(row["state"] == "ok" for name, row in rows.items() if name not in theirs)


def test_stft_and_mel_do_not_import_their_peers() -> None:
    program = """
import sys
from pathlib import Path
import torch
from genvae.plugin.registry import installed, load_factory
registry = installed()
for name in ("stft", "mel", "cqt", "complex", "waveform"):
    plugin = registry.plugin("transform", name)
    load_factory(plugin)(plugin.options(), sample_rate=22050)
print(sorted({"torchaudio", "nnAudio", "nnAudio2", "librosa", "scipy"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "kernels"), [("nnaudio-stft", 2), ("nnaudio-mel", 3), ("nnaudio-cqt", 2)])
def test_kernels_can_be_trained_and_are_then_saved(name: str, kernels: int) -> None:
    assert not list(make(name).parameters())
    transform = make(name, trainable=True)
    parameters = list(transform.parameters())
    assert len(parameters) == kernels
    waves = music(6000)
    torch.testing.assert_close(transform(waves), make(name)(waves), atol=1e-5, rtol=0)
    optimizer = torch.optim.SGD(parameters, lr=1e-4)
    transform(waves).square().mean().backward()
    optimizer.step()
    assert all(bool(p.grad.abs().sum() > 0) for p in parameters if p.grad is not None)
    trained = transform(waves)
    assert not torch.equal(trained, make(name)(waves))
    again = make(name, trainable=True)
    again.load_state_dict(transform.state_dict())
    assert torch.equal(again(waves), trained)


def test_trainable_kernels_leave_silence_a_finite_gradient() -> None:
    for name in ("nnaudio-stft", "nnaudio-mel", "nnaudio-cqt"):
        transform = make(name, trainable=True)
        transform(torch.zeros(1, 3000)).sum().backward()
        assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in transform.parameters())


def test_torchaudios_bands_at_odd_rates_are_refused() -> None:
    with pytest.raises(OptionError, match=r"odd sample rates \(11025 Hz\)"):
        make("torchaudio-mel", 11025)
    assert make("nnaudio-mel", 11025)(noise(1, 999)).isfinite().all()
