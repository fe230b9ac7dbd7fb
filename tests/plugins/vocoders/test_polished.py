"""`pghi-polished`: what its network does to a sound, how it learns, and from what."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from vocoder_sounds import SPEC, convergence_db, impulse, log_magnitude, make, music, spec_of, tone

import genvae
from genvae.clips.store import ClipStore
from genvae.errors import PluginError, SpecMismatch
from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.training.trainee import VocoderTrainee
from genvae_plugins.vocoders.polish import FLOOR, Polish
from genvae_plugins.vocoders.polished import PghiPolished

OPTIONS = {
    "transform.n_fft": 256,
    "transform.hop": 64,
    "train.batch_size": 8,
    "train.warmup_steps": 2,
    "train.callbacks": (),
}


def untaught(spec: genvae.FeatureSpec = SPEC) -> Polish:
    torch.manual_seed(0)
    return Polish(spec, width=16, depth=2).eval()


def level_db(wave: Tensor) -> float:
    return 10 * float(wave.square().mean().log10())


@pytest.mark.parametrize("hop", [256, 300, 512])
@pytest.mark.parametrize("sound", [music(9000), impulse(4000, 9000)], ids=["music", "impulse"])
def test_before_it_has_learnt_a_sound_whose_magnitudes_are_asked_for_comes_back(sound: Tensor, hop: int) -> None:
    spec = spec_of(1024, hop)
    polish = untaught(spec)
    asked = (log_magnitude(sound, spec).exp() + FLOOR * polish.long.full_scale).log()  # what lies below counts as that
    with torch.no_grad():
        assert torch.allclose(polish(sound, asked), sound, atol=1e-5)


def test_before_it_has_learnt_it_goes_half_of_the_way_to_what_is_asked_for() -> None:
    sound = music(9000)
    with torch.no_grad():
        louder = untaught()(sound, log_magnitude(2 * sound))  # 6 dB
    assert level_db(louder) - level_db(sound) == pytest.approx(3.01, abs=0.1)


def test_magnitudes_of_a_sound_are_reached_as_by_the_rounds_alone() -> None:
    wanted = log_magnitude(music(9000))
    vocoder = make("pghi-polished", width=16).eval()
    with torch.no_grad():
        reached = convergence_db(wanted, vocoder(wanted, length=9000))
    assert reached < convergence_db(wanted, make("pghi-refined", iterations=4)(wanted, length=9000)) + 1.0


@pytest.mark.parametrize("frames", [1, 2, 3, 40])
@pytest.mark.parametrize("more", [-700, -1, 0, 255, 256, 3000])
def test_any_length_can_be_asked_for(frames: int, more: int) -> None:
    length = max(0, SPEC.samples(frames) + more)
    vocoder = make("pghi-polished", width=16).eval()
    with torch.no_grad():
        wave = vocoder(torch.randn(2, SPEC.bins, frames), length=length)
    assert wave.shape == (2, length)
    assert wave.isfinite().all()


def test_a_clip_is_the_same_to_the_bit_wherever_it_lies_in_memory() -> None:
    vocoder = taught()
    clips = torch.cat([log_magnitude(sound) for sound in (music(9000), tone(500.0, 9000), impulse(4000, 9000))])
    with torch.no_grad():
        together = vocoder(clips, length=9000)
        for row, clip in enumerate(torch.split(clips, 1)):
            turned = clip.mT.contiguous().mT  # frame after frame, as the nets give it
            for other in (clip.clone(), turned):
                assert torch.equal(vocoder(other, length=9000)[0], together[row])


def taught() -> genvae.Vocoder:
    """A vocoder whose network does something."""
    torch.manual_seed(0)
    vocoder = make("pghi-polished", width=192).eval()
    with torch.no_grad():
        for name, weight in vocoder.named_parameters():
            if ".leave" in name:
                weight.normal_(std=0.02)
    return vocoder


def test_each_of_network_and_juries_learns_by_its_own_loss_alone() -> None:
    vocoder, wave = make("pghi-polished", width=16), music(9000)
    assert isinstance(vocoder, PghiPolished)
    parts = vocoder.loss(log_magnitude(wave) + 0.3 * torch.randn(1, 513, 36), wave, generator=torch.Generator())
    assert set(parts) == {"loss", "matching", "keeping", "passing", "jury"}
    parts["jury"].backward(retain_graph=True)
    assert moved(vocoder.juries)
    assert not moved(vocoder.polish)
    vocoder.zero_grad(set_to_none=True)
    (parts["matching"] + parts["keeping"] + parts["passing"]).backward()
    assert moved(vocoder.polish)
    assert not moved(vocoder.juries)


def moved(module: nn.Module) -> bool:
    return any(each.grad is not None and bool(each.grad.any()) for each in module.parameters())


def test_it_learns_what_becomes_of_magnitudes() -> None:
    """All that it is shown is 12 dB too soft, so it learns to make things louder."""
    vocoder = make("pghi-polished", width=16, learning_rate=5e-3)
    sounds = torch.cat([tone(frequency, 6144) for frequency in (300.0, 700.0, 1100.0, 2500.0)])
    asked = log_magnitude(sounds) - math.log(4.0)
    [optimizer], generator = vocoder.optimizers(), torch.Generator().manual_seed(0)

    def too_soft() -> float:
        with torch.no_grad():
            return level_db(sounds) - level_db(vocoder.eval()(asked, length=6144))

    assert too_soft() == pytest.approx(12, abs=1)
    vocoder.train()
    for _ in range(40):
        optimizer.zero_grad()
        vocoder.loss(asked, sounds, generator=generator)["loss"].backward()
        optimizer.step()
    assert too_soft() < 6


@pytest.mark.parametrize(("n_fft", "hop"), [(1024, 255), (1020, 200), (1024, 514)])
def test_frames_that_can_not_be_halved_are_refused(n_fft: int, hop: int) -> None:
    with pytest.raises(SpecMismatch, match=f"hop = {hop} and n_fft = {n_fft}"):
        make("pghi-polished", spec=spec_of(n_fft, hop))


@pytest.fixture(scope="module")
def source(tone_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small flow-vae with its painter, hardly trained."""
    model = {"latent_dim": 6, "width": 32, "depth": 1, "vae_depth": 1, "components": 16, "painted": 0.5}
    path = tmp_path_factory.mktemp("source") / "run"
    options = OPTIONS | {f"model.{name}": value for name, value in model.items()} | {"model.painter_width": 16}
    genvae.train(tone_store, path, model="flow-vae", prior="gaussian", steps=6, options=options, progress=False)
    return path


