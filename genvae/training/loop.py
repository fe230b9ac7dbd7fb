"""The training loop: one for all that learns, on any device, over any number of processes, and exactly resumable."""

from __future__ import annotations

import json
import math
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

from genvae.clips.batches import genres_of, load
from genvae.clips.store import ClipStore
from genvae.errors import Cure, OptionError, RunError, StoreError
from genvae.files import held_alone, sweep
from genvae.interfaces.callback import Training
from genvae.interfaces.schedule import Schedule
from genvae.interfaces.training_step import TrainingStep
from genvae.pipeline import PartConfig, Pipeline
from genvae.plugin.guard import guarded
from genvae.progress import Listener, ignore
from genvae.run import Run
from genvae.tensor_files import load_tree, save_tree
from genvae.training import processes
from genvae.training.augment import augment
from genvae.training.augmentations import parse
from genvae.training.averaging import Average
from genvae.training.callbacks import Callbacks
from genvae.training.contract import loss_parts, optimizers_of
from genvae.training.data import Batch, Batches, validation_batches
from genvae.training.extras import Extras
from genvae.training.freezing import learn_only
from genvae.training.interrupt import Interrupted, Wish, on_signals
from genvae.training.job import Job, new_sections
from genvae.training.log import TrainingLog
from genvae.training.parts import Parts, part_seed
from genvae.training.precision import Precision, quicker
from genvae.training.space import require_space_for_training
from genvae.training.trainee import TRAINEES
from genvae.training.wording import Validations, ending, opening

LOG_EVERY = 25  # steps
HELD_OUT = 16  # clips of a genre that callbacks may ask for


