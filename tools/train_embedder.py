"""Trains the embedder that genvae ships, on a store's training split; its validation recordings are never read.

    python tools/train_embedder.py STORE

It learns to tell the recordings and the genres of clips apart, and spectrograms that were spoilt in several ways from
those that were not: a network that only knows real clips has no reason to notice that one is blurred. Every recording
counts by the square root of its clips, every genre equally. A few minutes on one core.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from torch import Tensor, nn

from genvae.clips.store import ClipStore
from genvae.metrics.embedder import WEIGHTS
from genvae.metrics.network import HOP, POINTS, EmbedderNetwork
from genvae.metrics.spectrogram import log_mel
from genvae.tensor_files import save_tensors

VERSION, SEED = "2", 0
EPOCHS, BATCH, LEARNING_RATE, SMOOTHING = 6, 128, 2e-3, 0.1
KINDS, COMPONENTS = 5, 512


def main() -> None:
    """Write the weights into the package."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    store = ClipStore.open(sys.argv[1])
    numbers = store.select(split="train")
    index = store.index[numbers]
    _, recordings = np.unique(index["recording"], return_inverse=True)
    genres = index["genre"].astype(np.int64)
    weights = torch.from_numpy(chances(recordings, genres))
    network = EmbedderNetwork().to(memory_format=torch.channels_last)  # a third faster
    sizes = (int(recordings.max()) + 1, len(store.genres), KINDS + 1)
    heads = nn.ModuleList([nn.Linear(POINTS, size) for size in sizes])
    with torch.no_grad():
        blocks = np.array_split(numbers, len(numbers) // 256 + 1)
        spectrograms = torch.cat([log_mel(torch.from_numpy(store.waves(b)), HOP).half() for b in blocks])
    targets = [torch.from_numpy(recordings.astype(np.int64)), torch.from_numpy(genres)]
    components = principal_components(spectrograms)
    optimizer = torch.optim.AdamW([*network.parameters(), *heads.parameters()], LEARNING_RATE, weight_decay=0.05)
    steps = EPOCHS * len(numbers) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    cost = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    generator = torch.Generator().manual_seed(SEED)
    began = time.monotonic()
    for step in range(steps):
        batch = torch.multinomial(weights, BATCH, replacement=True, generator=generator)
        spoiling = torch.randint(2 * KINDS, (BATCH,), generator=generator)
        kinds = torch.where(spoiling < KINDS, spoiling + 1, 0)  # every other clip is left as it is
        clips = spectrograms[batch].float()
        others = spectrograms[torch.multinomial(weights, BATCH, generator=generator)].float()
        spoilt = [spoil(*each, components, generator) for each in zip(clips, others, kinds.tolist(), strict=True)]
        points = network.points(varied(torch.stack(spoilt), generator))
        points = nn.functional.dropout(points, 0.2)
        said = [head(points) for head in heads]
        wanted = [target[batch] for target in targets] + [kinds]
        loss = sum(cost(each, target) for each, target in zip(said, wanted, strict=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0:
            right = [float((each.argmax(1) == t).float().mean()) for each, t in zip(said, wanted, strict=True)]
            print(f"{step}/{steps} loss {loss.item():.3f} right: " + " ".join(f"{share:.2f}" for share in right) + " "
                  f"{time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
    said_of = {"version": VERSION, "store": store.digest, "split": "train", "seed": str(SEED)}
    save_tensors(WEIGHTS, network.state_dict(), said_of)
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size / 1e6:.2f} MB")


def chances(recordings: np.ndarray, genres: np.ndarray) -> np.ndarray:
    """How often each clip is drawn, [N]: genres equally, recordings by the square root of their clips."""
    each = 1 / np.sqrt(np.bincount(recordings))[recordings]
    return each / np.bincount(genres, each)[genres]


def principal_components(spectrograms: Tensor) -> Tensor:
    """Directions of most variance of the spectrograms [N, bands, frames], most first: [COMPONENTS, bands * frames]."""
    some = spectrograms[:: len(spectrograms) // 2000 + 1].float().flatten(1)
    some = some - some.mean(dim=0)
    values, vectors = torch.linalg.eigh(some @ some.T)
    kept = min(COMPONENTS, len(some) - 1)
    return ((vectors[:, -kept:] / values[-kept:].sqrt()).T @ some).flip(0)


def spoil(clip: Tensor, other: Tensor, kind: int, components: Tensor, generator: torch.Generator) -> Tensor:
    """Spoil a spectrogram [bands, frames] a little or much: as blurred models, and as careless noise, spoil it.

    kind: 0 not at all; 1 averaged along time, 2 along frequency, 3 by few principal components, 4 noise in every
    value, 5 blended with another clip.
    """
    much = float(torch.rand((), generator=generator))
    if kind in (1, 2):
        size = (3, 5, 9)[int(much * 3)] if kind == 1 else (3, 5)[int(much * 2)]
        flat = clip if kind == 1 else clip.T
        flat = nn.functional.pad(flat, (size // 2, size // 2), mode="replicate")
        smooth = nn.functional.avg_pool1d(flat, size, stride=1)
        return smooth if kind == 1 else smooth.T
    if kind == 3:
        some = components[: int(16 * (len(components) / 16) ** much)]
        middle = clip.mean(dim=1, keepdim=True)
        return ((clip - middle).flatten() @ some.T @ some).view_as(clip) + middle
    if kind == 4:
        return clip + (0.1 + 0.3 * much) * torch.randn(clip.shape, generator=generator)
    if kind == 5:
        return clip.lerp(other, 0.25 + 0.25 * much)
    return clip


def varied(log_mel: Tensor, generator: torch.Generator) -> Tensor:
    """Spectrograms [B, bands, frames], each rolled in time, shifted by a band or two, tilted, and with parts hidden."""
    made = torch.empty_like(log_mel)
    count, bands, frames = log_mel.shape
    draw = torch.rand((count, 7), generator=generator)
    slope = torch.linspace(-1, 1, bands)[:, None]
    for i, (roll, shift, tilt, band, height, frame, width) in enumerate(draw.tolist()):
        source = (torch.arange(bands) - int(shift * 5) + 2).clamp(0, bands - 1)
        one = log_mel[i].roll(int(roll * frames), dims=1)[source] + (2 * tilt - 1) * 0.2 * slope
        first, start = int(band * bands), int(frame * frames)
        one[first : first + int(height * 12)] = one.mean()
        one[:, start : start + int(width * 16)] = one.mean()
        made[i] = one
    return made


if __name__ == "__main__":
    main()
