"""Integration of the phase gradient along ridges: in time from peak to peak, within a frame from each peak downhill.

It is what single pass spectrogram inversion does (Beauregard, Harish & Wyse 2015), with the steps of phase gradient
heap integration (Průša, Balazs & Søndergaard 2017) in place of one frequency for all the bins around a peak.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from genvae import FeatureSpec
from genvae_plugins.vocoders import peaks, phase_gradient


def phases(logs: Tensor, spec: FeatureSpec) -> Tensor:
    """Natural-log magnitudes [B, frames, bins] -> phases in turns, likewise.

    Nothing but operations on whole frames: it runs on any device and waits for no compiler.
    """
    to_next_frame, to_next_bin = phase_gradient.steps(logs, spec)
    owner = peaks.owners(logs)
    across = functional.pad(to_next_bin.cumsum(2), (1, 0))  # phases relative to bin 0 of each frame
    advance = across - across.gather(2, owner)
    advance[:, 1:] += to_next_frame.gather(2, owner[:, 1:])
    return peaks.with_still_edges(peaks.follow(owner, advance))
