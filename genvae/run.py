"""The run folder: description, weights, checkpoint and metrics of one training; all that generation needs.

RUN/
  pipeline.json           every option, the genres, plugin versions, where the data came from
  weights.safetensors     transform, model, prior and vocoder; written when training has ended
  checkpoint.safetensors  all that resuming needs; gone when training has ended
  latents.safetensors     the training clips' latents; generation never reads it
  critic.safetensors      what chooses among candidates; made by `genvae evaluate --critic`
  map.safetensors         where they lie on a plane, for plots and the page; generation never reads it
  seal.json               sizes and digests of what is done; older runs have none
  metrics.jsonl           one line for each logged step and validation
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

import genvae
from genvae.allocation import AllocationBound
from genvae.errors import Cure, DiskError, OptionError, RunError
from genvae.files import read_json, write_json, write_whole
from genvae.pipeline import Pipeline, PipelineConfig, require_learnt
from genvae.plugin.registry import Registry
from genvae.plugin.requirement import pip_install
from genvae.seals import differences, write_seal
from genvae.spec import FeatureSpec
from genvae.tensor_files import save_tensors

FORMAT = 1
SEALED = ("pipeline.json", "weights.safetensors")
"""What makes a clip, and doesn't change any more once a training has ended."""
_BESIDE_WEIGHTS = 1 << 29  # bytes that building parts may take for what is no weight: windows, filters


