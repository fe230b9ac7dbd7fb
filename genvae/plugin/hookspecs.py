"""The whole contract between genvae and its plugins: hooks that take nothing, do no work and yield declarations.

A distribution joins by an entry point in the group `genvae` that names a module; the module implements any of these:

    import genvae

    @genvae.hookimpl
    def genvae_vocoders():
        yield genvae.VocoderPlugin(name="mine", summary="My phases.", factory="my_package.vocoder:Mine")

The module that declares must stay light (the standard library and `genvae`): it is imported whenever plugins are
listed.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from genvae.plugin.declarations import (
    CallbackPlugin,
    DatasetPlugin,
    EmbedderPlugin,
    MetricPlugin,
    ModelPlugin,
    PriorPlugin,
    SchedulePlugin,
    TransformPlugin,
    VocoderPlugin,
)

hookspec = pluggy.HookspecMarker("genvae")
hookimpl = pluggy.HookimplMarker("genvae")


@hookspec
def genvae_datasets() -> Iterable[DatasetPlugin]:  # type: ignore[empty-body]  # a specification has no body
    """Sources of recordings, for `genvae prepare --dataset NAME`."""


@hookspec
def genvae_transforms() -> Iterable[TransformPlugin]:  # type: ignore[empty-body]
    """Front ends from waveforms to features, for `genvae train --transform NAME`."""


@hookspec
def genvae_models() -> Iterable[ModelPlugin]:  # type: ignore[empty-body]
    """Variational autoencoders, for `genvae train --model NAME`."""


@hookspec
def genvae_priors() -> Iterable[PriorPlugin]:  # type: ignore[empty-body]
    """Distributions over latents, for `genvae train --prior NAME`."""


@hookspec
def genvae_vocoders() -> Iterable[VocoderPlugin]:  # type: ignore[empty-body]
    """Ways from spectrograms to waveforms, for `genvae train --vocoder NAME` and `genvae generate --vocoder NAME`."""


@hookspec
def genvae_schedules() -> Iterable[SchedulePlugin]:  # type: ignore[empty-body]
    """Ways in which a learning rate changes, for `genvae train --set train.schedule=NAME`."""


@hookspec
def genvae_callbacks() -> Iterable[CallbackPlugin]:  # type: ignore[empty-body]
    """What is told how a training goes, for `genvae train --set train.callbacks=NAME,NAME`."""


@hookspec
def genvae_embedders() -> Iterable[EmbedderPlugin]:  # type: ignore[empty-body]
    """What turns clips into points; `genvae evaluate` has distances by each that is installed."""


@hookspec
def genvae_metrics() -> Iterable[MetricPlugin]:  # type: ignore[empty-body]
    """Numbers for sets of clips; `genvae evaluate` shows each that is installed."""
