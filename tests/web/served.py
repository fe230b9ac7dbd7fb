"""What the tests of the server share: a small run with two maps, and an engine over it."""

from __future__ import annotations

import pytest
import torch
from conftest import MODEL, make_run
from second_map import add_second_map

from genvae.latents.fit import make_map
from genvae.plugin.registry import installed
from genvae.run import Run
from genvae.tensor_files import save_tensors
from genvae.web.engine import Engine


@pytest.fixture(scope="session")
def mapped_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = make_run(tmp_path_factory.mktemp("web") / "run")
    generator = torch.Generator().manual_seed(1)
    genre = torch.arange(300) % 3
    mean = torch.randn(300, int(str(MODEL["latent_dim"])), generator=generator) + genre[:, None]
    save_tensors(run.latents_path, {"mean": mean, "genre": genre, "clip": torch.arange(1000, 1300)})
    make_map(run, "pca")
    add_second_map(run)
    return run


@pytest.fixture(scope="session")
def engine(mapped_run: Run) -> Engine:
    return Engine(mapped_run, installed())