class Run:
    """A run folder that has been described, whether or not its training has ended.

    Attributes:
        path: the folder. config: the pipeline. spec: of the features that it was trained on.
        training: how it is or was trained. data: what it was trained on.
    """

    def __init__(self, path: Path) -> None:
        """Open a run.

        Raises:
            RunError: there is none, or its description is damaged.
        """
        self.path = path
        self.held: Any = None  # what keeps the folder of a packed run, and takes it away with the run
        if not self.description_path.is_file():
            raise RunError(
                f"{path} is not a run: it has no {self.description_path.name}.",
                cure=Cure.of("train", store="STORE", run=path),
            )
        try:
            description = read_json(self.description_path)
            self.format = int(description["format"])
            if self.format > FORMAT:
                raise RunError(f"{path} was written by a newer genvae ({description['genvae']}): upgrade to read it.")
            self.genvae_version = str(description["genvae"])
            self.config = PipelineConfig.from_json(description["pipeline"])
            self.spec = FeatureSpec.from_json(description["spec"])
            self.training: dict[str, Any] = dict(description["training"])
            self.data: dict[str, Any] = dict(description["data"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise RunError(f"{self.description_path} is damaged: {type(error).__name__}: {error}") from error

    @classmethod
    def create(
        cls,
        path: Path,
        config: PipelineConfig,
        spec: Mapping[str, Any],
        training: Mapping[str, Any],
        data: Mapping[str, Any],
    ) -> Self:
        """Describe a new run in a folder that must be new or empty.

        Raises:
            RunError: the folder holds a run or anything else.
            DiskError: it can't be made.
        """
        require_free(path)
        write_json(
            path / "pipeline.json",
            {
                "format": FORMAT,
                "genvae": genvae.__version__,
                "pipeline": config.to_json(),
                "spec": dict(spec),
                "training": dict(training),
                "data": dict(data),
            },
        )
        return cls(path)

    def rebudget(self, budget: Mapping[str, Any], section: str) -> None:
        """Describe the budget within which the training of a section, `model` or `vocoder`, goes on.

        Raises:
            DiskError: it can't be written.
        """
        description = read_json(self.description_path)
        training = description["training"]["vocoder"] if section == "vocoder" else description["training"]
        if training["budget"] != budget:
            training["budget"] = dict(budget)
            write_json(self.description_path, description)
            self.training = description["training"]

    @property
    def description_path(self) -> Path:
        """The JSON file that describes the run."""
        return self.path / "pipeline.json"

    @property
    def weights_path(self) -> Path:
        """The weights; they exist once training has ended."""
        return self.path / "weights.safetensors"

    @property
    def checkpoint_path(self) -> Path:
        """What resuming needs; it exists while training has begun and not ended."""
        return self.path / "checkpoint.safetensors"

    @property
    def latents_path(self) -> Path:
        """The training clips' latents."""
        return self.path / "latents.safetensors"

    @property
    def critic_path(self) -> Path:
        """What chooses among candidates, where the run has it."""
        return self.path / "critic.safetensors"

    @property
    def map_path(self) -> Path:
        """The training clips' places on a plane, by one method or more."""
        return self.path / "map.safetensors"

    @property
    def metrics_path(self) -> Path:
        """The log, a JSON object a line."""
        return self.path / "metrics.jsonl"

    @property
    def finished(self) -> bool:
        """Whether training has ended, so that the run can generate."""
        return self.weights_path.is_file()

    def digest(self) -> str:
        """Sixteen hexadecimal digits that change with any option or weight.

        Raises:
            RunError: training has not ended.
        """
        self._require_weights()
        hashed = hashlib.blake2b(self.description_path.read_bytes(), digest_size=8)
        with self.weights_path.open("rb") as file:
            for block in iter(lambda: file.read(1 << 20), b""):
                hashed.update(block)
        return hashed.hexdigest()

    def load(self, registry: Registry, *, config: PipelineConfig | None = None) -> Pipeline:
        """Build the trained pipeline, on the CPU and set to inference; `config` may name another vocoder.

        Raises:
            RunError: the run is unfinished or damaged.
            PluginError: a plugin that it names is missing.
        """
        self._require_weights()
        for what in differences(self.path, (self.description_path.name, self.weights_path.name)):
            raise RunError(f"{what} Take the run from where it came from once more.")
        with torch.random.fork_rng(devices=[]):  # building draws weights that are replaced at once
            described = config or self.config
            own = described.vocoder == self.config.vocoder
            if not own:
                require_learnt(registry, described.vocoder)
            pipeline = self.build(registry, self.weights_path, described, new=() if own else ("vocoder",))
        transform = self.config.transform
        cure = pip_install(transform.distribution, transform.version)
        for name, (then, now) in self.spec.differences(pipeline.transform.spec).items():
            raise RunError(
                f"{self.path} was trained on features with {name} = {then!r}, but the transform that is "
                f"installed gives {now!r}: install the version that it was trained with"
                f"{f': {cure}' if cure else ''}."
            )
        try:
            state = load_file(self.weights_path)
        except (SafetensorError, OSError) as error:
            raise RunError(f"{self.weights_path} is damaged: {error}") from error
        if not own:  # what was trained of the run's own is none of its weights
            state = {name: tensor for name, tensor in state.items() if not name.startswith("vocoder.")}
            state |= pipeline.vocoder.state_dict(prefix="vocoder.")
        try:
            pipeline.load_state_dict(state)
        except RuntimeError as error:
            misfit = str(error).splitlines()[-1].strip()
            raise RunError(f"{self.weights_path} does not fit the run's parts: {misfit}") from error
        return pipeline.eval()

    def build(
        self, registry: Registry, weights: Path, described: PipelineConfig, *, new: Collection[str] = ()
    ) -> Pipeline:
        """The parts, untrained, as long as they are in proportion to the file that holds their weights.

        Args:
            registry: where plugins come from.
            weights: the file.
            described: what to build.
            new: sections that are made rather than read, as `Pipeline.build` has them.

        Raises:
            RunError: they would take more memory than weights of that size can fill.
            PluginError: a plugin is missing.
        """
        size = weights.stat().st_size

        def refusal() -> RunError:
            name, value = described.largest_option()
            return RunError(
                f"{self.description_path} describes parts that are much larger than the {size} bytes of "
                f"{weights.name}. Its largest number is {name} = {value}."
            )

        try:
            with AllocationBound(_BESIDE_WEIGHTS + 8 * size, refusal):
                return Pipeline.build(described, registry, new=new)
        except OptionError as error:  # of a file, not of whoever gives the command
            raise RunError(f"{self.path} is described with an option that is none: {error}") from error

    def take_from(self, other: Run) -> None:
        """Copy what lies beside the weights of a run whose latents are ours too: these, their map, and its critic."""
        for file in (other.latents_path, other.map_path, other.critic_path):
            if file.exists():
                write_whole(self.path / file.name, file.read_bytes())

    def save_weights(self, pipeline: Pipeline) -> None:
        """Write every part's weights; from here on the run can generate."""
        save_tensors(self.weights_path, pipeline.state_dict())

    def seal(self) -> None:
        """Write down what the files that are done hold, so that damage is noticed."""
        write_seal(self.path, SEALED)

    def verify(self) -> list[str]:
        """Read every sealed file and compare it with its seal.

        Returns:
            what is wrong, a sentence each; of a run without a seal, as older versions wrote them, nothing is known.
        """
        return list(differences(self.path, SEALED))

    @property
    def sealed(self) -> bool:
        """Whether the run has a seal."""
        return (self.path / "seal.json").is_file()

    def _require_weights(self) -> None:
        if not self.finished:
            raise RunError(
                f"The training of {self.path} has not ended.",
                cure=Cure.of("train", store="STORE", run=self.path, resume=True),
            )


def require_free(path: Path) -> None:
    """Make the folder of a new run, or see that it is empty.

    Raises:
        RunError: the folder holds a run or anything else.
        DiskError: it can't be made.
    """
    if (path / "pipeline.json").exists():
        raise RunError(f"{path} holds a run already. Continue it with `resume`, or name another folder.")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DiskError(f"{path} can't be made: {error.strerror}.") from error
    other = min((file.name for file in path.iterdir() if not file.name.startswith(".")), default=None)
    if other is not None:
        raise RunError(f"{path} holds other files ({other}) and is no run. Name a new folder.")
