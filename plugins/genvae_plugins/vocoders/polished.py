"""The `pghi-polished` vocoder: `pghi-refined`, and a network that has learnt what becomes of a model's magnitudes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae import FeatureSpec, Vocoder
from genvae.errors import SpecMismatch
from genvae_plugins.jury import Jury, adversarial_losses
from genvae_plugins.vocoders import PghiPolishedOptions
from genvae_plugins.vocoders.polish import Polish, Spectra
from genvae_plugins.vocoders.refined import PghiRefined

CROP = 43  # frames of a clip that a step looks at
EDGE = 3  # frames at either end of a crop that no jury sees, as silence beyond it is in them
BETAS = (0.5, 0.99)  # AdamW forgets sooner where a jury moves the aim


class PghiPolished(Vocoder):
    """`pghi-refined`, then a network against three juries, which hear short, middling and long frames.

    Magnitudes that a model makes are those of no sound, and the phases that fit them best smear what a frame holds over
    all of it: with the true phases they sound nearly like the clip, and a few rounds of projection from there lead to
    where they lead from anywhere (docs/vocoders.md has the numbers). So the network learns from what the run's model
    makes of real clips, beside these clips.
    """

    learns_from_model = True
    max_gradient_norm = 1.0
    adversarial = True

    def __init__(self, options: PghiPolishedOptions, *, spec: FeatureSpec) -> None:
        super().__init__(options, spec=spec)
        self.start = PghiRefined(options, spec=spec)
        if spec.hop % 2 or spec.n_fft % 8 or spec.n_fft < 2 * spec.hop:
            raise SpecMismatch(
                "pghi-polished needs features with an even hop and an n_fft that is a multiple of 8 and two hops or "
                f"more, but the transform gives hop = {spec.hop} and n_fft = {spec.n_fft}."
            )
        self.options = options
        self.polish = Polish(spec, width=options.width, depth=options.depth)
        sizes = (spec.n_fft // 2, spec.n_fft, 2 * spec.n_fft)
        self.resolutions = [Spectra(size, size // 4, torch.hann_window(size)) for size in sizes]
        self.juries = nn.ModuleList(Jury(size // 2 + 1, 1) for size in sizes)

    def forward(
        self, spectrogram: Tensor, *, length: int | None = None, generator: torch.Generator | None = None
    ) -> Tensor:
        """Natural-log magnitudes [B, bins, frames] -> waveform [B, length]; nothing is random."""
        frames = spectrogram.shape[2]
        length = self.spec.samples(frames) if length is None else length
        held = length if self.spec.frames(length) == frames else self.spec.samples(frames)
        waves = self.start(spectrogram, length=held)
        if waves.numel():
            # Clip by clip, and in an order of its own in memory: a product's last bits depend on shape and order, and a
            # clip is to be the same whatever else is in the batch.
            pairs = zip(torch.split(waves, 1), torch.split(spectrogram.to(waves), 1), strict=True)
            own = ([each.clone(memory_format=torch.contiguous_format) for each in pair] for pair in pairs)
            waves = torch.cat([self.polish(wave, logs) for wave, logs in own])
        return F.pad(waves, (0, length - held))  # a negative pad cuts

    def loss(self, spectrogram: Tensor, wave: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """What the network and the juries minimise, of a part of each clip; each learns by its own loss alone."""
        with torch.no_grad():
            begun = self.start(spectrogram, length=wave.shape[1])
        wave, begun, logs = _cropped(wave, begun, spectrogram, self.spec.hop, generator)
        drawn = self.polish(begun, logs)
        parts: dict[str, Tensor] = {}
        alike = torch.zeros(len(wave), dtype=torch.int64, device=wave.device)  # no jury is told of genres
        for spectra, jury in zip(self.resolutions, self.juries, strict=True):
            real, false = (_without_edges(spectra.levels(spectra.of(each))) for each in (wave, drawn))
            assert isinstance(jury, Jury)
            own, judging = adversarial_losses(jury, real, false, alike)
            for name, value in {**own, "jury": judging}.items():
                parts[name] = parts.get(name, 0) + value / len(self.juries)
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One AdamW."""
        return [torch.optim.AdamW(self.parameters(), lr=self.options.learning_rate, betas=BETAS, fused=True)]


def _cropped(
    wave: Tensor, begun: Tensor, logs: Tensor, hop: int, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """The same part of each of the clips: waveforms [B, samples] and magnitudes [B, bins, frames]."""
    frames = logs.shape[2]
    if frames <= CROP + 1:
        return wave, begun, logs
    first = int(torch.randint(frames - CROP, (), generator=generator, device=generator.device))
    samples = slice(first * hop, (first + CROP) * hop)
    return wave[:, samples], begun[:, samples], logs[..., first : first + CROP + 1]


def _without_edges(levels: Tensor) -> Tensor:
    """[B, bins, frames] without the first and the last frames, if others are left."""
    return levels[..., EDGE:-EDGE] if levels.shape[2] > 4 * EDGE else levels
