from __future__ import annotations

import json
import subprocess
import sys
import types
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import genvae
from genvae.errors import GenvaeError, PluginError, RunError
from genvae.pipeline import PartConfig
from genvae.plugin.declarations import VocoderPlugin
from genvae.plugin.registry import Registry, installed
from genvae.pretrained import pretrained_run
from genvae.run import Run
from genvae.synthesis import provenance
from genvae.synthesis.latent_path import LatentPath
from genvae.synthesis.renderer import Renderer
from genvae.synthesis.synthesizer import GROUP, Draw, Synthesizer, item_generator


@pytest.fixture(scope="session")
def synthesizer(tiny_run_path: Path) -> Synthesizer:
    return Synthesizer(Run(tiny_run_path), installed())


def test_the_same_seed_gives_the_same_bytes(tiny_run_path: Path, synthesizer: Synthesizer) -> None:
    again = Synthesizer(Run(tiny_run_path), installed())
    first = synthesizer.generate("techno", seed=42, index=0).wav()
    assert first == synthesizer.generate("techno", seed=42, index=0).wav()
    assert first == again.generate("techno", seed=42, index=0).wav()


def test_a_clip_does_not_depend_on_those_before_it(synthesizer: Synthesizer) -> None:
    alone = synthesizer.generate("techno", seed=42, index=3).wav()
    for index in range(3):
        synthesizer.generate("techno", seed=42, index=index)
    assert synthesizer.generate("techno", seed=42, index=3).wav() == alone


def test_clips_of_a_group_are_those_that_are_made_alone() -> None:
    pretrained = genvae.load()
    together = pretrained.generate("piano", seed=42, index=2, count=GROUP + 3, normalise=-3)
    assert len(together) == GROUP + 3
    for index in (2, 9, GROUP + 1, GROUP + 2, GROUP + 4):
        alone = pretrained.generate("piano", seed=42, index=index, normalise=-3)
        assert together[index - 2].wav() == alone.wav()


def test_clips_of_several_genres_and_seeds_are_those_that_are_made_alone() -> None:
    pretrained = genvae.load()
    draws = [Draw(genre, seed, index, 0.9) for seed, index in ((1, 0), (42, 7)) for genre in pretrained.genres]
    for draw, clip in zip(draws, pretrained.generate_each(draws), strict=True):
        alone = pretrained.generate(draw.genre, seed=draw.seed, index=draw.index, temperature=draw.temperature)
        assert clip.wav() == alone.wav()


@pytest.mark.parametrize("threads", [1, 3])
def test_the_number_of_threads_changes_nothing(synthesizer: Synthesizer, threads: int) -> None:
    before = torch.get_num_threads()
    expected = synthesizer.generate("techno", seed=42, index=0).wav()
    torch.set_num_threads(threads)
    try:
        assert synthesizer.generate("techno", seed=42, index=0).wav() == expected
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)


def test_seed_index_genre_and_temperature_each_change_the_sound(synthesizer: Synthesizer) -> None:
    def sound(genre: str = "techno", seed: int = 1, index: int = 0, temperature: float = 1.0) -> bytes:
        return synthesizer.generate(genre, seed=seed, index=index, temperature=temperature).wave.numpy().tobytes()

    sounds = {sound(), sound(genre="rock"), sound(seed=2), sound(index=1), sound(temperature=0.5)}
    assert len(sounds) == 5


