"""The training loop: one for all that learns, on any device, over any number of processes, and exactly resumable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, replace

import torch
from lightning_fabric import Fabric

from genvae.clips.store import ClipStore
from genvae.errors import OptionError, RunError
from genvae.files import held_alone, sweep
from genvae.pipeline import Pipeline
from genvae.progress import Listener, ignore
from genvae.run import Run
from genvae.training import processes
from genvae.training.averaging import Average
from genvae.training.inherit import take_vocoder
from genvae.training.interrupt import on_signals
from genvae.training.job import Job
from genvae.training.log import TrainingLog
from genvae.training.precision import Precision, quicker
from genvae.training.space import require_space_for_training
from genvae.training.trainer import Trainer


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
        trainer = Trainer(fabric, run, store, job)
        if job.create is None:
            trainer.restore()
            if fabric.is_global_zero:
                run.rebudget(asdict(job.budget), job.section)
        elif job.source is not None:
            trainer.measured = trainer.trainee.inherit(job.source, job.registry)
            if job.start is not None:
                take_vocoder(trainer.pipeline.vocoder, job.start, job.registry)
                trainer.measured = True
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
                module, off = trainer.trainee.module, trainer.trainee.off
                log.say(trainer.validations.verdict(held_out=held_out, off=off, adversarial=module.adversarial))
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
