"""Exports what a run generates with as ONNX, with all that is drawn as inputs, and checks it against torch."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import warnings
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

import genvae
from genvae.errors import GenvaeError, MissingError, PluginError
from genvae.files import write_whole
from genvae.pipeline import Pipeline
from genvae.plugin.registry import Registry
from genvae.run import Run
from genvae.synthesis.phase_rounds import PhaseRounds

FORMAT = 1
"""Version of the description inside the file."""
TOLERANCE = 1e-3
"""How far a feature may be from torch's, or a magnitude, relative to the largest: sums have another order."""

_DISTRIBUTIONS: Mapping[Any, Literal["normal", "uniform"]] = {
    torch.randn: "normal",
    torch.randn_like: "normal",
    torch.rand: "uniform",
    torch.rand_like: "uniform",
}
_NEEDS = ("onnx", "onnxscript", "onnxruntime")

ExportPart = Literal["decoder", "spectrogram", "waveform"]
"""`decoder`: a latent and a genre -> features. `spectrogram`: a genre and a temperature -> what a vocoder takes.
`waveform`: a latent and a genre -> a sound."""


@dataclass(frozen=True)
class Draw:
    """A random input.

    Attributes:
        name: of the input.
        distribution: standard normal, or uniform from 0 up to 1.
        shape: with the batch of one clip.
    """

    name: str
    distribution: Literal["normal", "uniform"]
    shape: Sequence[int]


@dataclass(frozen=True)
class Exported:
    """What an exported file holds.

    Attributes:
        run: the run's digest.
        part: what of the pipeline it holds.
        inputs: their shapes by name.
        outputs: their shapes by name.
        draws: the inputs that are random.
        difference: the largest from what torch gives, over every genre.
    """

    run: str
    part: ExportPart
    inputs: Mapping[str, Sequence[int]]
    outputs: Mapping[str, Sequence[int]]
    draws: Sequence[Draw]
    difference: float


def export_onnx(
    run: Run, registry: Registry, path: Path, *, part: ExportPart = "decoder", mean: bool = False
) -> Exported:
    """Write a part of a run, for one clip at a time.

    `decoder`: `z` [1, latent_dim] and `genre` [1] (int64) -> `features` [1, bins, frames]. `spectrogram`: `genre` and
    `temperature` [1] -> `spectrogram` [1, bins, frames] in the units of the spec, through prior, model and the
    transform's inverse: all of generation but the vocoder. `waveform`: `z` and `genre` -> `waveform` [1, samples],
    within ±1, with a phase reconstruction of its own inside, as a vocoder is no graph: see `synthesis.phase_rounds`.

    What is drawn, as the default model does for its texture, is an input for each draw, in the order of the drawing;
    from the same draws come the same values as in torch. The meaning of the values, the genres and the draws stand in
    the file's metadata, as JSON under `genvae`.

    Args:
        mean: of the decoder, export what `Model.decode` gives without a generator, so that nothing is drawn.

    Raises:
        GenvaeError: a library is missing, the model can't be exported, or what came out differs from torch.
        RunError: the run is unfinished or damaged.
        OSError: the file can't be written.
    """
    _require_libraries()
    digest = run.digest()
    pipeline = run.load(registry)
    config = run.config
    generator = torch.Generator().manual_seed(0)
    module: _Part = (
        _Decoder(pipeline, mean)
        if part == "decoder"
        else _Spectrogram(pipeline)
        if part == "spectrogram"
        else _Waveform(pipeline)
    )
    inputs = module.inputs(0, generator)
    draws, values = ((), []) if mean else _draws_of(module, inputs)
    names = [*module.names, *(draw.name for draw in draws)]
    program = _exported(module.eval(), (*inputs, *values), names, part, config.model.plugin)
    metadata = {
        "format": FORMAT,
        "genvae": genvae.__version__,
        "torch": str(torch.__version__),
        "run": digest,
        "part": part,
        "genres": list(config.genres),
        "sample_rate": config.sample_rate,
        "clip_samples": config.clip_samples,
        "pipeline": config.to_json(),
        "spec": module.spec.to_json(),
        "draws": [asdict(draw) for draw in draws],
    }
    entry = program.metadata_props.add()
    entry.key, entry.value = "genvae", json.dumps(metadata)
    content: bytes = program.SerializeToString()
    ins, outs, difference = _checked(content, module, draws, len(config.genres), generator)
    write_whole(path, content)
    return Exported(digest, part, ins, outs, draws, difference)


