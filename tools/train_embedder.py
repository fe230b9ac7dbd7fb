"""Trains the embedder that genvae ships, on a store's training split; its validation recordings are never read.

    python tools/train_embedder.py STORE

It learns to tell the recordings and the genres of clips apart. Every recording counts by the square root of its clips,
every genre equally. A few minutes on one core.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from torch import Tensor, nn

from genvae.clips.store import ClipStore
from genvae.metrics.embedder import WEIGHTS
from genvae.metrics.network import POINTS, EmbedderNetwork
from genvae.metrics.spectrogram import log_mel
from genvae.run import save_tensors

VERSION, SEED = "1", 0
EPOCHS, BATCH, LEARNING_RATE, SMOOTHING = 8, 128, 2e-3, 0.1


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
    network = EmbedderNetwork()
    heads = nn.ModuleList([nn.Linear(POINTS, int(recordings.max()) + 1), nn.Linear(POINTS, len(store.genres))])
    with torch.no_grad():
        blocks = np.array_split(numbers, len(numbers) // 256 + 1)
        spectrograms = torch.cat([log_mel(torch.from_numpy(store.waves(b))).half() for b in blocks])
    targets = [torch.from_numpy(recordings.astype(np.int64)), torch.from_numpy(genres)]
    optimizer = torch.optim.AdamW([*network.parameters(), *heads.parameters()], LEARNING_RATE, weight_decay=0.05)
    steps = EPOCHS * len(numbers) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps)
    cost = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    generator = torch.Generator().manual_seed(SEED)
    began = time.monotonic()
    for step in range(steps):
        batch = torch.multinomial(weights, BATCH, replacement=True, generator=generator)
        points = network.points(varied(spectrograms[batch].float(), generator))
        points = nn.functional.dropout(points, 0.2)
        said = [head(points) for head in heads]
        loss = sum(cost(each, target[batch]) for each, target in zip(said, targets, strict=True))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            right = [float((each.argmax(1) == t[batch]).float().mean()) for each, t in zip(said, targets, strict=True)]
            print(f"{step}/{steps} loss {loss.item():.3f} recording {right[0]:.2f} genre {right[1]:.2f} "
                  f"{time.monotonic() - began:.0f} s", flush=True)  # fmt: skip
    said_of = {"version": VERSION, "store": store.digest, "split": "train", "seed": str(SEED)}
    save_tensors(WEIGHTS, network.state_dict(), said_of)
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size / 1e6:.2f} MB")


def chances(recordings: np.ndarray, genres: np.ndarray) -> np.ndarray:
    """How often each clip is drawn, [N]: genres equally, recordings by the square root of their clips."""
    each = 1 / np.sqrt(np.bincount(recordings))[recordings]
    return each / np.bincount(genres, each)[genres]


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
