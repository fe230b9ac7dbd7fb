"""The state of one training, step after step, and what is said, written and checked on the way."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from genvae.clips.batches import genres_of, load
from genvae.clips.store import ClipStore
from genvae.errors import Cure, RunError, StoreError
from genvae.files import read_json
from genvae.interfaces.callback import Training
from genvae.pipeline import PartConfig, Pipeline
from genvae.run import Run
from genvae.tensor_files import load_tree, save_tree
from genvae.training import processes
from genvae.training.averaging import Average
from genvae.training.callbacks import Callbacks
from genvae.training.data import Batches, validation_batches
from genvae.training.extras import Extras
from genvae.training.freezing import learn_only
from genvae.training.interrupt import Interrupted, Wish
from genvae.training.job import Job, new_sections
from genvae.training.log import TrainingLog
from genvae.training.stepping import Stepper
from genvae.training.trainee import TRAINEES
from genvae.training.wording import Validations, ending, opening

LOG_EVERY = 25  # steps
HELD_OUT = 16  # clips of a genre that callbacks may ask for


class Trainer:
    """The state of one training: what is built, what step it is at, how long it has taken."""

    def __init__(self, fabric: Fabric, run: Run, store: ClipStore, job: Job) -> None:
        self.fabric, self.run, self.store = fabric, run, store
        self.options, self.budget, self.seed = job.options, job.budget, job.seed
        self.registry, self.extras = job.registry, job.extras or Extras.of(job.registry, job.options)
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
        self.step, self.seconds = 0, 0.0
        self.measured = False  # whether what is measured before the first step is known
        self.parts: dict[str, Tensor] = {}  # of the loss, at the last step
        self.validations = Validations()
        view = Training(
            folder=run.path,
            pipeline=self.pipeline,
            description=read_json(run.description_path),
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
        self.stepper = Stepper(fabric, job, self.pipeline, self.trainee, self.extras)

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
            for optimizer, saved in zip(self.stepper.optimizers, state["optimizers"], strict=True):
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
        view.description = read_json(self.run.description_path)  # that of a resumed run may have got another budget
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
        if self.fabric.is_global_zero and sound and not self.stepper.torn:
            self._save()

    def _save(self) -> None:
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "measured": self.measured,
            "pipeline": self.pipeline.state_dict(),
            "average": self.average.state(),
            "optimizers": [optimizer.state_dict() for optimizer in self.stepper.optimizers],
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
            self.parts = self.stepper.step(batch, number=self.step, progress=progress)
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
        if self.budget.steps == 0:
            log.say(self.trainee.no_step)
            return
        options, clips = self.options, len(self.batches.numbers)
        steps = self.budget.total_steps(clips // min(options.batch_size, clips))
        log.say(
            opening(
                self.part.plugin,
                device_name(self.fabric.device, self.fabric.world_size),
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
        log.say(self.validations.describe(self.step, values, adversarial=self.trainee.module.adversarial))
        early = progress <= 0.2 or self.step <= self._warm_up()  # there was no time to learn anything yet
        if not early and (warning := self.trainee.warning(values)):
            log.warn(self.step, warning)

    def _warm_up(self) -> int:
        """Steps until everything has its full strength; a part's option says so by its name, such as `kl_warmup`."""
        warmups = [value for name, value in self.part.options.items() if name.endswith("warmup")]
        steps = [value for value in warmups if isinstance(value, int)]
        return max(self.options.warmup_steps, *steps, 0)


def device_name(device: torch.device, processes: int) -> str:
    """A device as people call it."""
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    elif device.type == "cpu":
        threads = torch.get_num_threads()
        name = f"the CPU ({threads} thread{'s' * (threads > 1)})"
    else:
        name = device.type
    return f"{processes} x {name}" if processes > 1 else name
