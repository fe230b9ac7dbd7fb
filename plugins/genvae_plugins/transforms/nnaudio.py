"""The `nnaudio-stft`, `nnaudio-mel` and `nnaudio-cqt` transforms: front ends that are convolutions.

Cheuk, Anderson, Agres & Herremans, nnAudio: An on-the-Fly GPU Audio to Spectrogram Conversion Toolbox Using 1D
Convolutional Neural Networks, 2020. The package is nnAudio or its successor nnaudio2.

With the option `trainable` the kernels are parameters, which gradients reach and checkpoints hold. The loop of
`genvae train` gives a model's optimisers the model's parameters alone, so there they stay as they are; the inverses
are those of the kernels as they were before any training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from genvae_plugins.peers import NNAUDIO, load
from genvae_plugins.transforms import NnAudioCqtOptions, NnAudioMelOptions, NnAudioStftOptions
from genvae_plugins.transforms.constants import not_saved
from genvae_plugins.transforms.cqt import Cqt
from genvae_plugins.transforms.mel import Mel
from genvae_plugins.transforms.stft import Spectrogram


class NnAudioStft(Spectrogram):
    """The features of `stft`, from nnAudio's STFT."""

    def __init__(self, options: NnAudioStftOptions, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        self.layer: nn.Module = not_saved(
            load(*NNAUDIO).STFT(
                n_fft=options.n_fft,
                hop_length=options.hop,
                window=options.window,
                freq_scale="no",
                pad_mode="constant",
                sr=sample_rate,
                trainable=options.trainable,
                output_format="Complex",
                verbose=False,
            )
        )

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> magnitudes [B, bins, frames]."""
        return _magnitude(self.layer(wave))


class NnAudioMel(Mel):
    """The features of `mel`, from nnAudio's MelSpectrogram."""

    def __init__(self, options: NnAudioMelOptions, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        self.layer: nn.Module = not_saved(
            load(*NNAUDIO).MelSpectrogram(
                sr=sample_rate,
                n_fft=options.n_fft,
                n_mels=options.n_mels,
                hop_length=options.hop,
                window=options.window,
                pad_mode="constant",
                power=1.0,
                htk=options.formula == "htk",
                fmin=options.f_min,
                fmax=self.spec.f_max,
                norm=1 if options.norm == "area" else None,
                trainable_mel=options.trainable,
                trainable_STFT=options.trainable,
                verbose=False,
            )
        )

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> mel magnitudes [B, bins, frames]."""
        # Its own forward takes the root of a power, whose gradient at silence is not a number.
        magnitude = _magnitude(self.layer.get_submodule("stft")(wave, output_format="Complex"))
        return torch.as_tensor(self.layer.mel_basis) @ magnitude


class NnAudioCqt(Cqt):
    """The features of `cqt`, from nnAudio's CQT1992v2."""

    def __init__(self, options: NnAudioCqtOptions, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        self.layer: nn.Module = not_saved(
            load(*NNAUDIO).CQT1992v2(
                sr=sample_rate,
                hop_length=options.hop,
                fmin=options.f_min,
                n_bins=options.bins,
                bins_per_octave=options.bins_per_octave,
                window=options.window,
                pad_mode="constant",
                trainable=options.trainable,
                output_format="Complex",
                verbose=False,
            )
        )

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> magnitudes [B, bins, frames]."""
        return _magnitude(self.layer(wave))


def _magnitude(pairs: Tensor) -> Tensor:
    """Real and imaginary parts [..., 2] -> magnitudes, with a gradient of 0 where they are 0."""
    return torch.view_as_complex(pairs.contiguous()).abs()
