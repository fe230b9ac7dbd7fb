"""The training loop: one for every model, on any device, over any number of processes, and exactly resumable."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from genvae.clips.batches import genres_of, in_order, load
from genvae.clips.store import ClipStore
from genvae.errors import Cure, OptionError, RunError, StoreError
from genvae.files import held_alone, sweep
from genvae.interfaces.callback import Training
from genvae.interfaces.model import TrainingStep
from genvae.interfaces.schedule import Schedule
from genvae.pipeline import Pipeline
from genvae.plugin.declarations import SOUNDS
from genvae.plugin.guard import guarded
from genvae.progress import Listener, ignore
from genvae.run import Run
from genvae.tensor_files import load_tree, save_tree
from genvae.training.averaging import Average
from genvae.training.callbacks import Callbacks
from genvae.training.contract import loss_parts, optimizers_of
from genvae.training.data import Batches
from genvae.training.extras import Extras
from genvae.training.finish import finish
from genvae.training.inherit import inherit
from genvae.training.interrupt import Interrupted, Wish, on_signals
from genvae.training.job import Job, new_sections
from genvae.training.log import TrainingLog
from genvae.training.measuring import measure
from genvae.training.monitor import COLLAPSED, validate
from genvae.training.precision import Precision, quicker
from genvae.training.space import require_space_for_training
from genvae.training.wording import Validations, ending, expectation, opening

LOG_EVERY = 25  # steps
HELD_OUT = 16  # clips of a genre that callbacks may ask for


def train(job: Job, store: ClipStore, *, device: str = "auto", listener: Listener = ignore) -> Run:
    """Train a run on a store until the budget is spent, then make it able to generate.

    Everything that is drawn follows from the seed and the number of the step, so a run that is stopped and continued
    ends with the same weights as one that was not, where the budget is a number of steps or epochs. Torch's global
    generator is left as it was.

    Args:
        job: what is to be trained, for how long.
        store: the clips.
        device: a Lightning accelerator: auto, cpu, cuda, mps. Under torchrun every process calls this.
        listener: is told how far it is.

    Raises:
        OptionError: there is no such device.
        RunError: the folder holds a run, there is nothing to continue, or the loss is not finite any more.
        StoreError: the store has no training clips.
        Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
    """
    try:
        fabric = Fabric(
            accelerator=device,
            devices=_local_processes(),
            num_nodes=_world_size() // _local_processes(),
        )
    except (RuntimeError, ValueError) as error:
        raise OptionError(
            f"Training on the `device` {device} is not possible here: torch has {', '.join(_devices())}."
        ) from error
    fabric.launch()
    job = _with_precision(job, fabric)
    if job.create and fabric.is_global_zero:
        job.create(job.options)
    fabric.barrier()
    run = Run(job.path)
    devices = [fabric.device] if fabric.device.type == "cuda" else []
    with _alone(run) if fabric.is_global_zero else nullcontext(), torch.random.fork_rng(devices), on_signals() as wish:
        torch.manual_seed(job.seed)  # for the first weights; every step seeds anew
        trainer = _Trainer(fabric, run, store, job)
        if job.create is None:
            trainer.restore()
        elif job.source is not None:
            inherit(trainer.pipeline, job.source, job.registry)
            trainer.measured = True
            trainer.average = Average(trainer.pipeline.model, trainer.options.ema)
        if job.create is not None and (job.source is not None or job.config.files):
            trainer.checkpoint()  # so that resuming needs neither the source nor files that options name
        if fabric.is_global_zero:
            require_space_for_training(
                run, trainer.pipeline, clips=len(trainer.batches.numbers), averaged=trainer.options.ema > 0
            )
        with TrainingLog(
            run.metrics_path, step=trainer.step, silent=not fabric.is_global_zero, listener=listener
        ) as log:
            trainer.start_callbacks(log)
            trainer.run_steps(log, wish)
            if fabric.is_global_zero:
                trainer.tell("finish")
                with trainer.average.in_place():
                    finish(run, trainer.pipeline, store, log, wish, seed=job.seed, batch_size=job.options.batch_size)
                log.say(trainer.validations.verdict(held_out=trainer.validation_split == "validation"))
        fabric.barrier()
    return run


@contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Hold the run for this training alone, and take away what one that was killed left half-written.

    Raises:
        RunError: another process trains it.
    """
    with held_alone(run.path, RunError(f"Another process is training {run.path}.")):
        sweep(run.path)
        yield


