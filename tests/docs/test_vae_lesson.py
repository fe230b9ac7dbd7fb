"""The lesson of docs/vae: its sixty lines, the formulas and the numbers that its texts quote."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from types import ModuleType
from typing import Any

import pytest
import torch
from torch.distributions import Normal, kl_divergence

DOCS = Path(__file__).resolve().parents[2] / "docs" / "vae"


def code(name: str) -> ModuleType:
    """A module of docs/vae/code, which is no package."""
    spec = importlib.util.spec_from_file_location(f"vae_lesson_{name}", DOCS / "code" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def vae() -> ModuleType:
    return code("vae")


@pytest.fixture(scope="module")
def discs() -> torch.Tensor:
    """Antialiased black discs of any radius and height on white, [400, 256]."""
    generator = torch.Generator().manual_seed(0)
    radius, up = 2 + 3 * torch.rand(400, 1, 1, generator=generator), 5 + 6 * torch.rand(400, 1, 1, generator=generator)
    rows, columns = torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij")
    distance = torch.hypot(rows - up, columns - 7.5)
    return (distance - radius + 0.5).clamp(0, 1).flatten(1)


def test_the_listing_has_sixty_lines_and_stands_in_the_text_as_it_is(vae: ModuleType) -> None:
    listing = (DOCS / "code" / "vae.py").read_text()
    assert sum(bool(line.strip()) for line in listing.splitlines()) <= 60
    assert f"```python\n{listing}```" in (DOCS / "code.md").read_text()


def test_the_loss_is_the_evidence_lower_bound_of_torch_distributions(vae: ModuleType, discs: torch.Tensor) -> None:
    model = vae.VAE(discs, latents=3, likelihood="gaussian", width=16)
    batch = discs[:32]
    torch.manual_seed(5)
    loss, distortion, rates = model.loss(batch)
    torch.manual_seed(5)
    mean, log_variance = model.encode(batch)
    posterior = Normal(mean, torch.exp(0.5 * log_variance))
    likelihood = Normal(model.decode(posterior.rsample()), model.log_sigma.exp())
    kl = kl_divergence(posterior, Normal(0.0, 1.0))
    torch.testing.assert_close(rates, kl.mean(dim=0))
    torch.testing.assert_close(distortion, -likelihood.log_prob(batch).sum(dim=1).mean())
    torch.testing.assert_close(loss, distortion + kl.sum(dim=1).mean())


def test_the_sum_keeps_the_posterior_alive_and_the_mean_collapses_it(vae: ModuleType, discs: torch.Tensor) -> None:
    rates = {}
    for beta in (1.0, 256.0):
        torch.manual_seed(0)
        model = vae.train(vae.VAE(discs, beta=beta, width=32), discs, steps=300)
        rates[beta] = float(model.loss(discs)[2].sum().detach())
    assert rates[1.0] > 2
    assert rates[256.0] < 0.1


def test_the_reparameterised_gradient_has_the_variance_that_the_text_derives() -> None:
    noise = torch.randn(2_000_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pathwise, score = 2 * (1 + noise), (1 + noise).square() * noise
    for estimate, variance in ((pathwise, 4), (score, 30)):
        assert float(estimate.mean()) == pytest.approx(2, abs=0.03)
        assert float(estimate.var()) == pytest.approx(variance, rel=0.03)


def test_every_formula_is_drawn_from_the_tex_beside_it_and_readable_on_any_ground() -> None:
    formulas = code("formulas")
    wanted = formulas.formulas()
    assert len(wanted) > 20
    assert {path.name for path in (DOCS / "formulas").glob("*.svg")} == {path.name for path in wanted}
    for path, tex in wanted.items():
        drawn = path.read_text()
        title = re.search(r"<dc:title>(.*?)</dc:title>", drawn, re.DOTALL)
        assert title is not None
        assert title[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") == tex, f"{path}: draw it again"
        assert "#ffffff" in drawn  # a white ground of its own, for dark pages
    assert "<svg" in formulas.svg(r"\frac{1}{2}")


def test_every_link_of_the_texts_leads_somewhere() -> None:
    for text in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#\s]+)", text.read_text()):
            assert (text.parent / target).exists(), f"{text.name}: {target}"


def numbers() -> list[tuple[str, str]]:
    """What stands in the texts, made from what the commands measured."""
    n: dict[str, Any] = json.loads((DOCS / "numbers.json").read_text())
    s: dict[str, Any] = json.loads((DOCS / "sounds.json").read_text())
    two, sixteen = n["two"], n["sixteen"]
    said = [
        ("workings.md", f"(β = 4096) | {n['collapsed']['rate']:.1f} | {n['collapsed']['rms_error']:.3f} |"),
        ("workings.md", f"3 nats free for each latent | {n['free']['rate']:.1f} | {n['free']['rms_error']:.3f} |"),
        ("workings.md", f"summed (β = 1) | {two['rate']:.1f} | {two['rms_error']:.3f} |"),
        ("workings.md", f"differ {two['sharpness']:.0%} as much"),
        ("workings.md", f"with 16 it is {sixteen['sharpness']:.0%}"),
        ("workings.md", f"no price (β = 0) | {n['holes']['autoencoder']:.0%} |"),
        ("workings.md", f"16 latents, β = 1 | {n['holes']['sixteen']:.0%} |"),
        ("workings.md", f"2 latents, β = 1 | {n['holes']['two']:.0%} |"),
        ("mathematics.md", f"rate of {n['beta-64']['rate']:.2f} nats at β = 64"),
        ("code.md", f"Distortion {two['distortion']:.0f} nats, {two['excess']:.0f} above"),
        ("code.md", f"rate {two['rate']:.1f} nats"),
        ("code.md", f"{two['r']['height']:.2f} and {two['r']['width']:.2f}"),
        ("sounds.md", f"shows {sum(s['explained']):.0%} of their variance"),
    ]
    d = json.loads((DOCS / "designs.json").read_text())
    for variants, each in json.loads((DOCS / "augmentation.json").read_text()).items():
        psnr, ssim = ([each[pictures][name] for pictures in ("known", "others")] for name in ("psnr", "ssim"))
        row = " | ".join([*(f"{value:.1f}" for value in psnr), *(f"{value:.3f}" for value in ssim)])
        said.append(("images.md", f"{'no variants' if variants[0] == '0' else '16 variants of each'} | {row} |"))
    kinds = (d["bernoulli"], d["logistic"], d["eight"])

    def row(text: str, form: str, of: Callable[[dict[str, Any]], float], columns: Sequence[Any] = kinds) -> None:
        cells = []
        for trainings in columns:
            values = [of(each) for each in trainings]
            least, middle, most = (format(value, form) for value in (min(values), median(values), max(values)))
            cells.append(middle if len(values) == 1 else f"{middle} ({least} to {most})")
        said.append(("images.md", f"| {text} | {' | '.join(cells)} |"))

    for factor in ("height", "width"):
        row(f"{factor}: correlation with a latent", ".2f", lambda each, factor=factor: each["recovered"][factor])
        row(f"{factor}: along its direction", ".2f", lambda each, factor=factor: each["explained"][factor] ** 0.5)
    row("PSNR of reconstructions, dB", ".1f", lambda each: each["reconstruction"]["psnr"])
    row("SSIM of reconstructions", ".3f", lambda each: each["reconstruction"]["ssim"])
    row("Fréchet distance of new designs", ".2f", lambda each: each["frechet"])
    row("novelty of new designs", ".3f", lambda each: each["novelty"])
    held_out = d["bernoulli"][0]
    said.append(("images.md", f"| {held_out['frechet_held_out']:.2f} |\n"))
    said.append(("images.md", f"| {held_out['novelty_held_out']:.3f} |\n"))
    for factor in ("handle", "neck", "label", "shoulder"):
        of = lambda each, factor=factor: each["explained"][factor] ** 0.5  # noqa: E731
        row(f"{factor}: along its direction", ".2f", of, (d["bernoulli"], d["eight"]))
    for genre, shares in s["neighbours"].items():
        said.append(("sounds.md", f"| {genre} | " + " | ".join(f"{share:.0%}" for share in shares.values()) + " |"))
    for genre, m in s["measures"].items():
        said.append(("sounds.md", f"| {genre} | {m['centroid']:.0f} Hz | {m['flatness']:.3f} | {m['flux']:.1f} dB |"))
    return said


@pytest.mark.parametrize(("text", "phrase"), numbers())
def test_the_texts_say_what_the_commands_measured(text: str, phrase: str) -> None:
    assert phrase in (DOCS / text).read_text()


def run_code(name: str, *words: object) -> str:
    """Run a command of docs/vae/code; what it prints."""
    designs = DOCS.parents[1] / "examples" / "genvae-designs"
    return subprocess.run(
        [sys.executable, str(DOCS / "code" / f"{name}.py"), *map(str, words)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(designs), *sys.path])},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def shapes(value: Any) -> Any:
    """Of numbers read from JSON, their names alone."""
    return {name: shapes(each) for name, each in value.items()} if isinstance(value, dict) else type(value)


def test_the_numbers_of_sounds_are_of_the_run_that_genvae_comes_with(tmp_path: Path) -> None:
    run_code("sounds", "--out", tmp_path)
    again, said = (json.loads((folder / "sounds.json").read_text()) for folder in (tmp_path, DOCS))
    assert shapes(again) == shapes(said)
    for genre, measures in said["measures"].items():
        assert again["measures"][genre] == pytest.approx(measures, rel=0.05, abs=0.01)
        assert again["neighbours"][genre] == pytest.approx(said["neighbours"][genre], abs=0.02)


@pytest.mark.slow
def test_the_commands_beside_the_texts_draw_every_picture_and_measure_every_number(tmp_path: Path) -> None:
    run_code("lesson", "--steps", 60, "--out", tmp_path)
    run_code("sounds", "--out", tmp_path)
    run_code("formulas", "--check")
    drawn, shown = ({path.name for path in (folder / "pictures").iterdir()} for folder in (tmp_path, DOCS))
    assert drawn == shown
    again, said = (json.loads((folder / "numbers.json").read_text()) for folder in (tmp_path, DOCS))
    assert shapes(again) == shapes(said)


@pytest.mark.slow
def test_the_lesson_trains_on_the_bottles_and_its_latents_are_height_and_width() -> None:
    measured = json.loads(run_code("lesson", "two").partition(" ")[2])
    assert min(measured["r"].values()) > 0.6
    assert measured["rms_error"] < 0.08