def train(job: Job, store: ClipStore, *, device: str = "auto", listener: Listener = ignore) -> Run:
    """Train a run on a store until the budget is spent, then make it able to generate.

    Of several processes, the first one makes it able to generate; the others return when the budget is spent, as that
    may take longer than processes wait for each other.

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
        RunError: the folder holds a run, there is nothing to continue, another number of processes can't go on with it,
            another process has ended, or the loss is not finite any more.
        StoreError: the store has no training clips.
        Interrupted: SIGINT or SIGTERM came; a checkpoint was written.
    """
    try:
        fabric = Fabric(
            accelerator=device,
            devices=processes.local(),
            num_nodes=processes.world() // processes.local(),
            strategy=processes.strategy(job),
        )
    except (RuntimeError, ValueError) as error:
        raise OptionError(
            f"Training on the `device` {device} is not possible here: torch has {', '.join(_devices())}."
        ) from error
    fabric.launch()
    job = _with_precision(processes.with_parts(job), fabric)
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
            trainer.measured = trainer.trainee.inherit(job.source, job.registry)
            trainer.average = Average(trainer.trainee.module, trainer.options.ema)
        if job.create is not None and (job.source is not None or job.config.files):
            trainer.checkpoint()  # so that resuming needs neither the source nor files that options name
        if fabric.is_global_zero:
            require_space_for_training(
                run,
                trainer.pipeline,
                trainer.trainee.module,
                clips=len(trainer.batches.numbers),
                averaged=trainer.options.ema > 0,
            )
        with TrainingLog(
            run.metrics_path, step=trainer.step, silent=not fabric.is_global_zero, listener=listener
        ) as log:
            trainer.start_callbacks(log)
            with processes.losing_another(run, store, wish, trainer.rescue):
                trainer.run_steps(log, wish)
            if fabric.is_global_zero:
                trainer.tell("finish")
                with trainer.average.in_place():
                    trainer.trainee.finish(run, store, log, wish, seed=job.seed, batch_size=job.options.batch_size)
                held_out = trainer.validation_split == "validation"
                log.say(trainer.validations.verdict(held_out=held_out, off=trainer.trainee.off))
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
            attributes=job.config.attributes if job.section == "model" else (),
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
            built = Pipeline.build(config, job.registry, new=new_sections(config, job.source, job.section))
        self.pipeline = built.to(fabric.device)
        self.trainee = TRAINEES[job.section](self.pipeline)
        learn_only(self.trainee.module, self.options.only)
        self.average = Average(self.trainee.module, self.options.ema)
        self.augmentations = parse(self.options.augment)
        self.bfloat16 = self.options.precision == "bf16-mixed"
        self.step, self.seconds = 0, 0.0
        self.torn = False  # whether a step was left half done
        self.measured = False  # whether what is measured before the first step is known
        self.parts: dict[str, Tensor] = {}  # of the loss, at the last step
        self.validations = Validations()
        with self.pipeline.using(job.section, "making its optimisers"):
            module = self.trainee.module
            optimizers = optimizers_of(module.optimizers(), module.optimizers)
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
            section=job.section,
        )
        self.callbacks = Callbacks(job.registry, (), view, lambda text: None)  # those of the run come with `start`
        processes.require_shareable(job, self.trainee.module, self.batches.batch_size)
        self.module, *self.optimizers = fabric.setup(self.trainee.module, *optimizers)
        self.module.mark_forward_method("loss")

    @property
    def part(self) -> PartConfig:
        """The plugin that is trained."""
        part: PartConfig = getattr(self.run.config, self.trainee.section)
        return part

    def restore(self) -> None:
        """Go on from the checkpoint."""
        if not self.run.checkpoint_path.exists():
            if self.run.finished:
                raise RunError(f"{self.run.path} is trained already; there is nothing to resume.")
            if "from" in self.run.training or self.trainee.section == "vocoder":
                raise RunError(
                    f"{self.run.path} was stopped before it had taken over the weights of another run: remove the "
                    "folder, and begin again."
                )
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
        """Some waveforms [N, samples] of a genre of the run, of those that validation uses."""
        name = self.pipeline.config.genres[genre]
        place = self.store.genres.index(name) if name in self.store.genres else -1
        numbers = self.validation_numbers
        own = numbers[np.asarray(genres_of(self.store, numbers)) == place]
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
            self._save()
            self.tell("checkpoint")
        self.fabric.barrier()

    def rescue(self) -> None:
        """Write what this process alone has when another one has ended: all of them had the same."""
        loss = self.parts.get("loss")
        sound = loss is not None and bool(loss.isfinite())
        if self.fabric.is_global_zero and sound and not self.torn:
            self._save()

    def _save(self) -> None:
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

    def run_steps(self, log: TrainingLog, wish: Wish) -> None:
        """Step until the budget is spent.

        Raises:
            Interrupted: a signal came, here or in another process.
        """
        self._open(log)
        if not self.measured:
            self.trainee.measure(self.batches, self.fabric.device, log, partial(self._heed, wish))
            self.measured = True
        if self.validation_split == "train":
            log.warn(self.step, "The store holds no validation recordings, so validation uses training clips.")
        log.begin("training", self.budget.progress(self.step, self.seconds, self.batches.steps_per_epoch))
        self.trainee.train()
        validated, start, before = -1, self.step, self.seconds
        began = time.monotonic() - before
        total = self.budget.total_steps(self.batches.steps_per_epoch)
        for batch in self.batches.from_step(self.step):
            self.seconds = time.monotonic() - began
            progress, stop = self._agree(wish.signal)
            if stop:
                self.checkpoint()
                raise self._interrupted(stop, f"at step {self.step}")
            if progress >= 1.0:
                break
            self.parts = self._update(batch, progress)
            self.step += 1
            self.average.update(self.step)
            log.show(progress)
            if self.step % LOG_EVERY == 0 or self.step == start + 1:
                clips, taken = (self.step - start) * self.batches.batch_size, time.monotonic() - began - before
                self._log_training(log, progress, clips / taken, self.batches.waited / taken)
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
            raise self._interrupted(wish.signal, "before the first step")

    def _interrupted(self, number: int, where: str) -> Interrupted:
        return Interrupted(number, where, self.store.path, self.run.path, self.trainee.verb)

    def _open(self, log: TrainingLog) -> None:
        """Say what is about to happen."""
        options, clips = self.options, len(self.batches.numbers)
        steps = self.budget.total_steps(clips // min(options.batch_size, clips))
        log.say(
            opening(
                self.part.plugin,
                _device_name(self.fabric.device, self.fabric.world_size),
                weights=sum(p.numel() for p in self.trainee.module.parameters() if p.requires_grad),
                clips=clips,
                held_out=sum(each["validation"] for each in self.store.counts().values()),
                batch=options.batch_size,
                step=self.step,
                budget=self.budget,
            )
        )
        if expected := self.trainee.expectation(self.store, self.budget, steps, options.batch_size):
            log.say(expected)
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
        agreed = self.fabric.all_reduce(mine.to(self.fabric.device), reduce_op="max")
        assert isinstance(agreed, Tensor)  # as what was given to it
        return float(agreed[0]), int(agreed[1])

    def _update(self, batch: Batch, progress: float) -> dict[str, Tensor]:
        """One training step, with randomness that follows from the seed and the step alone."""
        generator, count = torch.Generator(self.fabric.device), self.options.accumulate // self.fabric.world_size
        parts = Parts(self.fabric, self.trainee.module, generator, seed=self.seed, step=self.step, count=count)
        parts.begin(0)
        scale = self.options.warmup(self.step) * self._schedule(progress)
        groups = [group for optimizer in self.optimizers for group in optimizer.param_groups]
        for group, rate in zip(groups, self.rates, strict=True):
            group["lr"] = rate * scale
        waves, genres, attributes = self.fabric.to_device(tuple(batch))
        if self.augmentations:
            waves = self._augmented(waves, genres, count)
        inputs = self.trainee.inputs(waves, genres)
        step = TrainingStep(
            self.optimizers,
            self.fabric.backward,
            self._loss,
            generator,
            number=self.step,
            progress=min(1.0, progress),
            waves=waves,
            accumulate=count,
            begin_part=parts.begin,
            attributes=attributes,
        )
        module = self.trainee.module
        try:
            with self.pipeline.using(self.trainee.section, "training"):
                losses = loss_parts(module.training_step(*inputs, step), module.training_step)
            parts.end()
        except BaseException:
            parts.undo()  # no optimiser has stepped yet, unless the part's step is one of its own
            self.torn = processes.has_own_step(type(module))
            raise
        return losses

    def _augmented(self, waves: Tensor, genres: Tensor, count: int) -> Tensor:
        """Waves [B, samples] in so many parts, each with draws of its own, so that no other of the step's changes."""
        augmented = []
        for number, (some, theirs) in enumerate(
            zip(waves.tensor_split(count), genres.tensor_split(count), strict=True), self.fabric.global_rank * count
        ):
            draws = torch.Generator(self.fabric.device).manual_seed(part_seed(self.seed, ~self.step, number))
            augmented.append(augment(some, theirs, self.augmentations, generator=draws))
        return torch.cat(augmented)

    def _schedule(self, progress: float) -> float:
        part = self.extras.schedule
        with guarded(f"The schedule {part.plugin!r} of {part.distribution} failed", type(self.schedule).__module__):
            scale = float(self.schedule.scale(progress))
            if not 0.0 <= scale < math.inf:
                raise ValueError(f"scale({progress:.4g}) gives {scale}, expected a number of 0 or more")
        return scale

    def _loss(self, *inputs: Any, **options: Any) -> dict[str, Tensor]:
        """The loss, in the precision of the training; a part's own step may give it more arguments.

        Fabric's own precision would be no use here: on one device it leaves every method but `forward` as it is, and on
        several it rounds the features that the loss compares with.
        """
        with torch.autocast(self.fabric.device.type, torch.bfloat16, enabled=self.bfloat16):
            return loss_parts(self.module.loss(*inputs, **options), self.trainee.module.loss)

    def _require_finite(self) -> None:
        loss = self.parts.get("loss")
        if loss is not None and not bool(loss.isfinite()):
            raise RunError(
                f"The loss is not finite any more at step {self.step}. Train anew in another folder with a lower "
                "learning rate.",
                cure=self._slower(),
            )

    def _slower(self) -> Cure | None:
        """The training with a lower learning rate, where the part has such an option."""
        if "learning_rate" not in self.part.options:
            return None
        options = {f"{self.trainee.section}.learning_rate": 1e-4}
        return Cure.of(self.trainee.verb, store=self.store.path, run="NEW", options=options)

    def _log_training(self, log: TrainingLog, progress: float, speed: float, waiting: float) -> None:
        """Log a step: with the clips a second, and the share of the time in which steps waited for their clips."""
        self._require_finite()
        values = {name: float(value.detach()) for name, value in self.parts.items()}
        record = {
            **values,
            "clips_per_second": round(speed, 1),
            "waiting": round(waiting, 4),
            "seconds": self.seconds,
        }
        log.record("train", self.step, record)
        self.tell("step", record)
        log.show(progress, f"step {self.step}  loss {values['loss']:.4g}  {speed:.0f} clips/s")

    def _validate(self, log: TrainingLog, progress: float) -> None:
        if not self.fabric.is_global_zero:
            return
        batches = validation_batches(
            self.store, self.validation_numbers, self.options.batch_size, self.batches.attributes
        )
        with self.pipeline.using(self.trainee.section, "validating"), self.average.in_place():
            values = self.trainee.validate(batches, seed=self.seed)
        self.tell("validation", values)
        log.record("validation", self.step, values)
        log.say(self.validations.describe(self.step, values))
        early = progress <= 0.2 or self.step <= self._warm_up()  # there was no time to learn anything yet
        if not early and (warning := self.trainee.warning(values)):
            log.warn(self.step, warning)

    def _warm_up(self) -> int:
        """Steps until everything has its full strength; a part's option says so by its name, such as `kl_warmup`."""
        warmups = [value for name, value in self.part.options.items() if name.endswith("warmup")]
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
            precision = quicker(Pipeline.build(job.config, job.registry, new=()), fabric.device, job.section)
    return replace(job, options=replace(job.options, precision=fabric.broadcast(precision)))


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