class _Trainer:
    """The state of one training: what is built, what step it is at, how long it has taken."""

    def __init__(self, fabric: Fabric, run: Run, store: ClipStore, job: Job) -> None:
        self.fabric, self.run, self.store = fabric, run, store
        self.options, self.budget, self.seed = job.options, job.budget, job.seed
        self.registry, self.extras = job.registry, job.extras or Extras.of(job.registry, job.options)
        self.schedule: Schedule = job.registry.make("schedule", self.extras.schedule.name, self.extras.schedule.options)
        self.callback_states: dict[str, Any] = {}  # of an earlier session
        numbers = store.select(split="train")
        if not len(numbers):
            raise StoreError(f"{store.path} has no training clips.")
        self.batches = Batches(
            store,
            numbers,
            batch_size=self.options.batch_size,
            seed=self.seed,
            shift=self.options.shift,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )
        held_out = store.select(split="validation")
        self.validation_split = "validation" if len(held_out) else "train"
        chosen = held_out if len(held_out) else numbers
        chosen = np.random.default_rng(self.seed).permutation(chosen)[: self.options.validation_clips]
        self.validation_numbers = np.sort(chosen)

        config = job.config
        if job.create is None and run.checkpoint_path.exists():  # a stranger's, perhaps: as large as its file
            built = run.build(job.registry, run.checkpoint_path, config)
        else:
            built = Pipeline.build(config, job.registry, new=new_sections(config, job.source))
        self.pipeline = built.to(fabric.device)
        self.average = Average(self.pipeline.model, self.options.ema)
        self.bfloat16 = self.options.precision == "bf16-mixed"
        self.step, self.seconds = 0, 0.0
        self.measured = False  # whether transform and model know the training clips' statistics
        self.parts: dict[str, Tensor] = {}  # of the loss, at the last step
        self.validations = Validations()
        with self.pipeline.using("model", "making its optimisers"):
            model = self.pipeline.model
            optimizers = optimizers_of(model.optimizers(), model.optimizers)
        self.rates = [group["lr"] for optimizer in optimizers for group in optimizer.param_groups]
        view = Training(
            folder=run.path,
            pipeline=self.pipeline,
            description=json.loads(run.description_path.read_text(encoding="utf-8")),
            step=0,
            progress=0.0,
            seconds=0.0,
            seed=self.seed,
            held_out=self._held_out,
            say=lambda text: None,
        )
        self.callbacks = Callbacks(job.registry, (), view, lambda text: None)  # those of the run come with `start`
        self.model, *self.optimizers = fabric.setup(self.pipeline.model, *optimizers)
        self.model.mark_forward_method("loss")

    def restore(self) -> None:
        """Go on from the checkpoint."""
        if not self.run.checkpoint_path.exists():
            if self.run.finished:
                raise RunError(f"{self.run.path} is trained already; there is nothing to resume.")
            return  # stopped before its first checkpoint: begin at the beginning
        state = load_tree(self.run.checkpoint_path)
        try:
            self.pipeline.load_state_dict(state["pipeline"])
            for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
                optimizer.load_state_dict(saved)
            self.average.load(state["average"])
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self.measured = bool(state.get("measured", True))
            self.callback_states = dict(state.get("callbacks", {}))
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            misfit = str(error).splitlines()[-1].strip()
            raise RunError(f"{self.run.checkpoint_path} does not fit the run: {misfit}") from error
        self.validations = Validations.logged(self.run.metrics_path, self.step)

    def start_callbacks(self, log: TrainingLog) -> None:
        """Make the callbacks of this session, and tell them that it begins."""
        view = self.callbacks.training
        view.say = log.say
        parts = self.extras.callbacks if self.fabric.is_global_zero else ()
        self.callbacks = Callbacks(self.registry, parts, view, lambda text: log.warn(self.step, text))
        self.callbacks.load(self.callback_states)
        self.tell("start")

    def _held_out(self, genre: int) -> Tensor:
        """Some waveforms [N, samples] of a genre, of those that validation uses."""
        numbers = self.validation_numbers
        own = numbers[np.asarray(genres_of(self.store, numbers)) == genre]
        return load(self.store, own[:HELD_OUT])[0]

    def tell(self, event: str, *arguments: Any) -> None:
        """Tell the callbacks; the weights that they see are those that are validated and kept."""
        view = self.callbacks.training
        progress = self.budget.progress(self.step, self.seconds, self.batches.steps_per_epoch)
        view.step, view.progress, view.seconds = self.step, min(1.0, progress), self.seconds
        with self.average.in_place():
            self.callbacks.tell(event, *arguments)

    def checkpoint(self) -> None:
        """Write all that `restore` needs; never over a sound checkpoint what has gone wrong since.

        Raises:
            RunError: the loss is not finite any more.
        """
        self._require_finite()
        if self.fabric.is_global_zero:
            state = {
                "step": self.step,
                "seconds": self.seconds,
                "measured": self.measured,
                "pipeline": self.pipeline.state_dict(),
                "average": self.average.state(),
                "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
                "callbacks": self.callbacks.state(),
            }
            save_tree(self.run.checkpoint_path, state)
            self.tell("checkpoint")
        self.fabric.barrier()

    def run_steps(self, log: TrainingLog, wish: Wish) -> None:
        """Step until the budget is spent.

        Raises:
            Interrupted: a signal came, here or in another process.
        """
        self._open(log)
        if not self.measured:
            measure(self.pipeline, self.batches, device=self.fabric.device, log=log, heed=partial(self._heed, wish))
            self.measured = True
        if self.validation_split == "train":
            log.warn(self.step, "The store holds no validation recordings, so validation uses training clips.")
        log.begin("training", self.budget.progress(self.step, self.seconds, self.batches.steps_per_epoch))
        self.pipeline.model.train()
        validated, start, before = -1, self.step, self.seconds
        began = time.monotonic() - before
        total = self.budget.total_steps(self.batches.steps_per_epoch)
        for waves, genres in self.batches.from_step(self.step):
            self.seconds = time.monotonic() - began
            progress, stop = self._agree(wish.signal)
            if stop:
                self.checkpoint()
                raise Interrupted(stop, f"at step {self.step}", self.store.path, self.run.path)
            if progress >= 1.0:
                break
            self.parts = self._update(waves, genres, progress)
            self.step += 1
            self.average.update(self.step)
            log.show(progress)
            if self.step % LOG_EVERY == 0 or self.step == start + 1:
                clips = (self.step - start) * self.batches.batch_size
                self._log_training(log, progress, clips / (time.monotonic() - began - before))
            if self.step == start + LOG_EVERY and total is not None:  # only now is it known how long a step takes
                each = (time.monotonic() - began - before) / LOG_EVERY
                log.say(ending(max(0, total - self.step) * each))
            if self.step % self.options.validate_every == 0:
                self._validate(log, progress)
                validated = self.step
            if self.step % self.options.checkpoint_every == 0:
                self.checkpoint()
        if self.callbacks.training.reason:
            log.say(f"Training ends at step {self.step}: {self.callbacks.training.reason}.")
        self._require_finite()
        if validated != self.step:
            self._validate(log, 1.0)
        self.checkpoint()

    def _heed(self, wish: Wish) -> None:
        """Raise Interrupted for a signal before the first step; several processes agree on it only at that."""
        if wish.signal and self.fabric.world_size == 1:
            raise Interrupted(wish.signal, "before the first step", self.store.path, self.run.path)

    def _open(self, log: TrainingLog) -> None:
        """Say what is about to happen."""
        options, clips = self.options, len(self.batches.numbers)
        steps = self.budget.total_steps(clips // min(options.batch_size, clips))
        log.say(
            opening(
                self.run.config.model.plugin,
                _device_name(self.fabric.device, self.fabric.world_size),
                weights=sum(p.numel() for p in self.pipeline.model.parameters() if p.requires_grad),
                clips=clips,
                held_out=sum(each["validation"] for each in self.store.counts().values()),
                batch=options.batch_size,
                step=self.step,
                budget=self.budget,
            )
        )
        if self.store.items == SOUNDS:  # of which that was measured
            log.say(expectation(self.budget, steps, options.batch_size))
        if self.budget.minutes is not None:
            log.say(ending(max(0.0, 60 * self.budget.minutes - self.seconds)))

    def _agree(self, stop: int) -> tuple[float, int]:
        """The progress of the first process and the highest signal of any, the same in every process."""
        progress = self.budget.progress(self.step, self.seconds, self.batches.steps_per_epoch)
        if self.callbacks.training.reason is not None:
            progress = max(progress, 1.0)
        if self.fabric.world_size == 1:
            return progress, stop
        mine = torch.tensor([progress if self.fabric.is_global_zero else 0.0, float(stop)], dtype=torch.float64)
        gathered = self.fabric.all_gather(mine.to(self.fabric.device))
        assert isinstance(gathered, Tensor)  # as what was given to it
        gathered = gathered.max(dim=0).values  # [world, 2] -> [2]
        return float(gathered[0]), int(gathered[1])

    def _update(self, waves: Tensor, genres: Tensor, progress: float) -> dict[str, Tensor]:
        """One training step, with randomness that follows from the seed and the step alone."""
        drawn = _seed(self.seed, self.step, self.fabric.global_rank)
        torch.manual_seed(drawn)  # for layers that draw from the global generator, such as dropout
        generator = torch.Generator(self.fabric.device).manual_seed(drawn)
        scale = self.options.warmup(self.step) * self._schedule(progress)
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group["lr"] = rate * scale
        waves, genres = self.fabric.to_device((waves, genres))
        with torch.no_grad(), self.pipeline.using("transform", "computing features"):
            features = self.pipeline.transform(waves)
        step = TrainingStep(
            self.optimizers,
            self.fabric.backward,
            self._loss,
            generator,
            number=self.step,
            progress=min(1.0, progress),
            waves=waves,
            accumulate=self.options.accumulate,
        )
        with self.pipeline.using("model", "training"):
            model = self.pipeline.model
            return loss_parts(model.training_step(features, genres, step), model.training_step)

    def _schedule(self, progress: float) -> float:
        part = self.extras.schedule
        with guarded(f"The schedule {part.plugin!r} of {part.distribution} failed", type(self.schedule).__module__):
            scale = float(self.schedule.scale(progress))
            if not 0.0 <= scale < math.inf:
                raise ValueError(f"scale({progress:.4g}) gives {scale}, expected a number of 0 or more")
        return scale

    def _loss(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        """The model's loss, in the precision of the training; a model's own step may give it more arguments.

        Fabric's own precision would be no use here: on one device it leaves every method but `forward` as it is, and on
        several it rounds the features that the loss compares with.
        """
        with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self.bfloat16):
            return loss_parts(self.model.loss(*inputs, **options), self.pipeline.model.loss)

    def _require_finite(self) -> None:
        loss = self.parts.get("loss")
        if loss is not None and not bool(loss.isfinite()):
            raise RunError(
                f"The loss is not finite any more at step {self.step}. Train anew in another folder with a lower "
                "learning rate.",
                cure=Cure.of("train", store=self.store.path, run="NEW", options={"model.learning_rate": 1e-4}),
            )

    def _log_training(self, log: TrainingLog, progress: float, speed: float) -> None:
        self._require_finite()
        values = {name: float(value.detach()) for name, value in self.parts.items()}
        record = {**values, "clips_per_second": round(speed, 1), "seconds": self.seconds}
        log.record("train", self.step, record)
        self.tell("step", record)
        log.show(progress, f"step {self.step}  loss {values['loss']:.4g}  {speed:.0f} clips/s")

    def _validate(self, log: TrainingLog, progress: float) -> None:
        if not self.fabric.is_global_zero:
            return
        batches = in_order(self.store, self.validation_numbers, self.options.batch_size)
        with self.pipeline.using("model", "validating"), self.average.in_place():
            values = validate(self.pipeline, batches, seed=self.seed)
        self.tell("validation", values)
        log.record("validation", self.step, values)
        log.say(self.validations.describe(self.step, values))
        active, latent_dim = int(values["active_units"]), self.pipeline.model.latent_dim
        early = progress <= 0.2 or self.step <= self._warm_up()  # there was no time to learn anything yet
        if not early and active < max(1, round(COLLAPSED * latent_dim)):
            log.warn(
                self.step,
                f"The posterior is collapsing: {active} of {latent_dim} latent dimensions carry "
                "anything. Lower the KL weight, or train for longer.",
            )

    def _warm_up(self) -> int:
        """Steps until everything has its full strength; a model's option says so by its name, such as `kl_warmup`."""
        warmups = [value for name, value in self.run.config.model.options.items() if name.endswith("warmup")]
        steps = [value for value in warmups if isinstance(value, int)]
        return max(self.options.warmup_steps, *steps, 0)


def _with_precision(job: Job, fabric: Fabric) -> Job:
    """The job with a precision in place of `auto`, the same in every process; it then stands in the run.

    What is counted in steps or epochs is to be the same on any machine that is not a GPU, so only a budget in minutes
    lets a measurement decide.
    """
    if job.options.precision != "auto":
        return job
    precision: Precision = "32-true"
    measured = job.create is not None and job.budget.minutes is not None
    if fabric.is_global_zero and (measured or fabric.device.type == "cuda"):
        with torch.random.fork_rng([]):
            precision = quicker(Pipeline.build(job.config, job.registry, new=()), fabric.device)
    return replace(job, options=replace(job.options, precision=fabric.broadcast(precision)))


def _seed(seed: int, step: int, rank: int) -> int:
    digest = hashlib.blake2b(f"{seed} {step} {rank}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1  # torch takes 63 bits


def _local_processes() -> int:
    """How many processes share the work on this machine: one, unless torchrun has started this one beside others."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", "1"))


def _world_size() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _devices() -> list[str]:
    """What `device` can be here."""
    devices = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return ["cpu", *(name for name, there in devices.items() if there)]


def _device_name(device: torch.device, processes: int) -> str:
    """A device as people call it."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "cpu":
        threads = torch.get_num_threads()
        name = f"the CPU ({threads} thread{'s' * (threads > 1)})"
    else:
        name = device.type
    return f"{processes} x {name}" if processes > 1 else name
