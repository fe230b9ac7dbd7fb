"""Speed of training `conv-vae`, whose convolutions run over time alone, beside a 2-D network on the same spectrograms.

    python benchmarks/layouts.py

The 2-D network has the usual shape: patches of 8 bins x 2 frames, then residual blocks at four resolutions down and up.
One thread, batches of 64 clips, forward and backward, contenders in turn, medians of processor time.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin.registry import installed

ROUNDS, CLIPS = 5, 64
CHANNELS = (48, 96, 192, 192)
GRIDS = ((16, 11), (32, 22), (64, 44))


class Residual(nn.Sequential):
    """Two 3x3 convolutions around which the input is led."""

    def __init__(self, channels: int) -> None:
        layers = [nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1)]
        super().__init__(*layers, nn.GroupNorm(8, channels), nn.SiLU(), nn.Conv2d(channels, channels, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """Any [B, channels, rows, columns] -> the same shape."""
        return x + super().forward(x)


def two_dimensional() -> nn.Sequential:
    """Down and up again; there is no bottleneck, which would only cost more."""
    layers: list[nn.Module] = [nn.Conv2d(1, CHANNELS[0], (8, 2), (8, 2)), Residual(CHANNELS[0])]
    for before, after in pairwise(CHANNELS):
        layers += [nn.Conv2d(before, after, 3, 2, padding=1), Residual(after)]
    upwards = CHANNELS[::-1]
    for before, after, grid in zip(upwards, upwards[1:], GRIDS, strict=False):
        layers += [nn.Upsample(size=grid), nn.Conv2d(before, after, 3, padding=1), Residual(after)]
    return nn.Sequential(*layers, nn.Conv2d(CHANNELS[0], 32, 3, padding=1))


def main() -> None:
    torch.set_num_threads(1)
    config = PipelineConfig.assemble(
        installed(), sample_rate=22050, clip_samples=22050, genres=("a", "b", "c"), plugins={"model": "conv-vae"}
    )
    model = Pipeline.build(config, installed()).model
    plain, last = two_dimensional(), two_dimensional().to(memory_format=torch.channels_last)
    features = torch.randn(CLIPS, 513, 87)
    genre = torch.zeros(CLIPS, dtype=torch.int64)
    patches = F.pad(features[:, :512], (0, 1)).unsqueeze(1)  # [B, 1, 512, 88]
    contenders: dict[str, tuple[nn.Module, Callable[[], Tensor]]] = {
        "conv-vae": (model, lambda: model.loss(features, genre, generator=torch.Generator().manual_seed(0))["loss"]),
        "2-D": (plain, lambda: plain(patches).float().square().mean()),
        "2-D, channels-last": (
            last,
            lambda: last(patches.to(memory_format=torch.channels_last)).float().square().mean(),
        ),
    }
    print(f"{platform.processor() or platform.machine()}, 1 thread, torch {torch.__version__}")
    for precision, half in (("float32", False), ("bfloat16", True)):
        seconds: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(ROUNDS):
            for name, (_, loss) in contenders.items():
                began = time.process_time()
                with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
                    value = loss()
                value.backward()
                seconds[name].append(time.process_time() - began)
        for name, (network, _) in contenders.items():
            weights = sum(p.numel() for p in network.parameters()) / 1e6
            speed = CLIPS / statistics.median(seconds[name])
            print(f"{name:<20} {weights:4.1f} M weights  {precision:<9} {speed:6.0f} clips/s")


if __name__ == "__main__":
    main()
