"""Clips to listen to while a model or a vocoder is trained."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch

import genvae
from genvae.audio import wav
from genvae.files import write_whole


class Samples(genvae.Callback):
    """RUN/samples/STEP/GENRE-N.wav: held-out clips through the model and the vocoder, the same ones every time.

    Where a vocoder is trained, they go through the front end and the vocoder alone.
    """

    @torch.no_grad()
    def on_validation(self, training: genvae.Training, values: Mapping[str, float]) -> None:
        """Write the clips."""
        pipeline = training.pipeline.eval()
        device = next(pipeline.model.parameters()).device
        folder = training.folder / "samples" / f"{training.step:07d}"
        folder.mkdir(parents=True, exist_ok=True)
        for index, name in enumerate(training.genres):
            waves = training.held_out(index)[: self.options.clips].to(device)
            if not len(waves):
                continue
            features = pipeline.transform(waves)
            if training.section == "model":
                genre = torch.full((len(waves),), index, device=device)
                generator = torch.Generator(device).manual_seed(training.seed)
                latents = pipeline.model.encode(features, genre).mean
                features = pipeline.model.decode(latents, genre, generator=generator)
            sounds = pipeline.sound(features, length=waves.shape[1]).nan_to_num().clamp(-1, 1).cpu().numpy()
            plain = re.sub(r"[^\w-]+", "-", name)
            for number, wave in enumerate(sounds):
                write_whole(folder / f"{plain}-{number}.wav", wav.encode(wave, training.sample_rate))
