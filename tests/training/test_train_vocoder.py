"""`genvae train-vocoder`: a vocoder learns for a run, in a copy that needs neither the run nor the data."""

from __future__ import annotations

import json
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SMALL, Genvae
from safetensors.torch import load_file

import genvae as front_door
from genvae.errors import OptionError, PluginError, RunError, SpecMismatch
from genvae.plugin.registry import forget_file, use_file
from genvae.progress import Message
from genvae.run import Run
from genvae.training.interrupt import Interrupted

PAGE = Path(__file__).parents[2] / "docs" / "plugins" / "vocoders.md"
OPTIONS: dict[str, Any] = {
    "vocoder.width": 16,
    "train.batch_size": 16,
    "train.warmup_steps": 2,
    "train.validate_every": 10,
    "train.callbacks": (),
}
MORE = """

@genvae.hookimpl(specname="genvae_vocoders")
def more():
    yield genvae.VocoderPlugin(name="slow-frames", summary="S.", factory="learning_frames:Frames",
                               options=FramesOptions, sample_rates=(8000,),
                               suggests={"transform.hop": 64, "transform.n_fft": 128})

class Stops(genvae.Callback):
    sent = False
    def on_checkpoint(self, training):
        import os, signal
        if training.step == 8 and os.environ.get("STOPS") and not self.sent:
            self.sent = True
            os.kill(os.getpid(), signal.SIGINT)

@genvae.hookimpl
def genvae_callbacks():
    yield genvae.CallbackPlugin(name="stops", summary="S.", factory="learning_frames:Stops")
"""