class _Recording(TorchFunctionMode):
    """Notes what is drawn from a generator."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: list[tuple[Any, Tensor]] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if (kwargs or {}).get("generator") is not None:
            self.drawn.append((func, result))
        return result


class _Replaying(TorchFunctionMode):
    """Gives what is there already in place of every draw."""

    def __init__(self, values: Sequence[Tensor]) -> None:
        super().__init__()
        self.values = list(values)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if (kwargs or {}).get("generator") is not None:
            return self.values.pop(0)
        return func(*args, **(kwargs or {}))


class _Part(nn.Module):
    """A part of a pipeline as a function of tensors alone. names: of the inputs that are not drawn."""

    names: Sequence[str]

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__()
        self.transform, self.model, self.prior = pipeline.transform, pipeline.model, pipeline.prior
        self.spec = pipeline.vocoder.spec

    @abstractmethod
    def inputs(self, genre: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """Values to try it with."""

    @abstractmethod
    def compute(self, *inputs: Tensor, generator: torch.Generator) -> Tensor:
        """What the pipeline makes of them, with the generator for what it draws."""

    def difference(self, actual: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
        """The largest between two results."""
        return float(np.abs(actual - expected).max())

    def forward(self, *inputs: Tensor) -> Tensor:
        """The same from inputs and draws, these in the order of the drawing."""
        values, drawn = inputs[: len(self.names)], inputs[len(self.names) :]
        with _Replaying(drawn):
            return self.compute(*values, generator=torch.Generator())


class _Decoder(_Part):
    """`Model.decode`: z [1, latent_dim] and genre [1] -> features [1, bins, frames]."""

    names = ("z", "genre")

    def __init__(self, pipeline: Pipeline, mean: bool) -> None:
        super().__init__(pipeline)
        self.spec = pipeline.transform.spec
        self.mean = mean

    def inputs(self, genre: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """A latent such as the standard normal has, and the genre."""
        return torch.randn(1, self.model.latent_dim, generator=generator), torch.tensor([genre])

    def compute(self, *inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Features, in the model's own scale."""
        z, genre = inputs
        return self.model.decode(z, genre) if self.mean else self.model.decode(z, genre, generator=generator)


