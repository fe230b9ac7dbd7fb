"""The `torchaudio-stft` and `torchaudio-mel` transforms: torchaudio's front ends behind our scaling and inverses."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from genvae import windows
from genvae.errors import OptionError
from genvae_plugins.peers import TORCHAUDIO, load
from genvae_plugins.transforms import MelOptions, StftOptions
from genvae_plugins.transforms.constants import not_saved
from genvae_plugins.transforms.mel import Mel
from genvae_plugins.transforms.stft import Spectrogram


def _framing(options: StftOptions) -> dict[str, Any]:
    return {
        "n_fft": options.n_fft,
        "hop_length": options.hop,
        "window_fn": lambda samples: windows.make(options.window, samples),
        "pad_mode": "constant",
    }


class TorchaudioStft(Spectrogram):
    """The features of `stft`, from torchaudio's Spectrogram."""

    def __init__(self, options: StftOptions, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        self.layer: nn.Module = not_saved(load(*TORCHAUDIO).Spectrogram(power=None, **_framing(options)))

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> magnitudes [B, bins, frames]."""
        spectrum: Tensor = self.layer(wave)
        return spectrum.abs()


class TorchaudioMel(Mel):
    """The features of `mel`, from torchaudio's MelSpectrogram.

    Raises:
        OptionError: as `mel`; or the sample rate is odd, half of which torchaudio rounds down, so that its bands lie
            elsewhere.
    """

    def __init__(self, options: MelOptions, *, sample_rate: int) -> None:
        super().__init__(options, sample_rate=sample_rate)
        if sample_rate % 2:
            raise OptionError(
                f"torchaudio-mel places its bands wrongly at odd sample rates ({sample_rate} Hz); use mel."
            )
        self.layer: nn.Module = not_saved(
            load(*TORCHAUDIO).MelSpectrogram(
                sample_rate,
                power=1.0,
                n_mels=options.n_mels,
                f_min=options.f_min,
                f_max=self.spec.f_max,
                mel_scale=options.formula,
                norm="slaney" if options.norm == "area" else None,
                **_framing(options),
            )
        )

    def analyse(self, wave: Tensor) -> Tensor:
        """Waveforms [B, samples] -> mel magnitudes [B, bins, frames]."""
        mel: Tensor = self.layer(wave)
        return mel
