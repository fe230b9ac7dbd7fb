"""The painter of flow-vae, and the jury that teaches it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

import genvae
from genvae.errors import RunError
from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin.registry import installed
from genvae.spec import FeatureSpec
from genvae.training.freezing import learn_only
from genvae_plugins.jury import Jury, adversarial_losses
from genvae_plugins.models.detail import Detail
from genvae_plugins.models.painter import Painter
from genvae_plugins.models.patches import Patches

BINS, FRAMES = 17, 24
SPEC = FeatureSpec(kind="magnitude", bins=BINS, sample_rate=8000, n_fft=32, hop=8, window="hann", scale="log")
SMALL = {"latent_dim": 6, "width": 32, "depth": 2, "vae_depth": 1, "components": 16, "painter_width": 16}


def parts() -> tuple[Patches, Detail, Painter, Jury]:
    torch.manual_seed(0)
    patches = Patches(bins=BINS, frames=FRAMES, size=4, components=8)
    detail = Detail(patches, SPEC, width=16, amount=0.5)
    return patches, detail, Painter(patches, width=32, blocks=2), Jury(BINS, 2)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flow_vae(painted: float = 0.5) -> Pipeline:
    config = PipelineConfig.assemble(
        installed(),
        sample_rate=8000,
        clip_samples=3000,
        genres=("a", "b"),
        plugins={"model": "flow-vae"},
        values={"model": {**SMALL, "painted": painted}, "transform": {"n_fft": 256, "hop": 128}},
    )
    torch.manual_seed(0)
    return Pipeline.build(config, installed())


def test_before_it_has_learnt_the_painter_draws_what_the_detail_draws() -> None:
    patches, detail, painter, _ = parts()
    codes = torch.randn(3, patches.length, 8)
    with torch.no_grad():
        assert torch.equal(painter(codes, detail, patches, seeded()), detail.draw(codes, patches, seeded()))


def test_each_of_painter_and_jury_learns_by_its_own_loss_alone() -> None:
    patches, detail, painter, jury = parts()
    codes, real, genre = torch.randn(4, patches.length, 8), torch.randn(4, BINS, FRAMES), torch.tensor([0, 1, 0, 1])
    painting, judging = adversarial_losses(jury, real, painter(codes, detail, patches, seeded()), genre)
    painter_weights, jury_weights = list(painter.parameters()), list(jury.parameters())
    of_painting = torch.autograd.grad(
        torch.stack(list(painting.values())).sum(), painter_weights + jury_weights, allow_unused=True, retain_graph=True
    )
    of_judging = torch.autograd.grad(judging, painter_weights + jury_weights, allow_unused=True)
    count = len(painter_weights)
    assert any(gradient is not None and gradient.abs().max() > 0 for gradient in of_painting[:count])
    assert all(gradient is None for gradient in of_painting[count:])
    assert all(gradient is None for gradient in of_judging[:count])
    assert all(gradient is not None for gradient in of_judging[count:])
    assert all(weight.requires_grad for weight in jury_weights)


def test_a_jury_that_has_heard_real_clips_teaches_the_painter_what_no_mean_can_say() -> None:
    """Real frames are one step louder or softer, by chance: their mean is flat, and it is all that the codes tell."""
    patches, detail, painter, jury = parts()
    detail.texture.amount = 0.0
    generator = seeded()
    genre = torch.zeros(8, dtype=torch.int64)
    codes = torch.zeros(8, patches.length, 8)
    coins = (2.0 * torch.randint(0, 2, (8, 1, FRAMES), generator=generator) - 1.0).expand(-1, BINS, -1)

    def roughness(features: Tensor) -> float:
        return float(features.mean(dim=1).diff(dim=1).abs().mean())  # of the level, from frame to frame

    def verdict(features: Tensor) -> float:
        with torch.no_grad():
            return float(jury(features, genre)[0].mean())

    flat = painter(codes, detail, patches, generator).detach()
    optimizer = torch.optim.Adam(jury.parameters(), lr=2e-3)
    for _ in range(40):
        optimizer.zero_grad()
        adversarial_losses(jury, coins, flat, genre)[1].backward()
        optimizer.step()
    assert verdict(coins) > verdict(flat) + 1.0

    optimizer = torch.optim.Adam(painter.parameters(), lr=2e-3)
    for _ in range(40):
        optimizer.zero_grad()
        drawn = painter(codes, detail, patches, generator)
        adversarial_losses(jury, coins, drawn, genre)[0]["passing"].backward()
        optimizer.step()
    painted = painter(codes, detail, patches, generator).detach()
    assert verdict(painted) > verdict(flat) + 0.5
    assert roughness(painted) > 5.0 * roughness(flat)


def test_a_training_step_teaches_painter_and_jury_of_flow_vae() -> None:
    model = flow_vae(0.5).model.train()
    features = torch.randn(4, model.patches.bins, model.patches.frames)
    model.loss(features, torch.tensor([0, 1, 0, 1]), generator=seeded())["loss"].backward()
    assert all(weight.grad is not None for weight in (*model.painter.parameters(), *model.jury.parameters()))


def test_a_painter_that_has_learnt_nothing_changes_no_clip_of_flow_vae() -> None:
    plain, painting = flow_vae(0.0), flow_vae(0.5)
    painting.load_state_dict({**painting.state_dict(), **plain.state_dict()})
    z, genre = torch.randn(1, 6), torch.tensor([1])
    assert not any("painter" in name or "jury" in name for name in plain.state_dict())
    with torch.no_grad():
        assert torch.equal(
            plain.eval().model.decode(z, genre, generator=seeded(3)),
            painting.eval().model.decode(z, genre, generator=seeded(3)),
        )


def test_a_run_without_a_painter_can_be_continued_with_one(tone_store: Path, tmp_path: Path) -> None:
    options = {f"model.{name}": value for name, value in SMALL.items()} | {"transform.n_fft": 256, "transform.hop": 128}
    how = {"steps": 2, "progress": False}
    first = genvae.train(tone_store, tmp_path / "first", model="flow-vae", options=options, **how)  # type: ignore[arg-type]
    second = genvae.train(tone_store, tmp_path / "second", source=first, options={"model.painted": 0.5}, **how)  # type: ignore[arg-type]
    assert second.load(installed()).model.painter is not None
    with pytest.raises(RunError, match="has another model"):
        genvae.train(tone_store, tmp_path / "third", source=second, options={"model.painted": 0.0}, **how)  # type: ignore[arg-type]


def test_the_painter_can_learn_alone_while_all_else_of_the_run_stays(
    tone_store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {f"model.{name}": value for name, value in SMALL.items()} | {"transform.n_fft": 256, "transform.hop": 128}
    how = {"steps": 3, "progress": True}
    first = genvae.train(tone_store, tmp_path / "first", model="flow-vae", options=options, **how)  # type: ignore[arg-type]
    assert "which tells little" not in capsys.readouterr().err
    alone = {"model.painted": 0.5, "train.only": ("painter", "jury"), "train.ema": 0.5, "train.warmup_steps": 0}
    second = genvae.train(tone_store, tmp_path / "second", source=first, options=alone, **how)  # type: ignore[arg-type]
    before, after = (run.load(installed()).model.state_dict() for run in (first, second))
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    assert second.load(installed()).model.painter.leave.weight.abs().max() > 0.0
    trained = [line for line in second.metrics_path.read_text().splitlines() if '"train"' in line]
    assert "jury" in trained[-1]
    assert "flow" not in trained[-1]
    assert capsys.readouterr().err.count("which tells little") == 2  # of the loss, which hears neither of the two


@pytest.mark.parametrize("only", ["detail", "decoder", "painter", "jury"])
def test_of_a_model_with_a_painter_any_network_can_learn_alone(only: str) -> None:
    model = flow_vae(0.5).model.train()
    learn_only(model, [only])
    before = {name: tensor.clone() for name, tensor in model.named_parameters()}
    features = torch.randn(4, model.patches.bins, model.patches.frames)
    [optimizer] = model.optimizers()
    for _ in range(2):  # in the first, what is zero at the beginning may hold the others back
        optimizer.zero_grad(set_to_none=True)
        model.loss(features, torch.tensor([0, 1, 0, 1]), generator=seeded())["loss"].backward()
        optimizer.step()
    changed = {name.partition(".")[0] for name, tensor in model.named_parameters() if not tensor.equal(before[name])}
    assert changed == {only}


@pytest.mark.parametrize(("bins", "frames"), [(3, 1), (5, 3), (513, 87)])
def test_spectrograms_of_any_size_are_judged(bins: int, frames: int) -> None:
    jury = Jury(bins, 2)
    verdict, activations = jury(torch.randn(2, bins, frames), torch.tensor([0, 1]))
    assert len(verdict) == 2
    assert verdict.shape[1] >= 1
    assert len(activations) == 4
