"""The lesson as one HTML page of a run: its text, pictures drawn from the run, and the lines of genvae beside it."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from genvae.web import figures
from genvae.web.lesson import Lesson

SEED = 1
"""Of the sound that the pictures show before one asks for another."""

_TEXT = Path(__file__).parent / "explain.html"
_STATIC = Path(__file__).parent / "static"
_TONE, _RATE = 3000.0, 4000.0  # Hz, of the picture of sampling
_SINES = 40
_PLACE = re.compile(r"\{\{(\w+) ([^}]*)\}\}")


def render(lesson: Lesson) -> str:
    """The page of a run, complete without any script."""
    drawn = _Drawn(lesson)
    fill: Mapping[str, Callable[[str], str]] = {
        "lines": lines_of,
        "figure": lambda name: str(getattr(drawn, name)()),
        "number": lambda name: escape(drawn.numbers[name]),
    }
    return _PLACE.sub(lambda match: fill[match[1]](match[2]), _TEXT.read_text(encoding="utf-8"))


def lines_of(address: str) -> str:
    """The lines of genvae at an address such as `genvae.losses:gaussian_kl` or `spectrum.js:transform`, as HTML.

    They are read from the source itself, without its docstring, so that they can't be out of date.
    """
    module, _, name = address.partition(":")
    code = _script(module, name) if module.endswith(".js") else _python(module, name)
    label = escape(f"{name.rpartition('.')[2]} in {module}")
    return f'<pre tabindex="0" role="region" aria-label="{label}"><code>{escape(code)}</code></pre>'


def _python(module: str, name: str) -> str:
    target: Any = importlib.import_module(module)
    for part in name.split("."):
        target = getattr(target, part)
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(target)))
    [definition] = ast.parse(source).body
    assert isinstance(definition, ast.FunctionDef)
    first, rest = definition.body[0], source.splitlines()
    if ast.get_docstring(definition) is not None:
        assert first.end_lineno is not None
        del rest[first.lineno - 1 : first.end_lineno]
    return "\n".join(rest)


def _script(file: str, name: str) -> str:
    match = re.search(rf"^function {name}\(.*?^}}", (_STATIC / file).read_text(encoding="utf-8"), re.M | re.S)
    assert match is not None, f"{file} has no function {name}"
    return match[0]


class _Drawn:
    """The pictures and numbers of a run's lesson, by the names that the text asks for."""

    def __init__(self, lesson: Lesson) -> None:
        self._lesson = lesson
        self._genre = lesson.genres[0]
        sound = lesson.sound(self._genre, SEED)
        self._wave: NDArray[np.float32] = sound.wave.numpy()
        self._rate = sound.sample_rate
        posterior = lesson.heard(self._genre, SEED).posterior
        self._mean = posterior.mean[0].float().numpy()
        self._cost = np.sort(posterior.kl()[0].float().numpy())[::-1]
        self._priors, self._overlap = lesson.priors(), lesson.overlap()
        nats = float(self._cost.sum())
        distances = self._priors.distances if self._priors else (0.0, 0.0, 0.0)
        self.numbers = {
            "genre": self._genre,
            "rate": f"{self._rate:,}",
            "nyquist": f"{self._rate / 2:,.0f}",
            "samples": f"{len(self._wave):,}",
            "dim": str(len(self._mean)),
            "nats": f"{nats:.0f}",
            "bits": f"{nats / np.log(2):.0f}",
            "idle": str(int((self._cost < 0.1).sum())),
            "training": f"{distances[0]:.1f}",
            "fitted": f"{distances[1]:.1f}",
            "normal": f"{distances[2]:.1f}",
        }

    def sampling(self) -> str:
        """A tone above the Nyquist frequency, its samples, and the lower tone that has the same samples."""
        time = np.linspace(0, 0.004, 400)
        at = np.arange(0, 0.004, 1 / _RATE)
        alias = _TONE - _RATE
        label = "A tone of 3,000 Hz sampled 4,000 times a second: its samples lie on a tone of 1,000 Hz as well."
        paths = [
            ("zero", figures.line([0, 0], -1, 1)),
            ("truth", figures.line(np.sin(2 * np.pi * _TONE * time), -1, 1)),
            ("alias", figures.line(np.sin(2 * np.pi * alias * time), -1, 1)),
            ("dots", figures.dots(at, np.sin(2 * np.pi * _TONE * at), (0, 0.004), (-1, 1))),
        ]
        return figures.figure("sampling", label, paths)

    def sines(self) -> str:
        """A piece of the sound, and the sum of its strongest sines."""
        spectrum = np.fft.rfft(self._wave)
        spectrum[np.argsort(np.abs(spectrum))[:-_SINES]] = 0
        total = np.fft.irfft(spectrum, len(self._wave))
        length = round(0.02 * self._rate)
        loud = np.convolve(np.square(self._wave), np.ones(length), "valid").argmax()
        piece = slice(loud, loud + length)
        most = float(np.abs(self._wave[piece]).max()) or 1.0
        label = (
            f"20 ms of a sound of {self._genre}, and the sum of its {_SINES} strongest sines, which follows it roughly."
        )
        truth, alias = (figures.line(each[piece], -most, most) for each in (self._wave, total))
        return figures.figure("sines", label, [("truth", truth), ("alias", alias)])

    def spectrogram(self) -> str:
        """The short-time Fourier transform of the sound, in eight levels."""
        wave, window = torch.from_numpy(self._wave), torch.hann_window(1024)
        frames = torch.stft(wave, 1024, 256, window=window, pad_mode="constant", return_complex=True)
        areas = figures.levels(frames.abs().numpy(), self._rate)
        paths = [(f"level level-{i}", data) for i, data in enumerate(areas, 1)]
        label = (
            f"Spectrogram of a sound of {self._genre}: time to the right, frequency upwards, the louder the stronger."
        )
        return figures.figure("spectrogram", label, paths, height=220)

    def latent(self) -> str:
        """The encoder's numbers as bars."""
        most = max(3.0, float(np.abs(self._mean).max()))
        label = f"The {len(self._mean)} numbers of a sound of {self._genre} as bars around zero."
        paths = [("zero", figures.line([0, 0], -most, most)), ("bars", figures.bars(self._mean, -most, most))]
        return figures.figure("latent", label, paths)

    def cloud(self) -> str:
        """A posterior's Gaussian beside the standard normal."""
        z = np.linspace(-4, 4, 200)
        density = [np.exp(-0.5 * ((z - m) / s) ** 2) / (s * np.sqrt(2 * np.pi)) for m, s in ((0.0, 1.0), (1.2, 0.4))]
        label = "Two bell curves: the standard normal, and a narrow cloud to the right of its middle."
        paths = [("truth", figures.line(density[0], 0, 1.2)), ("alias", figures.line(density[1], 0, 1.2))]
        return figures.figure("cloud", label, paths)

    def cost(self) -> str:
        """What each number of the sound costs, the dearest first."""
        label = f"What each of the {len(self._cost)} numbers costs, from the dearest down."
        paths = [("bars", figures.bars(self._cost, 0, float(self._cost.max())))]
        return figures.figure("cost", label, paths)

    def priors(self) -> str:
        """Where training sounds lie, and draws from two priors."""
        if self._priors is None:
            return _NO_MAP
        priors = self._priors
        everything = torch.cat([priors.training, priors.fitted, priors.normal])
        label = (
            "Training sounds, draws from the fitted prior, and draws from the standard normal, in the plane of the two "
            "strongest principal directions."
        )
        groups = (("dots training", priors.training), ("dots normal", priors.normal), ("dots fitted", priors.fitted))
        return figures.figure(
            "priors", label, [(kind, _scatter(each, everything)) for kind, each in groups], height=300
        )

    def genres(self) -> str:
        """Training sounds on the run's map, coloured by genre."""
        plane = self._lesson.plane()
        if plane is None:
            return _NO_MAP
        points, genre = plane
        paths = [(f"dots g{i}", _scatter(points[genre == i], points)) for i in range(len(self._lesson.genres))]
        label = f"Training sounds on the map, coloured by genre: {', '.join(self._lesson.genres)}."
        return figures.figure("genres", label, paths, height=300)

    def neighbours(self) -> str:
        """The table of whose neighbours are of which genre."""
        if self._overlap is None:
            return _NO_MAP
        names = self._lesson.genres
        swatches = {name: f'<span class="swatch g{i}"></span>{escape(name)}' for i, name in enumerate(names)}
        head = "".join(f'<th scope="col">{swatches[name]}</th>' for name in names)
        rows = "".join(
            f'<tr><th scope="row">{escape(name)}</th>'
            + "".join(f"<td>{100 * shares[other]:.0f} %</td>" for other in names)
            + "</tr>"
            for name, shares in self._overlap.items()
        )
        caption = "<caption>Of the ten nearest of a training sound, how many are of which genre</caption>"
        return f'<table class="overlap">{caption}<thead><tr><td></td>{head}</tr></thead><tbody>{rows}</tbody></table>'

    def options(self) -> str:
        """The genres to choose from."""
        return "".join(f"<option>{escape(name)}</option>" for name in self._lesson.genres)


_NO_MAP = (
    '<p class="note">This run has no map, so there is nothing to draw here. <code>genvae map RUN</code> makes one.</p>'
)


def _scatter(points: torch.Tensor, everything: torch.Tensor) -> str:
    """Points [n, 2] in the picture that holds all of some but the few outermost."""
    edges = torch.quantile(everything, torch.tensor([0.005, 0.995]), dim=0).tolist()
    inside = ((points >= torch.tensor(edges[0])) & (points <= torch.tensor(edges[1]))).all(dim=1)
    x, y = points[inside].T.numpy()
    return figures.dots(x, y, (edges[0][0], edges[1][0]), (edges[0][1], edges[1][1]), 300)
