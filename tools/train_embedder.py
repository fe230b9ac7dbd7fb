"""Trains the embedder that genvae ships, on a store's training split; its validation recordings are never read.

    python tools/train_embedder.py STORE

It learns of each clip its genre, whether it was spoilt, in which of nine ways (`spoiling.py`) and how much. A network
that only knows real clips has no reason to notice that one is blurred. Which recording a clip is from is no task of
its, and genres and recordings are drawn evenly, so that a band's own sound is not what it hears first. Some twenty
minutes on one core.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import torch
from numpy.typing import NDArray
from spoiling import KINDS, Components, spoil, wrong_phases
from torch import Tensor, nn

from genvae.clips.store import ClipStore
from genvae.metrics.embedder import WEIGHTS
from genvae.metrics.network import BANDS, WIDTHS, EmbedderNetwork, maps_of
from genvae.metrics.sampling import choose
from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin.registry import installed
from genvae.tensor_files import save_tensors

VERSION, SEED = "3", 0
CLIPS = 640  # of each genre; each is kept as it is, through the vocoder, and spoilt SPOILT times
SPOILT, VOCODED = 3, 2
MINUTES, BATCH, LEARNING_RATE, SMOOTHING = 9.0, 96, 2e-3, 0.1
COMPONENTS, MEASURED = 512, 150  # and the clips of a genre that they are measured on
MIXED, NARROW = 128, 64  # widths on top of the convolutions
_BLOCK = 24


def main() -> None:
    """Write the weights into the package."""
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    store = ClipStore.open(sys.argv[1])
    began = time.monotonic()
    maps, genres, amounts = examples(store)
    print(f"{len(maps)} examples after {time.monotonic() - began:.0f} s", flush=True)
    network = EmbedderNetwork().to(memory_format=torch.channels_last)  # a third faster
    train(network, Heads(len(store.genres)), maps, genres, amounts)
    said_of = {"version": VERSION, "store": store.digest, "split": "train", "seed": str(SEED)}
    save_tensors(WEIGHTS, network.state_dict(), said_of)
    print(f"{WEIGHTS}: {WEIGHTS.stat().st_size / 1e6:.2f} MB")


class Heads(nn.Module):
    """What is asked of the network while it learns; not shipped.

    Args:
        genres: how many.
    """

    def __init__(self, genres: int) -> None:
        super().__init__()
        high = BANDS // 2 ** len(WIDTHS)
        self.mix = nn.Sequential(nn.Conv1d(WIDTHS[-1] * high, MIXED, 1, bias=False), nn.BatchNorm1d(MIXED), nn.ReLU())
        self.narrow = nn.Sequential(nn.Linear(2 * MIXED, NARROW, bias=False), nn.BatchNorm1d(NARROW, affine=False))
        self.asked = nn.ModuleList([nn.Linear(NARROW, size) for size in (genres, len(KINDS) + 1, len(KINDS))])

    def forward(self, found: Tensor) -> list[Tensor]:
        """What the convolutions give -> scores of genres [B, genres] and kinds [B, kinds + 1], amounts [B, kinds]."""
        steps = self.mix(found.flatten(1, 2))  # [B, MIXED, frames / 16]
        pooled = self.narrow(torch.cat([steps.mean(dim=2), steps.amax(dim=2)], dim=1))
        dropped = nn.functional.dropout(pooled, 0.2)
        return [head(dropped) for head in self.asked]


@torch.no_grad()
def examples(store: ClipStore) -> tuple[Tensor, Tensor, Tensor]:
    """Maps [N, 2, bands, frames] in half precision, genres [N], and of each kind how much it is spoilt [N, kinds]."""
    generator = np.random.default_rng(SEED)
    pipeline = front_and_back(store)
    maps, genres, amounts = [], [], []

    def keep(waves: Tensor, genre: int, much: NDArray[np.float32]) -> None:
        maps.append(maps_of(waves).half())
        genres.append(torch.full((len(waves),), genre))
        amounts.append(torch.from_numpy(much))

    numbers_of = {g: np.intersect1d(store.select(split="train"), store.select(genre=g)) for g in store.genres}
    some = np.concatenate([choose(store, own, MEASURED) for own in numbers_of.values()])
    pipeline.transform.fit([torch.from_numpy(store.waves(some))])
    components = Components.of(levels(pipeline, torch.from_numpy(store.waves(some))), COMPONENTS)
    for genre, name in enumerate(store.genres):
        numbers = generator.permutation(choose(store, numbers_of[name], CLIPS))
        others = None
        for start in range(0, len(numbers), _BLOCK):
            block = numbers[start : start + _BLOCK]
            waves = torch.from_numpy(
                store.shifted_waves(block, generator.integers(store.clip_samples, size=len(block)))
            )
            level = levels(pipeline, waves)
            others = level if others is None else others
            none = np.zeros((len(waves), len(KINDS)), np.float32)
            keep(waves, genre, none)
            keep(sound(pipeline, level, waves.shape[1]), genre, none)
            for _ in range(SPOILT):
                kinds = generator.integers(len(KINDS), size=len(waves))
                much = generator.uniform(size=len(waves)).astype(np.float32)
                seeds = generator.integers(2**31, size=len(waves)).tolist()
                made, phased = level.clone(), []
                for i, kind in enumerate(kinds):
                    if KINDS[kind] == "wrong phases":
                        phased.append(i)
                        continue
                    made[i] = spoil(
                        level[i], others[i % len(others)], KINDS[kind], float(much[i]), components, seeds[i]
                    )
                heard = sound(pipeline, made, waves.shape[1])
                for i in phased:
                    heard[i] = wrong_phases(waves[i], float(much[i]), seeds[i])
                amount = none.copy()
                amount[np.arange(len(waves)), kinds] = 0.25 + 0.75 * much
                keep(heard, genre, amount)
            others = level
            if start % (10 * _BLOCK) == 0:
                print(f"{name} {start}/{len(numbers)}", flush=True)
    return torch.cat(maps), torch.cat(genres), torch.cat(amounts)


def front_and_back(store: ClipStore) -> Pipeline:
    """The default front end and vocoder; the model between them is of no use."""
    config = PipelineConfig.assemble(
        installed(),
        sample_rate=store.sample_rate,
        clip_samples=store.clip_samples,
        genres=store.genres,
        plugins={"model": "conv-vae"},
        values={"model": {"width": 8, "neck": 4, "latent_dim": 4, "blocks": 1}, "vocoder": {"iterations": VOCODED}},
    )
    return Pipeline.build(config, installed()).eval()


def levels(pipeline: Pipeline, waves: Tensor) -> Tensor:
    """Waveforms [B, samples] -> natural logarithms of magnitudes [B, bins, frames]."""
    made: Tensor = pipeline.transform.invert(pipeline.transform(waves))
    return made


def sound(pipeline: Pipeline, level: Tensor, samples: int) -> Tensor:
    """Natural logarithms of magnitudes [B, bins, frames] -> waveforms [B, samples]."""
    return pipeline.vocode(level, length=samples).float()


def train(network: EmbedderNetwork, heads: Heads, maps: Tensor, genres: Tensor, amounts: Tensor) -> None:
    """Teach the network for MINUTES of one core; half of every batch is not spoilt."""
    kinds = torch.where(amounts.sum(dim=1) > 0, amounts.argmax(dim=1) + 1, 0)
    weights = torch.where(kinds == 0, 1 / (kinds == 0).sum(), 1 / (kinds > 0).sum())
    optimizer = torch.optim.AdamW([*network.parameters(), *heads.parameters()], LEARNING_RATE, weight_decay=0.05)
    cost = nn.CrossEntropyLoss(label_smoothing=SMOOTHING)
    generator = torch.Generator().manual_seed(SEED)
    began, step = time.process_time(), 0
    while (done := (time.process_time() - began) / (60 * MINUTES)) < 1:
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, step / 100) * (1 - done)
        batch = torch.multinomial(weights, BATCH, replacement=True, generator=generator)
        genre, kind, amount = heads(network.convolutions(varied(maps[batch].float(), generator)))
        missed = (amount - amounts[batch]).square().mean()
        loss = cost(genre, genres[batch]) + cost(kind, kinds[batch]) + 10 * missed
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 50 == 0:
            right = [float((said.argmax(1) == t[batch]).float().mean()) for said, t in ((genre, genres), (kind, kinds))]
            print(
                f"{step} {done:.2f} loss {loss.item():.3f} genre {right[0]:.2f} kind {right[1]:.2f} "
                f"amount {missed.item():.4f}",
                flush=True,
            )
        step += 1


def varied(maps: Tensor, generator: torch.Generator) -> Tensor:
    """Maps [B, 2, bands, frames], each rolled in time, shifted by a band or two, and its levels tilted."""
    made = torch.empty_like(maps)
    count, _, bands, frames = maps.shape
    draw = torch.rand((count, 3), generator=generator)
    slope = torch.linspace(-1, 1, bands)[:, None]
    for i, (roll, shift, tilt) in enumerate(draw.tolist()):
        source = (torch.arange(bands) - int(shift * 5) + 2).clamp(0, bands - 1)
        made[i] = maps[i].roll(int(roll * frames), dims=2)[:, source]
        made[i, 0] += (2 * tilt - 1) * 0.2 * slope
    return made


if __name__ == "__main__":
    main()