def test_the_global_random_state_is_neither_touched_nor_used(tiny_run_path: Path) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = Synthesizer(Run(tiny_run_path), installed()).generate("rock", seed=7, index=0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(Synthesizer(Run(tiny_run_path), installed()).generate("rock", seed=7, index=0).wave, first.wave)


def test_a_clip_has_the_length_of_the_runs_clips_and_is_within_full_scale(synthesizer: Synthesizer) -> None:
    clip = synthesizer.generate("rock", seed=0, index=0)
    assert clip.wave.shape == (synthesizer.clip_samples,)
    assert clip.wave.dtype == torch.float32
    assert float(clip.wave.abs().max()) <= 1.0


def test_item_generators_stay_what_they_are() -> None:
    # A change here would change every clip of every seed that anybody wrote down.
    assert item_generator(42, "techno", 3).initial_seed() == 492332766271424607
    states = {item_generator(*key).initial_seed() for key in [(1, "a", 11), (11, "a", 1), (1, "a1", 1), (1, "ü", 1)]}
    assert len(states) == 4


def test_an_unknown_genre_lists_the_known_ones(synthesizer: Synthesizer) -> None:
    with pytest.raises(
        GenvaeError, match=r"no genre 'tecno'.*Did you mean 'techno'\? Known: drum & bass, rock, techno"
    ):
        synthesizer.generate("tecno", seed=0, index=0)


def test_provenance_says_what_made_the_clip(tiny_run_path: Path, synthesizer: Synthesizer) -> None:
    told = synthesizer.generate("rock", seed=5, index=2, temperature=0.5).provenance
    assert (told.genre, told.seed, told.index, told.temperature) == ("rock", 5, 2, 0.5)
    assert told.run == Run(tiny_run_path).digest()
    assert told.vocoder["options"]["iterations"] == 4
    assert told.versions["genvae"] == genvae.__version__
    assert told == synthesizer.provenance("rock", seed=5, index=2, temperature=0.5)


def test_a_copy_of_a_run_elsewhere_makes_the_same_bytes(tiny_run: Run, synthesizer: Synthesizer) -> None:
    moved = tiny_run.path.rename(tiny_run.path.with_name("another name"))
    copy = Synthesizer(Run(moved), installed())
    assert copy.generate("rock", seed=1, index=0).wav() == synthesizer.generate("rock", seed=1, index=0).wav()


def test_generation_opens_no_training_latent(tiny_run: Run) -> None:
    script = f"""
import sys
opened = []
def watch(event, arguments):
    if event == "open":
        opened.append(str(arguments[0]))
        assert "latents" not in opened[-1]
sys.addaudithook(watch)
from pathlib import Path
from genvae.synthesis.synthesizer import Synthesizer
from genvae.plugin.registry import installed
from genvae.run import Run
Synthesizer(Run(Path({str(tiny_run.path)!r})), installed()).generate("rock", seed=0, index=0)
assert any(name.endswith("weights.safetensors") for name in opened), "the hook sees nothing"
"""
    assert tiny_run.latents_path.exists()
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("damage", ["deleted", "overwritten"])
def test_a_run_without_its_training_latents_generates_the_same(
    tiny_run: Run, synthesizer: Synthesizer, damage: str
) -> None:
    if damage == "deleted":  # safetensors opens files where no audit hook sees it
        tiny_run.latents_path.unlink()
    else:
        tiny_run.latents_path.write_bytes(b"no latents")
    bare = Synthesizer(Run(tiny_run.path), installed()).generate("rock", seed=1, index=0)
    assert bare.wav() == synthesizer.generate("rock", seed=1, index=0).wav()


def test_an_unfinished_run_says_how_to_finish_it(tiny_run: Run) -> None:
    tiny_run.weights_path.unlink()
    with pytest.raises(RunError, match=r"has not ended.*resume=True"):
        Synthesizer(tiny_run, installed())


def test_damaged_weights_are_an_error_that_names_the_file(tiny_run: Run) -> None:
    tiny_run.weights_path.write_bytes(tiny_run.weights_path.read_bytes()[:-100])
    with pytest.raises(RunError, match=r"weights.safetensors is damaged"):
        Synthesizer(tiny_run, installed())


def test_options_that_are_not_named_values_are_damage(tiny_run: Run) -> None:
    description = json.loads(tiny_run.description_path.read_text())
    description["pipeline"]["model"]["options"] = [1]
    tiny_run.description_path.write_text(json.dumps(description))
    with pytest.raises(RunError, match=r"damaged.*'conv-vae' are not named values"):
        Run(tiny_run.path)


class Fake(genvae.Vocoder):
    """Gives its one value all along."""

    value = 0.5
    samples: int | None = None

    def __init__(self, options: Any, *, spec: genvae.FeatureSpec) -> None:
        super().__init__(options, spec=spec)

    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        return torch.full((1, self.samples or length or 0), self.value)


@pytest.fixture
def fake(tiny_run_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make a synthesizer whose vocoder gives a value, in a waveform of a number of samples."""

    def make(value: float, samples: int | None = None) -> Synthesizer:
        module = types.ModuleType("fake_vocoder_plugin")
        plugin = VocoderPlugin(name="fake", summary="", factory="fake_vocoder_plugin:Made")
        vars(module)["Made"] = type("Made", (Fake,), {"value": value, "samples": samples})
        vars(module)["genvae_vocoders"] = genvae.hookimpl(lambda: [plugin], specname="genvae_vocoders")
        monkeypatch.setitem(sys.modules, "fake_vocoder_plugin", module)
        registry = Registry([*entry_points(group="genvae"), EntryPoint("fake", "fake_vocoder_plugin", "genvae")])
        return Synthesizer(Run(tiny_run_path), registry, vocoder=PartConfig.of(registry, "vocoder", "fake", {}))

    return make


def test_another_vocoder_is_used_and_told(fake: Any) -> None:
    clip = fake(0.25).generate("rock", seed=0, index=0)
    assert clip.wave.unique().tolist() == [0.25]
    assert clip.provenance.vocoder["plugin"] == "fake"


def test_a_clip_beyond_full_scale_is_turned_down(fake: Any) -> None:
    assert fake(-3.0).generate("rock", seed=0, index=0).wave.unique().tolist() == pytest.approx([-1.0])


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_not_finite_is_never_a_clip(fake: Any, value: float) -> None:
    with pytest.raises(GenvaeError, match="not finite"):
        fake(value).generate("rock", seed=0, index=0)
    with pytest.raises(GenvaeError, match="not finite"):
        fake(value).reconstruct(torch.zeros(10))


def test_a_vocoder_that_gives_another_length_is_named(fake: Any) -> None:
    with pytest.raises(PluginError, match=r"'fake' .* of shape \[1, 7\], expected waveforms \[1, 4096\]"):
        fake(0.0, samples=7).generate("rock", seed=0, index=0)


@pytest.mark.parametrize("samples", [1, 4096, 4097, 10000])
def test_a_reconstruction_is_as_long_as_the_original(synthesizer: Synthesizer, samples: int) -> None:
    sound = 0.3 * torch.sin(torch.arange(samples) * 0.2)
    made = synthesizer.reconstruct(sound)
    assert made.wave.shape == (samples,)
    assert made.genre in synthesizer.genres
    assert 0 < made.distance < 200


def piano_like(seconds: np.ndarray) -> np.ndarray:
    """Six struck notes whose harmonics decay, the higher ones sooner."""
    made = np.zeros(len(seconds))
    for pitch, struck in ((220, 0.2), (277.2, 0.9), (329.6, 1.7), (440, 2.4), (246.9, 3.3), (293.7, 4.2)):
        since = np.clip(seconds - struck, 0, None)
        for harmonic in range(1, 7):
            decay = np.exp(-3 * harmonic**0.5 * since) / harmonic
            made += 0.15 * (seconds >= struck) * decay * np.sin(2 * np.pi * pitch * harmonic * since)
    return made


def roughness(wave: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """How loud a click at each sample of `centres` is: the level of the wave's second difference in 64 samples."""
    bent = np.diff(wave, 2)
    return np.array([np.sqrt(np.square(bent[at - 32 : at + 32]).mean()) for at in centres])


@pytest.mark.parametrize("sound", [lambda t: 0.4 * np.sin(2 * np.pi * 220 * t), piano_like], ids=["tone", "piano"])
def test_a_reconstruction_is_no_louder_at_its_seams_than_inside_its_clips(sound: Any) -> None:
    synthesizer = Synthesizer(Run(pretrained_run()), installed())
    clip = synthesizer.clip_samples
    wave = torch.from_numpy(sound(np.arange(5 * clip) / synthesizer.sample_rate).astype(np.float32))
    made = synthesizer.reconstruct(wave)
    seams = np.arange(clip // 2, len(wave) - clip // 2 + 1, clip // 2)  # where a clip begins or ends
    # As many places that are as far apart, but inside clips: one of these may well hold an attack that was played.
    shifts = np.arange(80, clip // 2 - 80, 16)
    loudest = np.quantile([roughness(made.wave.numpy(), seams[:-1] + shift).max() for shift in shifts], 0.99)
    assert roughness(made.wave.numpy(), seams).max() < loudest
    # The same sound, upside down in every other stretch between seams: what jumps there is heard by the measure.
    jumping = np.concatenate([part * (-1) ** i for i, part in enumerate(np.split(made.wave.numpy(), seams))])
    clicks = roughness(jumping, seams) / roughness(made.wave.numpy(), seams)
    assert np.median(clicks) > 3, "the measure does not hear a click"


def test_longer_sounds_say_each_clip_and_can_be_ended_there(synthesizer: Synthesizer, way: LatentPath) -> None:
    for make in (
        lambda on_clip: synthesizer.decode_path(way, 2.0, on_clip=on_clip),
        lambda on_clip: synthesizer.reconstruct(torch.zeros(16000), "rock", on_clip=on_clip),
    ):
        told: list[tuple[int, int]] = []
        make(lambda number, count, told=told: told.append((number, count)))
        assert told == [(number, len(told)) for number in range(len(told))]

        def enough(number: int, _: int) -> None:
            if number == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            make(enough)


def test_a_shift_changes_a_reconstruction(synthesizer: Synthesizer) -> None:
    wave = 0.1 * torch.randn(9000, generator=torch.Generator().manual_seed(3))
    plain = synthesizer.reconstruct(wave, "rock").wave
    assert torch.equal(synthesizer.reconstruct(wave, "rock", shift=torch.zeros(4)).wave, plain)
    assert not torch.equal(synthesizer.reconstruct(wave, "rock", shift=torch.ones(4)).wave, plain)


def test_what_is_too_long_to_be_reconstructed_is_refused(synthesizer: Synthesizer) -> None:
    with pytest.raises(GenvaeError, match="at most 600"):
        synthesizer.reconstruct(torch.zeros(601 * synthesizer.sample_rate))


def test_a_reconstruction_is_conditioned_on_the_genre_that_is_asked_for(synthesizer: Synthesizer) -> None:
    sound = 0.3 * torch.sin(torch.arange(5000) * 0.2)
    assert synthesizer.reconstruct(sound, "rock").genre == "rock"
    with pytest.raises(GenvaeError, match="no genre 'polka'"):
        synthesizer.reconstruct(sound, "polka")


def test_the_genre_of_a_reconstruction_is_that_of_the_least_error(synthesizer: Synthesizer) -> None:
    sound = 0.3 * torch.sin(torch.arange(5000) * 0.2)
    assert torch.equal(
        synthesizer.reconstruct(sound).wave,
        synthesizer.reconstruct(sound, synthesizer.reconstruct(sound).genre).wave,
    )


def test_the_latent_of_a_clip_sounds_as_the_clip_does(synthesizer: Synthesizer) -> None:
    z = synthesizer.latent("rock", seed=4, index=2)
    clip = synthesizer.generate("rock", seed=4, index=2)
    decoded = synthesizer.decode(z, "rock", seed=4, index=2)
    assert torch.equal(decoded.wave, clip.wave)
    assert decoded.provenance != clip.provenance
    assert not torch.equal(synthesizer.decode(z, "rock", seed=5).wave, clip.wave)
    assert not torch.equal(synthesizer.decode(-z, "rock", seed=4, index=2).wave, clip.wave)


def test_temperature_scales_the_latent_about_a_centre(synthesizer: Synthesizer) -> None:
    one, two, centre = (synthesizer.latent("rock", seed=1, temperature=t) for t in (1.0, 2.0, 0.0))
    torch.testing.assert_close(two - centre, 2 * (one - centre))


def test_a_sound_has_a_latent_for_each_of_its_clips(synthesizer: Synthesizer) -> None:
    sound = 0.3 * torch.sin(torch.arange(9000) * 0.2)
    latents, genre = synthesizer.encode(sound)
    assert latents.shape == (3, 4)
    assert genre == synthesizer.reconstruct(sound).genre
    alone, same = synthesizer.encode(sound[:4096], genre)
    assert same == genre
    assert torch.equal(alone[0], latents[0])


def test_what_is_no_latent_of_the_run_is_refused(synthesizer: Synthesizer) -> None:
    with pytest.raises(GenvaeError, match=r"shape \[3\] is none of this run's: they are \[4\]"):
        synthesizer.decode(torch.zeros(3), "rock")
    with pytest.raises(GenvaeError, match="not finite"):
        synthesizer.decode(torch.full((4,), float("nan")), "rock")
    with pytest.raises(GenvaeError, match="no genre 'polka'"):
        synthesizer.decode(torch.zeros(4), "polka")


@pytest.fixture
def way(synthesizer: Synthesizer) -> LatentPath:
    latents = [synthesizer.latent("rock", seed=4), synthesizer.latent("techno", seed=5)]
    return LatentPath.of(torch.stack(latents), ["rock", "techno"])


def test_a_path_begins_with_the_sound_of_its_first_end(synthesizer: Synthesizer, way: LatentPath) -> None:
    first = synthesizer.decode_at(way, 0.0, seed=4)
    assert torch.equal(first.wave, synthesizer.generate("rock", seed=4, index=0).wave)
    between = [synthesizer.decode_at(way, t, seed=4).wave.numpy().tobytes() for t in (0.0, 0.3, 0.6, 1.0)]
    assert len(set(between)) == 4


@pytest.mark.parametrize("how", [{"seconds": 9.0}, {"bpm": 60, "bars": 2}])
def test_a_longer_sound_stays_near_its_first_latent(
    synthesizer: Synthesizer, monkeypatch: pytest.MonkeyPatch, how: dict[str, Any]
) -> None:
    paths: list[LatentPath] = []
    for name in ("path", "loop"):
        made = getattr(Renderer, name)
        monkeypatch.setattr(
            Renderer, name, lambda self, path, *rest, f=made: paths.append(path) or f(self, path, *rest)
        )
    synthesizer.generate("rock", seed=4, index=1, **how)
    first, *others = (knot.latent for knot in paths[0].knots)
    assert torch.equal(first, synthesizer.latent("rock", seed=4, index=1))
    assert len(others) >= 4
    assert torch.equal(first, others[-1]) == ("bars" in how)  # a loop comes back
    wandered = [float((other - first).norm()) for other in others if not torch.equal(first, other)]
    assert len(set(wandered)) == len(wandered)
    drawn = [float((synthesizer.latent("rock", seed=seed) - first).norm()) for seed in range(40)]
    # A chord over .35 of an angle is .35 to .52 of the angle's own, which is half a turn at most.
    assert np.median(wandered) < 0.55 * np.median(drawn)
    assert max(wandered) < 0.55 * max(drawn)


@pytest.mark.parametrize("seconds", [0.512, 0.6, 2.0])
def test_a_longer_sound_has_its_length_and_begins_alike_in_any_process(
    synthesizer: Synthesizer, tiny_run_path: Path, seconds: float
) -> None:
    made = synthesizer.generate("rock", seed=4, index=1, seconds=seconds)
    assert made.wave.shape == (round(8000 * seconds),)
    assert float(made.wave.abs().max()) <= 1
    again = Synthesizer(Run(tiny_run_path), installed()).generate("rock", seed=4, index=1, seconds=seconds)
    assert again.wav() == made.wav()


@pytest.mark.parametrize("seconds", [0.0, 0.5, 601.0, float("nan")])
def test_a_length_that_no_sound_can_have_is_refused(synthesizer: Synthesizer, seconds: float) -> None:
    with pytest.raises(GenvaeError, match=r"`seconds` takes from 0.512 to 600"):
        synthesizer.generate("rock", seed=4, index=1, seconds=seconds)


def test_every_sound_is_made_again_from_its_provenance(
    synthesizer: Synthesizer, way: LatentPath, tmp_path: Path
) -> None:
    made = [
        synthesizer.generate("rock", seed=4, index=1, temperature=0.5),
        synthesizer.generate("rock", seed=4, index=1, seconds=1.0),
        synthesizer.decode(torch.ones(4), "drum & bass", seed=2, index=3),
        synthesizer.decode_at(way, 0.4, seed=9),
        synthesizer.decode_path(way, 1.5, seed=9),
    ]
    for number, clip in enumerate(made):
        path = tmp_path / f"{number}.wav"
        path.write_bytes(clip.wav())
        assert synthesizer.remake(provenance.read(path)).wav() == clip.wav()


def test_longer_sounds_of_the_pretrained_run_neither_click_nor_dip_at_their_seams() -> None:
    """Of many sounds, as the beats of any of them may fall on its seams or between them."""
    synthesizer = Synthesizer(Run(pretrained_run()), installed())
    step = 44 * 256  # samples from one clip's start to the next

    def clicks(wave: torch.Tensor) -> float:
        seams = np.arange(step, len(wave) - step // 4 - 64, step)
        after = [roughness(wave.numpy(), seams + shift) for shift in range(256, step // 4, 128)]
        return float(np.median(roughness(wave.numpy(), seams) / np.median(after, axis=0)))

    def level(wave: torch.Tensor) -> float:
        seams = range(step, len(wave) - 512, step)
        near = torch.cat([wave[at - 256 : at + 256] for at in seams])
        away = torch.cat([wave[at + step // 4 : at + step // 4 + 512] for at in seams])
        return float(near.square().mean() / away.square().mean())

    wanted = [(genre, seed) for genre in synthesizer.genres for seed in range(4)]
    sounds = [synthesizer.generate(genre, seed=seed, index=0, seconds=3.0).wave for genre, seed in wanted]
    assert np.median([clicks(sound) for sound in sounds]) < 1.5
    assert np.median([level(sound) for sound in sounds]) > 0.5
    clips = [synthesizer.generate(genre, seed=seed, count=6) for genre, seed in wanted]
    butted = [torch.cat([clip.wave[4000 : 4000 + step] for clip in own]) for own in clips]
    assert np.median([clicks(sound) for sound in butted]) > 1.5, "the measure does not hear a click"