@pytest.fixture
def frames(tmp_path: Path) -> Iterator[Path]:
    """The vocoder of docs/plugins/vocoders.md, named as --plugin does, and what the tests need beside it."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    file = tmp_path / "learning_frames.py"  # a name that no other test's module has: a process knows each name once
    code = next(block for block in blocks if 'name="frames"' in block)
    file.write_text(code.replace("frames:Frames", "learning_frames:Frames") + MORE)
    use_file(file)
    yield file
    forget_file(file)


def taught(store: Path, run: Path, source: Path, *, steps: int = 40, progress: Any = False, **more: Any) -> Run:
    options = {**OPTIONS, **more}
    return front_door.train_vocoder(
        store, run, source=source, vocoder="frames", steps=steps, options=options, progress=progress
    )


def weights(run: Path, section: str) -> dict[str, torch.Tensor]:
    return {name: value for name, value in load_file(run / "weights.safetensors").items() if name.startswith(section)}


def validations(run: Path) -> list[dict[str, float]]:
    lines = map(json.loads, (run / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if line["kind"] == "validation"]


def test_the_loss_falls_and_all_but_the_vocoder_is_the_runs_own(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path
) -> None:
    told: list[str] = []
    source = Path(shutil.copytree(trained, tmp_path / "source"))
    run = taught(
        tone_store,
        tmp_path / "run",
        source,
        progress=lambda each: told.append(each.text) if isinstance(each, Message) else None,
    )
    before = Run(source)
    losses = validations(run.path)
    assert [line["step"] for line in losses] == [10, 20, 30, 40]
    assert losses[-1]["loss"] < 0.9 * losses[0]["loss"]
    assert losses[-1]["distance_db"] < losses[0]["distance_db"]
    assert "active_units" not in losses[0]
    assert any(text.startswith("Training frames on ") for text in told)
    for section in ("transform.", "model.", "prior."):
        ours, theirs = weights(run.path, section), weights(source, section)
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert float(weights(run.path, "vocoder.")["vocoder.mean"]) != 0  # measured before the first step
    assert (run.config.model, run.config.vocoder.name) == (before.config.model, "learning_frames.py:frames")
    assert run.training["vocoder"]["of"] == before.digest()
    assert run.training["options"] == before.training["options"]
    assert (run.path / "map.safetensors").read_bytes() == before.map_path.read_bytes()
    [summary] = front_door.list_runs(run.path)
    assert (summary.finished, summary.loss) == (True, None)  # its log is not of the model's training
    assert run.sealed
    assert run.verify() == []
    assert not run.checkpoint_path.exists()
    shutil.rmtree(source)
    wave = front_door.load(Path(shutil.copytree(run.path, tmp_path / "elsewhere"))).generate("low", seed=1).wave
    assert float(abs(wave).max()) > 1e-3


def test_stopped_and_resumed_it_ends_in_the_same_weights(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"train.callbacks": ("stops", "best"), "train.checkpoint_every": 4, "train.ema": 0.9}
    whole = taught(tone_store, tmp_path / "whole", trained, steps=16, **more)
    source = Path(shutil.copytree(trained, tmp_path / "source"))
    monkeypatch.setenv("STOPS", "yes")
    with pytest.raises(Interrupted) as stopped:
        taught(tone_store, tmp_path / "run", source, steps=16, **more)
    assert stopped.value.cure is not None
    assert stopped.value.cure.verb == "train_vocoder"
    assert not Run(tmp_path / "run").finished
    monkeypatch.delenv("STOPS")
    shutil.rmtree(source)  # resuming needs it no more
    run = front_door.train_vocoder(tone_store, tmp_path / "run", resume=True, progress=False)
    one, other = (load_file(each.weights_path) for each in (whole, run))
    assert all(torch.equal(one[name], other[name]) for name in one)
    with pytest.raises(RunError, match="trained already"):
        front_door.train_vocoder(tone_store, tmp_path / "run", resume=True, progress=False)


def test_a_signal_ends_the_command_with_a_checkpoint_and_the_way_on(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path, genvae: Genvae, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STOPS", "yes")
    arguments = ["--for", trained, "--run", tmp_path / "run", "--vocoder", "frames", "--steps", "12"]
    settings = ["train.checkpoint_every=4", "train.callbacks=stops", "train.batch_size=16"]
    assigned = [part for each in settings for part in ("--set", each)]
    result = genvae("train-vocoder", tone_store, *arguments, *assigned)
    assert result.exit_code == 128 + signal.SIGINT
    assert f"Try: genvae train-vocoder {tone_store} --run {tmp_path / 'run'} --resume" in result.stderr
    monkeypatch.delenv("STOPS")
    result = genvae("train-vocoder", tone_store, "--run", tmp_path / "run", "--resume")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == f"{tmp_path / 'run'}\n"
    assert "Hear it with: genvae generate --run" in result.stderr.replace("\n", " ")


def test_without_a_name_the_runs_own_vocoder_goes_on_from_what_it_has_learnt(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path
) -> None:
    first = taught(tone_store, tmp_path / "first", trained, steps=2)
    again = front_door.train_vocoder(
        tone_store, tmp_path / "again", source=first, steps=1, progress=False, options={"train.callbacks": ()}
    )
    assert again.config.vocoder == first.config.vocoder
    assert again.training["vocoder"]["options"]["batch_size"] == 16  # as it suggests
    ours, theirs = weights(again.path, "vocoder."), weights(first.path, "vocoder.")
    assert torch.equal(ours["vocoder.mean"], theirs["vocoder.mean"])
    apart = max(float((ours[name] - theirs[name]).abs().max()) for name in ours)
    assert 0 < apart < 1e-3  # one step in the warm-up


def test_a_run_begins_with_the_vocoder_of_another_or_takes_it_as_it_is(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path, genvae: Genvae
) -> None:
    first = taught(tone_store, tmp_path / "first", trained, steps=20)
    given = ["--for", trained, "--from", first.path, "--set", "train.callbacks=", "--run"]
    result = genvae("train-vocoder", tone_store, *given, tmp_path / "taken", "--steps", "0")
    assert result.exit_code == 0, result.stderr
    assert "the vocoder stays as it is" in result.stderr.replace("\n", " ")
    assert genvae("train-vocoder", tone_store, *given, tmp_path / "further", "--steps", "1").exit_code == 0
    learnt = weights(first.path, "vocoder.")
    taken, further = Run(tmp_path / "taken"), Run(tmp_path / "further")
    for run, most in ((taken, 0.0), (further, 1e-3)):  # the latter is one step in the warm-up
        assert run.config.vocoder == first.config.vocoder
        assert run.training["vocoder"]["from"] == first.digest()
        assert run.training["vocoder"]["of"] == Run(trained).digest()
        assert run.verify() == []
        own = weights(run.path, "vocoder.")
        apart = max(float((own[name] - learnt[name]).abs().max()) for name in learnt)
        assert apart <= most
        assert own.keys() == learnt.keys()
        assert (apart > 0) == (most > 0)
    theirs = load_file(trained / "weights.safetensors")
    ours = load_file(taken.weights_path)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs if not name.startswith("vocoder."))
    shutil.rmtree(first.path)
    assert front_door.load(taken).generate("low", seed=1).wave.isfinite().all()


def test_a_vocoder_to_begin_with_that_does_not_fit_is_refused_before_anything_is_written(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path
) -> None:
    first = taught(tone_store, tmp_path / "first", trained, steps=1)
    new = tmp_path / "new"

    def refused(
        error: type[Exception], match: str, source: Path = trained, start: Path = first.path, **more: Any
    ) -> None:
        with pytest.raises(error, match=match):
            front_door.train_vocoder(tone_store, new, source=source, start=start, steps=0, progress=False, **more)
        assert not new.exists()

    refused(RunError, "has other options: leave those of the vocoder out", options={"vocoder.width": 8})
    refused(RunError, "has the vocoder 'frames', and no 'pghi-polished' to begin with", vocoder="pghi-polished")
    refused(OptionError, "'pghi-refined' has nothing to learn", start=trained)
    values = {
        name: 64 if name == "transform.hop" else int(value) for name, value in (each.split("=") for each in SMALL)
    }
    other = front_door.train(tone_store, tmp_path / "other", model="conv-vae", steps=1, options=values, progress=False)
    refused(SpecMismatch, r"is for features with hop = 128 \(here 64\)", source=other.path)
    with pytest.raises(OptionError, match="they are for a vocoder that comes from another run, by `start`"):
        front_door.train_vocoder(tone_store, new, source=first, steps=0, progress=False)


def test_a_vocoder_that_must_learn_is_refused_where_no_run_holds_its_weights(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path, genvae: Genvae
) -> None:
    with pytest.raises(PluginError, match="'frames' must learn before it makes sound"):
        front_door.load(trained, vocoder="frames")
    result = genvae("generate", "--run", trained, "--genre", "low", "--vocoder", "frames", "-o", "a.wav")
    assert result.exit_code == 6
    assert "Try: genvae train-vocoder STORE --for RUN --vocoder frames --run NEW" in result.stderr
    run = taught(tone_store, tmp_path / "run", trained, steps=1)
    assert genvae("generate", "--run", run.path, "--genre", "low", "--vocoder", "frames", "-o", "a.wav").exit_code == 0
    with pytest.raises(PluginError, match="must learn"):  # with other options it is another one
        front_door.load(run, options={"vocoder.width": 8})
    with pytest.raises(PluginError, match="must learn"):
        front_door.vocode(torch.ones(129, 20), hop=128, vocoder="frames")


def test_a_run_that_is_trained_with_it_says_that_the_vocoder_must_learn_too(
    tone_store: Path, frames: Path, tmp_path: Path, genvae: Genvae
) -> None:
    given = ["--model", "conv-vae"]
    for each in SMALL:
        given += [] if each.startswith("vocoder.") else ["--set", each]
    result = genvae("train", tone_store, "--run", tmp_path / "run", "--vocoder", "frames", "--steps", "1", *given)
    assert result.exit_code == 0, result.stderr
    assert f"genvae train-vocoder STORE --for {tmp_path / 'run'} --run NEW" in result.stderr


def test_what_can_not_be_trained_is_answered_before_anything_is_written(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path, genvae: Genvae
) -> None:
    new = tmp_path / "run"
    have = "These have: frames, pghi-polished, slow-frames"
    with pytest.raises(OptionError, match=rf"'pghi-refined' has nothing to learn\. {have}"):
        front_door.train_vocoder(tone_store, new, source=trained, progress=False)
    with pytest.raises(SpecMismatch, match="sample_rate = 8000, but here it is 4000"):
        front_door.train_vocoder(tone_store, new, source=trained, vocoder="slow-frames", progress=False)
    with pytest.raises(OptionError, match="vocoder has no option 'widht'"):
        taught(tone_store, new, trained, **{"vocoder.widht": 3})
    with pytest.raises(OptionError, match="no section 'model'"):
        taught(tone_store, new, trained, **{"model.width": 3})
    with pytest.raises(OptionError, match="leave `options`, `seed`, `source`, `start`"):
        front_door.train_vocoder(tone_store, new, source=trained, resume=True, progress=False)
    assert not new.exists()


def test_one_that_was_killed_before_it_had_anybodys_weights_is_not_resumed(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path
) -> None:
    run = taught(tone_store, tmp_path / "run", trained, steps=1)
    run.weights_path.unlink()
    with pytest.raises(RunError, match="had taken over the weights of another run"):
        front_door.train_vocoder(tone_store, run.path, resume=True, progress=False)


def test_what_a_vocoder_suggests_holds_where_neither_user_nor_model_says_anything(
    tone_store: Path, frames: Path, tmp_path: Path
) -> None:
    from genvae.pipeline import PipelineConfig
    from genvae.plugin.registry import installed

    def hop_and_size(model: str, **values: Any) -> tuple[Any, Any]:
        config = PipelineConfig.assemble(
            installed(),
            sample_rate=8000,
            clip_samples=8000,
            genres=("a",),
            plugins={"model": model, "vocoder": "slow-frames"},
            values={"transform": values},
        )
        return config.transform.options["hop"], config.transform.options["n_fft"]

    assert hop_and_size("conv-vae") == (64, 128)
    assert hop_and_size("conv-vae", hop=32) == (32, 128)
    assert hop_and_size("reference-vae")[1] == 512  # as the model suggests


def test_callbacks_see_the_vocoder_and_samples_are_its_own(
    tone_store: Path, trained: Path, frames: Path, tmp_path: Path
) -> None:
    run = taught(tone_store, tmp_path / "run", trained, steps=10, **{"train.callbacks": ("samples", "best")})
    made = sorted(path.name for path in run.path.glob("samples/0000010/*.wav"))
    assert made == ["high-0.wav", "low-0.wav", "noisy-0.wav"]


def test_the_command_line_says_what_it_takes(genvae: Genvae) -> None:
    shown = genvae("train-vocoder", "--help").stdout
    assert "--for RUN|pretrained" in shown
    assert "--from RUN|pretrained" in shown
    assert "train.batch_size=64" in shown