def test_it_is_taught_for_a_run_and_speaks_for_it(
    tone_store: Path, source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PluginError, match="must learn before it makes sound"):
        genvae.load(source, vocoder="pghi-polished")
    run = genvae.train_vocoder(
        tone_store,
        tmp_path / "run",
        source=source,
        vocoder="pghi-polished",
        steps=4,
        options={"vocoder.width": 16, **{name: OPTIONS[name] for name in OPTIONS if name.startswith("train.")}},
        progress=False,
    )
    one, other = (load_file(each / "weights.safetensors") for each in (run.path, source))
    assert all(torch.equal(one[name], other[name]) for name in other if not name.startswith("vocoder."))
    assert any(name.startswith("vocoder.juries.") for name in one)  # so that it can be taught on
    clip = genvae.load(run.path).generate("low", seed=1)
    assert clip.provenance.vocoder["plugin"] == "pghi-polished"
    assert float(abs(clip.wave).max()) > 0
    again = genvae.train_vocoder(tone_store, tmp_path / "again", source=run.path, steps=1, progress=True)
    assert again.config.vocoder == run.config.vocoder
    assert capsys.readouterr().err.count("which tells little") == 2  # of its loss, at the validation and at the end


def trainee(tone_store: Path, source: Path, vocoder: str) -> tuple[VocoderTrainee, Tensor, Tensor]:
    registry = installed()
    config = Run(source).config.with_vocoder(registry, vocoder, {})
    pipeline = Pipeline.build(config, registry, new=("vocoder",))
    pipeline.model.load_state_dict(Run(source).load(registry).model.state_dict())
    store = ClipStore.open(tone_store)
    numbers = store.select(split="train")[:6]
    return VocoderTrainee(pipeline), torch.from_numpy(store.waves(numbers)), torch.tensor([0, 1, 2, 0, 1, 2])


def test_it_is_shown_what_the_model_makes_of_clips_and_others_the_clips_themselves(
    tone_store: Path, source: Path
) -> None:
    learning, waves, genres = trainee(tone_store, source, "pghi-polished")
    pipeline = learning.pipeline
    own = pipeline.spectrogram(pipeline.features(waves))
    stages = pipeline.model.stages(pipeline.features(waves), genres, generator=torch.Generator().manual_seed(3))
    shown, same = learning.inputs(waves, genres, [3])
    assert same is waves
    assert torch.equal(shown, pipeline.spectrogram(stages["codes, detail and painter"]))
    assert not torch.allclose(shown, own, atol=0.1)
    plain, waves, genres = trainee(tone_store, source, "pghi-refined")
    assert torch.equal(plain.inputs(waves, genres, [3])[0], own)


def test_what_is_drawn_of_a_part_of_a_batch_does_not_depend_on_who_computes_it(tone_store: Path, source: Path) -> None:
    learning, waves, genres = trainee(tone_store, source, "pghi-polished")
    whole = learning.inputs(waves, genres, [3, 4])[0]
    parts = [learning.inputs(waves[rows], genres[rows], [seed])[0] for rows, seed in ((slice(3), 3), (slice(3, 6), 4))]
    assert torch.allclose(whole, torch.cat(parts), atol=1e-5)
    assert not torch.allclose(whole, learning.inputs(waves, genres, [5, 4])[0], atol=0.1)


def test_of_a_model_without_stages_it_is_shown_what_a_latent_of_the_clip_makes() -> None:
    pipeline = Pipeline.build(
        PipelineConfig.assemble(
            installed(),
            sample_rate=8000,
            clip_samples=4000,
            genres=("a", "b"),
            plugins={"model": "conv-vae", "vocoder": "pghi-polished"},
            values={"transform": {"n_fft": 256, "hop": 64}, "model": {"width": 32, "neck": 8, "latent_dim": 4}},
        ),
        installed(),
        new=("vocoder",),
    )
    pipeline.eval()
    waves, genres = torch.randn(3, 4000), torch.tensor([0, 1, 0])
    shown, _ = VocoderTrainee(pipeline).inputs(waves, genres, [7])
    with torch.no_grad():
        features, generator = pipeline.features(waves), torch.Generator().manual_seed(7)
        latents = pipeline.posterior(features, genres).sample(generator)
        wanted = pipeline.spectrogram(pipeline.decoded(latents, genres, generator=generator))
    assert torch.equal(shown, wanted)