class _Spectrogram(_Part):
    """Genre [1] and temperature [1] -> the spectrogram that the run's vocoder takes, [1, bins, frames]."""

    names = ("genre", "temperature")

    def inputs(self, genre: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """The genre, at a usual temperature."""
        return torch.tensor([genre]), torch.ones(1)

    def difference(self, actual: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
        """As a share of the largest magnitude: the logarithm of next to nothing may be anything."""
        if self.spec.scale == "log":
            actual, expected = np.exp(actual), np.exp(expected)
        return float(np.abs(actual - expected).max() / np.abs(expected).max())

    def compute(self, *inputs: Tensor, generator: torch.Generator) -> Tensor:
        """As `Synthesizer.generate` makes it."""
        genre, temperature = inputs
        # A tensor where a number is expected: priors multiply by it, and then it is an input of the graph.
        z = self.prior.sample(genre, generator=generator, temperature=temperature)  # type: ignore[arg-type]
        spectrogram = self.transform.invert(self.model.decode(z, genre, generator=generator))
        return spectrogram if self.spec == self.transform.spec else self.transform.magnitudes(spectrogram)


class _Waveform(_Part):
    """z [1, latent_dim] and genre [1] -> the waveform [1, samples] of a clip."""

    names = ("z", "genre")

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(pipeline)
        self.phases = PhaseRounds(self.spec, pipeline.config.clip_samples)
        self.frames = self.spec.frames(pipeline.config.clip_samples)

    def inputs(self, genre: int, generator: torch.Generator) -> tuple[Tensor, ...]:
        """A latent that the prior draws, and the genre."""
        label = torch.tensor([genre])
        return self.prior.sample(label, generator=generator), label

    def compute(self, *inputs: Tensor, generator: torch.Generator) -> Tensor:
        """A sound; the last draw is where its phases begin."""
        z, genre = inputs
        spectrogram = self.transform.invert(self.model.decode(z, genre, generator=generator))
        if self.spec != self.transform.spec:
            spectrogram = self.transform.magnitudes(spectrogram)
        wave: Tensor = self.phases(spectrogram, torch.rand((1, self.spec.bins, self.frames), generator=generator))
        peak = wave.abs().amax(dim=1, keepdim=True)
        return wave / torch.where(peak > 1.0, peak / 0.99, torch.ones_like(peak))

    def difference(self, actual: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
        """As a share of the peak."""
        return float(np.abs(actual - expected).max() / np.abs(expected).max())


def _draws_of(module: _Part, inputs: Sequence[Tensor]) -> tuple[tuple[Draw, ...], list[Tensor]]:
    """What is drawn on the way, and values that were.

    Raises:
        GenvaeError: something draws otherwise than by the functions that can become inputs.
    """
    recording = _Recording()
    with torch.no_grad(), recording:
        module.compute(*inputs, generator=torch.Generator().manual_seed(0))
    for function, _ in recording.drawn:
        if function not in _DISTRIBUTIONS:
            raise GenvaeError(
                f"This run draws with {getattr(function, '__name__', function)}, which can't become an "
                "input of an ONNX file. Its decoder's mean may do without: set `mean`."
            )
    draws = tuple(
        Draw(f"draw_{number}", _DISTRIBUTIONS[function], tuple(value.shape))
        for number, (function, value) in enumerate(recording.drawn)
    )
    return draws, [value for _, value in recording.drawn]


def _exported(module: nn.Module, inputs: tuple[Tensor, ...], names: Sequence[str], output: str, plugin: str) -> Any:
    """A part as an ONNX protocol buffer.

    Raises:
        PluginError: it does something that can't be traced or has no operator.
    """
    try:
        with torch.no_grad(), _quiet():
            program = torch.onnx.export(
                module,
                inputs,
                dynamo=True,
                input_names=names,
                verbose=False,
                output_names=["features" if output == "decoder" else output],
            )
        assert program is not None  # without a file, the program is what is returned
        return program.model_proto
    except Exception as error:  # the exporter wraps whatever a stranger's model raises in errors of its own
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        first = next((line.strip() for line in str(cause).splitlines() if line.strip()), "")
        raise PluginError(
            f"A run of the model {plugin!r} can't be exported: {type(cause).__name__}: {first}"
        ) from error


def _checked(
    content: bytes, module: _Part, draws: Sequence[Draw], genres: int, generator: torch.Generator
) -> tuple[dict[str, list[int]], dict[str, list[int]], float]:
    """Shapes of inputs and outputs, and how far onnxruntime is from torch in every genre.

    Raises:
        GenvaeError: further than TOLERANCE.
    """
    session: Callable[..., Any] = importlib.import_module("onnxruntime").InferenceSession
    opened: Any = session(content, providers=["CPUExecutionProvider"])
    most = 0.0
    for genre in range(genres):
        values = (*module.inputs(genre, generator), *(_drawn(draw, generator) for draw in draws))
        with torch.no_grad():
            expected = module(*values).numpy()
        names = [each.name for each in opened.get_inputs()]
        [actual] = opened.run(None, {name: value.numpy() for name, value in zip(names, values, strict=True)})
        if actual.shape != expected.shape or not np.isfinite(actual).all():
            raise GenvaeError(
                f"The exported part gives values of the shape {actual.shape}, or some that are not finite, "
                f"where torch gives {expected.shape}. Nothing was written."
            )
        most = max(most, module.difference(actual, expected))
    if most > TOLERANCE:
        raise GenvaeError(
            f"The exported part differs from torch by {most:.2g}, more than {TOLERANCE:g}. Nothing was written."
        )
    inputs, outputs = (
        {each.name: list(each.shape) for each in side} for side in (opened.get_inputs(), opened.get_outputs())
    )
    return inputs, outputs, most


def _drawn(draw: Draw, generator: torch.Generator) -> Tensor:
    make = torch.randn if draw.distribution == "normal" else torch.rand
    return make(*draw.shape, generator=generator)


def _require_libraries() -> None:
    missing = []
    for name in _NEEDS:
        try:
            importlib.import_module(name)
        except (ImportError, OSError) as error:
            missing.append(f"{name} ({' '.join(str(error).split())[:100]})")
    if missing:
        raise MissingError(f"The export needs {', '.join(missing)}. Install it with: pip install 'genvae[export]'")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without what the exporter says on the way of things that are none of the user's."""
    logger = logging.getLogger("torch.onnx")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(before)
