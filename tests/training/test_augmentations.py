"""Augmentations: each does what it says, within ±1, drawn by the generator alone; a training that has them resumes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

import genvae
from genvae.errors import OptionError
from genvae.training import stepping
from genvae.training.augment import augment
from genvae.training.augmentations import AUGMENTATIONS, Chosen, parse
from genvae.training.plan import TrainOptions

CLIPS = 400
SAMPLES = 512


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def waves() -> Tensor:
    return 0.1 * torch.randn(CLIPS, SAMPLES, generator=seeded(9))


def after(waves: Tensor, word: str, *, genres: Tensor | None = None, seed: int = 0) -> Tensor:
    labels = torch.zeros(len(waves), dtype=torch.long) if genres is None else genres
    return augment(waves, labels, parse([word]), generator=seeded(seed))


def decibels(ratio: Tensor) -> Tensor:
    return 20 * ratio.log10()


def test_gain_is_spread_evenly_over_its_range_and_never_clips(waves: Tensor) -> None:
    changed = decibels(after(waves, "gain:6").norm(dim=1) / waves.norm(dim=1))
    assert float(changed.abs().max()) <= 6.0001
    assert float(changed.mean()) == pytest.approx(0, abs=0.6)  # 6 / sqrt(3) / sqrt(400) = 0.17 dB
    assert float(changed.std()) == pytest.approx(6 / 3**0.5, rel=0.1)
    loud = waves / waves.abs().amax(1, keepdim=True)
    made = after(loud, "gain:20")
    assert float(made.abs().max()) <= 1
    assert torch.allclose(made / made.norm(dim=1, keepdim=True), loud / loud.norm(dim=1, keepdim=True), atol=1e-6)


def test_polarity_turns_about_half_of_the_clips_over(waves: Tensor) -> None:
    signs = (after(waves, "polarity") / waves)[:, 0]
    assert set(signs.tolist()) == {-1.0, 1.0}
    assert 150 < int((signs < 0).sum()) < 250


def test_roll_begins_later_and_keeps_every_sample(waves: Tensor) -> None:
    made = after(waves, "roll:0.25").numpy()
    starts = [
        next(s for s in range(SAMPLES) if np.array_equal(np.roll(w, -s), m))
        for w, m in zip(waves.numpy(), made, strict=True)
    ]
    assert max(starts) < SAMPLES // 4
    assert len(set(starts)) > 80


def test_tilt_is_a_straight_line_over_octaves_and_keeps_the_level(waves: Tensor) -> None:
    made = after(waves, "tilt:3")
    assert torch.allclose(made.norm(dim=1), waves.norm(dim=1), rtol=1e-3)
    gains = decibels(torch.fft.rfft(made)[:, 1:].abs() / torch.fft.rfft(waves)[:, 1:].abs())  # [clips, bins]
    octaves = np.log2(np.arange(1, SAMPLES // 2 + 1))
    slopes, offsets = np.polyfit(octaves, gains.numpy().T, 1)
    assert np.abs(gains.numpy().T - np.outer(octaves, slopes) - offsets).max() < 0.05
    assert 2.8 < np.abs(slopes).max() <= 3.01


def test_noise_and_mix_stay_below_what_is_asked_for(waves: Tensor) -> None:
    for word, other in (("noise:-20", None), ("mix:-20", torch.arange(CLIPS) % 2)):
        added = after(waves, word, genres=other) - waves
        level = decibels(added.norm(dim=1) / waves.norm(dim=1))
        assert float(level.max()) < -19  # of noise the level itself is random
        assert float(level.median()) == pytest.approx(-26, abs=2)  # half of what is asked for


def test_mix_takes_clips_of_the_same_genre_alone() -> None:
    times = torch.arange(SAMPLES) / SAMPLES
    waves = torch.cat(
        [torch.sin(2 * torch.pi * 8 * times)[None]] * 20 + [torch.sin(2 * torch.pi * 40 * times)[None]] * 20
    )
    genres = (torch.arange(40) >= 20).long()
    spectra = torch.fft.rfft(after(0.3 * waves, "mix:0", genres=genres)).abs()
    assert float(spectra[:20, 40].max()) < 1e-3
    assert float(spectra[20:, 8].max()) < 1e-3


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_each_follows_from_its_generator_and_leaves_what_it_is_given(waves: Tensor, name: str) -> None:
    before = waves.clone()
    state = torch.get_rng_state()
    one, same, other = after(waves, name), after(waves, name), after(waves, name, seed=1)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(waves, before)
    assert torch.equal(torch.get_rng_state(), state)
    silent = after(torch.zeros(4, SAMPLES), name)
    assert bool(silent.isfinite().all())
    assert float(silent.abs().max()) < 1e-6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gian",), "there is no augmentation 'gian'. Did you mean 'gain'"),
        (("gain:100",), "'gain' takes an amount from 0 to 60 dB, such as gain:6, not '100'"),
        (("gain:much",), "not 'much'"),
        (("polarity:1",), "'polarity' takes no amount"),
    ],
)
def test_what_can_not_be_is_refused_with_the_range(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(ValueError, match="augment: ") as refused:
        TrainOptions(augment=words)
    assert said in str(refused.value)


def test_a_training_uses_them_in_every_step_and_resumes_to_the_same_weights(
    tone_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {
        "transform.n_fft": 256, "transform.hop": 128, "model.width": 16, "model.neck": 4, "model.latent_dim": 4,
        "vocoder.iterations": 0, "train.batch_size": 16, "train.checkpoint_every": 2, "train.callbacks": (),
    }  # fmt: skip

    def run(name: str, words: str, steps: int = 4) -> dict[str, Tensor]:
        more = {**options, "train.augment": words}
        made = genvae.train(tone_store, tmp_path / name, steps=steps, model="conv-vae", options=more, progress=False)
        return load_file(made.weights_path)

    def differ(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
        return any(not torch.equal(value, other[name]) for name, value in one.items())

    plain, whole = run("plain", ""), run("whole", "gain:6,noise")
    assert differ(plain, whole)
    assert not differ({name: value for name, value in plain.items() if name.startswith("transform.")}, whole)
    used: list[list[str]] = []

    def fails(waves: Tensor, genres: Tensor, chosen: list[Chosen], *, generator: torch.Generator) -> Tensor:
        used.append([each.name for each in chosen])
        if len(used) == 4:
            raise KeyboardInterrupt
        return augment(waves, genres, chosen, generator=generator)

    monkeypatch.setattr(stepping, "augment", fails)
    with pytest.raises(KeyboardInterrupt):
        run("stopped", "gain:6,noise")
    assert used == [["gain", "noise"]] * 4
    monkeypatch.setattr(stepping, "augment", augment)
    resumed = genvae.train(tone_store, tmp_path / "stopped", resume=True, progress=False)
    assert not differ(whole, load_file(resumed.weights_path))


def test_the_docs_have_each_with_its_range() -> None:
    text = (Path(__file__).parents[2] / "docs" / "training.md").read_text()
    told = dict(re.findall(r"^\| `([a-z]+)` \| [^|]+ \| ([^|]+) \|$", text, re.M))
    assert told == {
        name: f"{each.default:g}, {each.least:g} to {each.most:g}" if each.least < each.most else "none"
        for name, each in AUGMENTATIONS.items()
    }


def test_a_misspelt_one_is_an_error_of_the_option(tone_store: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="train: augment: there is no augmentation 'gian'"):
        genvae.train(tone_store, tmp_path / "run", steps=1, options={"train.augment": "gian"}, progress=False)
    assert not (tmp_path / "run").exists()
