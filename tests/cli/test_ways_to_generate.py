"""What `genvae generate` makes beside one clip of a genre: all genres, mixtures, loops, latents, levels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from conftest import GENRES, SAMPLE_RATE, Genvae
from torch import Tensor

from genvae.synthesis.loop import close
from genvae.verbs import load
from genvae.web import schema
from genvae.web.sources import Sources


def made(genvae: Genvae, *arguments: str | Path) -> Path:
    result = genvae("generate", *arguments)
    assert result.exit_code == 0, result.output
    [path] = result.stdout.splitlines()
    return Path(path)


def test_all_makes_the_clips_of_every_genre(genvae: Genvae, tiny_run_path: Path) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--genre", "all", "--seed", "1", "--count", "2")
    assert result.stdout.split("\n")[:-1] == [f"{g.replace(' & ', '-')}-s1-00{i}.wav" for g in GENRES for i in (0, 1)]
    one = made(genvae, "--run", tiny_run_path, "--genre", "techno", "--seed", "1", "-o", "one.wav")
    assert one.read_bytes() == Path("techno-s1-000.wav").read_bytes()


def test_a_mixture_is_the_one_of_the_page_and_is_made_again(genvae: Genvae, tiny_run_path: Path) -> None:
    path = made(genvae, "--run", tiny_run_path, "--genre", "rock:3,techno", "--seed", "5")
    assert path.name == "rock-3-techno-1-s5-000.wav"
    model = load(tiny_run_path)
    source = schema.Source.model_validate({"mix": {"rock": 0.75, "techno": 0.25}, "seed": 5})
    found = Sources(model, {}, None, model.latent_dim).resolve(source)
    assert (found.genre, found.other, found.share) == ("rock", "techno", 0.25)
    knots = [model.latent(genre, seed=5) for genre in ("rock", "techno")]
    between = 0.75 * knots[0] + 0.25 * knots[1]
    assert np.allclose(found.z / found.z.norm(), between / between.norm(), atol=1e-5)
    assert genvae("regenerate", path, "--run", tiny_run_path).exit_code == 0
    assert genvae("generate", "--run", tiny_run_path, "--genre", "rock:3,techno", "--seed", "5").exit_code == 0


@pytest.mark.parametrize(
    ("mixture", "said"),
    [
        ("rock:x,techno", "'x' is no number: write rock:0.5"),
        ("rock,rock", "names rock twice"),
        ("rock:0", "more than 0"),
        ("rock:-1,techno", "rock can't count -1"),
        ("rok,techno", "Did you mean 'rock'?"),
    ],
)
def test_a_mixture_that_is_none_is_told(genvae: Genvae, tiny_run_path: Path, mixture: str, said: str) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--genre", mixture, "--seed", "1")
    assert result.exit_code
    assert said in result.stderr


@pytest.mark.parametrize(("bpm", "bars"), [(128, 2), (97.3, 1), (400, 3)])
def test_a_loop_is_on_the_grid_and_is_made_again(genvae: Genvae, tiny_run_path: Path, bpm: float, bars: int) -> None:
    path = made(
        genvae, "--run", tiny_run_path, "--genre", "rock", "--seed", "1", "--bpm", str(bpm), "--bars", str(bars)
    )
    assert soundfile.info(path).frames == round(bars * 4 * 60 / bpm * SAMPLE_RATE)
    assert genvae("regenerate", path, "--run", tiny_run_path).exit_code == 0


def test_a_loop_has_no_seam(tiny_run_path: Path) -> None:
    """Where it begins again, its curvature is no other than elsewhere."""
    model = load(tiny_run_path)

    def seam(wave: Tensor) -> float:
        curve = np.square(np.diff(np.concatenate([wave, wave[:2]]), 2))
        return float(curve[-2:].mean() / curve.mean())

    assert np.median([seam(model.generate("rock", seed=s, bpm=120, bars=1).wave) for s in range(8)]) < 3


def test_the_end_of_a_closed_tone_goes_on_in_its_beginning() -> None:
    tone = torch.sin(torch.arange(1000 + 50) * 0.123)
    closed = close(tone, 1000)
    assert closed[0] == tone[1000]  # what would have come behind the last sample
    assert torch.equal(closed[50:], tone[50:1000])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--bars", "2"], "--bpm"),
        (["--bpm", "128", "--seconds", "3"], "--bpm"),
        (["--candidates", "2", "--bpm", "128"], "--bpm"),
        (["--latents", "z.npy", "--seconds", "3"], "--latents"),
        (["--normalise", "3"], "--normalise"),
        (["--normalise", "-61"], "--normalise"),
    ],
)
def test_what_excludes_each_other_is_refused(
    genvae: Genvae, tiny_run_path: Path, arguments: list[str], said: str
) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "1", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not list(Path().iterdir())


@pytest.mark.parametrize(("bpm", "said"), [("480", "--bpm takes from 20"), ("nan", "not a finite number")])
def test_a_tempo_that_is_none_is_refused(genvae: Genvae, tiny_run_path: Path, bpm: str, said: str) -> None:
    result = genvae("generate", "--run", tiny_run_path, "--genre", "rock", "--bpm", bpm)
    assert said in result.stderr
    assert not list(Path().iterdir())


def test_latents_go_out_and_come_in(genvae: Genvae, tiny_run_path: Path) -> None:
    """A latent that is written sounds, with its seed, as the clip that it is of."""
    result = genvae("encode", "rock@7", "-o", "z.npy", "--run", tiny_run_path)
    assert result.exit_code == 0, result.output
    assert np.load("z.npy").dtype == np.float32
    assert f"genvae generate --run {tiny_run_path} --latents z.npy --genre rock" in result.stderr
    one = made(genvae, "--run", tiny_run_path, "--latents", "z.npy", "--genre", "rock", "--seed", "7", "-o", "a.wav")
    other = made(genvae, "--run", tiny_run_path, "--genre", "rock", "--seed", "7", "-o", "b.wav")
    assert np.array_equal(soundfile.read(one)[0], soundfile.read(other)[0])
    soundfile.write("mine.flac", 0.3 * np.sin(np.arange(2.5 * 4096) * 0.2), SAMPLE_RATE)
    assert genvae("encode", "mine.flac", "-o", "y.npy", "--run", tiny_run_path).exit_code == 0
    assert np.load("y.npy").shape == (3, 4)
    assert np.allclose(np.load("y.npy"), load(tiny_run_path).encode("mine.flac").latents.numpy())
    result = genvae("generate", "--run", tiny_run_path, "--latents", "y.npy", "--genre", "techno", "-o", "heard")
    assert result.stdout.splitlines() == [f"heard/y-techno-00{i}.wav" for i in range(3)]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (np.zeros((2, 5), np.float32), "this run's latents are [clips, 4]"),
        (np.zeros((0, 4), np.float32), "of shape [0, 4]"),
        (np.array([[np.nan] * 4]), "not finite"),
        (np.array([["a"] * 4]), "no array of real numbers"),
        (np.array([[{}] * 4], object), "no .npy file of numbers"),
        (
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999, 4), }",
            "can't be read",
        ),
        (b"nonsense", "no .npy file"),
        (b"", "no .npy file"),
        (None, "can't be read"),
    ],
)
def test_a_file_of_other_things_is_no_latents(
    genvae: Genvae, tiny_run_path: Path, held: np.ndarray | bytes | None, said: str
) -> None:
    if isinstance(held, bytes):
        Path("z.npy").write_bytes(held)
    elif held is not None:
        np.save("z.npy", held, allow_pickle=True)
    result = genvae("generate", "--run", tiny_run_path, "--latents", "z.npy", "--genre", "rock", "--seed", "1")
    assert result.exit_code
    assert said in result.stderr
    assert not list(Path().glob("*.wav"))


def test_a_level_is_reached_told_and_made_again(genvae: Genvae, tiny_run_path: Path) -> None:
    arguments = ("--run", tiny_run_path, "--genre", "rock", "--seed", "1")
    plain = made(genvae, *arguments, "-o", "plain.wav")
    result = genvae("generate", *arguments, "--normalise", "-6", "-o", "loud.flac", "--json")
    assert result.exit_code == 0
    assert "peak is brought to -6 dBFS" in result.stderr
    assert '"normalise": -6.0' in result.stdout
    loud, soft = soundfile.read("loud.flac")[0], soundfile.read(plain)[0]
    assert 20 * np.log10(abs(loud).max()) == pytest.approx(-6, abs=0.01)
    assert np.corrcoef(loud, soft)[0, 1] > 0.9999
    assert genvae("regenerate", "loud.flac", "--run", tiny_run_path).exit_code == 0


def test_a_sound_that_is_hardly_heard_is_told_with_what_to_add(genvae: Genvae, tiny_run_path: Path) -> None:
    quiet = made(genvae, "--run", tiny_run_path, "--genre", "rock", "--seed", "1", "--normalise", "-50", "-o", "q.wav")
    assert abs(soundfile.read(quiet)[0]).max() < 0.004
    from genvae.cli.generate import QUIET

    peak = load(tiny_run_path).generate("rock", seed=1).peak_db
    result = genvae("generate", "--run", tiny_run_path, "--genre", "rock", "--seed", "1")
    assert ("is very quiet" in result.stderr) is (peak < QUIET)
