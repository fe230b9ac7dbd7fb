"""Exports a run's decoder as ONNX, with all that it draws as inputs, and checks it against torch."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

import genvae
from genvae.api import Model
from genvae.errors import GenvaeError, PluginError
from genvae.files import write_whole
from genvae.registry import Registry
from genvae.run import Run

FORMAT = 1
"""Version of the description inside the file."""
TOLERANCE = 1e-3
"""How far a feature, which is about 1 in size, may be from torch's. Sums are taken in another order."""

_DISTRIBUTIONS: Mapping[Any, Literal["normal", "uniform"]] = {
    torch.randn: "normal", torch.randn_like: "normal", torch.rand: "uniform", torch.rand_like: "uniform",
}  # fmt: skip
_NEEDS = ("onnx", "onnxscript", "onnxruntime")


@dataclass(frozen=True)
class Draw:
    """A random input: standard normal, or uniform from 0 up to 1. shape: with the batch of one clip."""

    name: str
    distribution: Literal["normal", "uniform"]
    shape: Sequence[int]


@dataclass(frozen=True)
class Exported:
    """What an exported file holds.

    run: the run's digest. inputs, outputs: shapes by name. draws: the inputs that are random. difference: the largest
    between its features and torch's, over every genre.
    """

    run: str
    inputs: Mapping[str, Sequence[int]]
    outputs: Mapping[str, Sequence[int]]
    draws: Sequence[Draw]
    difference: float


def export_onnx(run: Run, registry: Registry, path: Path, *, mean: bool = False) -> Exported:
    """Write the decoder of a run: `z` [1, latent_dim] and `genre` [1] (int64) -> `features` [1, bins, frames].

    A decoder that draws, as the default model's does for its texture, gets an input for each draw, in the order in
    which it draws; from the same draws it makes the same features as `Model.decode`. Shapes are fixed to one clip. What
    the features mean, the genres and the draws stand in the file's metadata, as JSON under `genvae`.

    Args:
        mean: export what `Model.decode` gives without a generator, so that nothing is drawn.

    Raises:
        GenvaeError: a library is missing, the model can't be exported, or what came out differs from torch.
        RunError: the run is unfinished or damaged. OSError: the file can't be written.
    """
    _require_libraries()
    digest = run.digest()
    pipeline = run.load(registry)
    model, config = pipeline.model, run.config
    generator = torch.Generator().manual_seed(0)
    z = torch.randn(1, model.latent_dim, generator=generator)
    genre = torch.zeros(1, dtype=torch.int64)
    draws, values = ((), []) if mean else _draws_of(model, z, genre)
    decoder = _Decoder(model, draws=not mean).eval()
    names = ["z", "genre", *(draw.name for draw in draws)]
    program = _exported(decoder, (z, genre, *values), names, config.model.plugin)
    said = {
        "format": FORMAT, "genvae": genvae.__version__, "torch": str(torch.__version__), "run": digest,
        "genres": list(config.genres), "sample_rate": config.sample_rate, "clip_samples": config.clip_samples,
        "model": asdict(config.model), "transform": asdict(config.transform),
        "spec": pipeline.transform.spec.to_json(), "draws": [asdict(draw) for draw in draws],
    }  # fmt: skip
    entry = program.metadata_props.add()
    entry.key, entry.value = "genvae", json.dumps(said)
    content: bytes = program.SerializeToString()
    checked = _checked(content, decoder, draws, len(config.genres), generator)
    write_whole(path, content)
    return Exported(digest, *checked[:2], draws, checked[2])


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


class _Decoder(nn.Module):
    """`Model.decode` as a function of tensors alone."""

    def __init__(self, model: Model, *, draws: bool) -> None:
        super().__init__()
        self.model, self.draws = model, draws

    def forward(self, z: Tensor, genre: Tensor, *drawn: Tensor) -> Tensor:
        """[1, latent_dim], [1] and every draw -> features [1, bins, frames]."""
        if not self.draws:
            return self.model.decode(z, genre)
        with _Replaying(drawn):
            return self.model.decode(z, genre, generator=torch.Generator())


def _draws_of(model: Model, z: Tensor, genre: Tensor) -> tuple[tuple[Draw, ...], list[Tensor]]:
    """What a model draws while it decodes.

    Raises:
        GenvaeError: it draws otherwise than by the functions that can become inputs.
    """
    recording = _Recording()
    with torch.no_grad(), recording:
        model.decode(z, genre, generator=torch.Generator().manual_seed(0))
    for function, _ in recording.drawn:
        if function not in _DISTRIBUTIONS:
            raise GenvaeError(f"The model draws with {getattr(function, '__name__', function)}, which can't become an "
                              "input of an ONNX file. Export its mean: --mean")  # fmt: skip
    draws = tuple(
        Draw(f"draw_{number}", _DISTRIBUTIONS[function], tuple(value.shape))
        for number, (function, value) in enumerate(recording.drawn)
    )
    return draws, [value for _, value in recording.drawn]


def _exported(decoder: _Decoder, inputs: tuple[Tensor, ...], names: Sequence[str], plugin: str) -> Any:
    """The model as an ONNX protocol buffer.

    Raises:
        PluginError: it does something that can't be traced or has no operator.
    """
    try:
        with torch.no_grad(), _quiet():
            program = torch.onnx.export(decoder, inputs, dynamo=True, input_names=names, output_names=["features"],
                                        verbose=False)  # fmt: skip
        assert program is not None  # without a file, the program is what is returned
        return program.model_proto
    except Exception as error:  # the exporter wraps whatever a stranger's model raises in errors of its own
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        first = next((line.strip() for line in str(cause).splitlines() if line.strip()), "")
        raise PluginError(f"The model {plugin!r} can't be exported: {type(cause).__name__}: {first}") from error


def _checked(
    content: bytes, decoder: _Decoder, draws: Sequence[Draw], genres: int, generator: torch.Generator
) -> tuple[dict[str, list[int]], dict[str, list[int]], float]:
    """Shapes of inputs and outputs, and how far onnxruntime is from torch on latents of every genre.

    Raises:
        GenvaeError: further than TOLERANCE.
    """
    session: Callable[..., Any] = importlib.import_module("onnxruntime").InferenceSession
    opened: Any = session(content, providers=["CPUExecutionProvider"])
    most = 0.0
    for index in range(genres):
        z = torch.randn(1, decoder.model.latent_dim, generator=generator)
        genre = torch.tensor([index])
        drawn = [_drawn(draw, generator) for draw in draws]
        with torch.no_grad():
            wanted = decoder(z, genre, *drawn).numpy()
        given = zip([each.name for each in opened.get_inputs()], (z, genre, *drawn), strict=True)
        [got] = opened.run(None, {name: value.numpy() for name, value in given})
        if got.shape != wanted.shape or not np.isfinite(got).all():
            raise GenvaeError(f"The exported model gives {got.shape} values or some that are not finite, not the "
                              f"features {wanted.shape} that torch gives. Nothing was written.")  # fmt: skip
        most = max(most, float(np.abs(got - wanted).max()))
    if most > TOLERANCE:
        raise GenvaeError(f"The exported model differs from torch by {most:.2g}, more than {TOLERANCE:g}. Nothing was "
                          "written.")  # fmt: skip
    inputs, outputs = ({each.name: list(each.shape) for each in side}
                       for side in (opened.get_inputs(), opened.get_outputs()))  # fmt: skip
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
        raise GenvaeError(f"The export needs {', '.join(missing)}. Install it with: pip install 'genvae[export]'")


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
