"""A clip of a batch is what it is alone, to the bit, whatever instructions the processor has."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from genvae_plugins.models.linear import Linear


def test_it_is_the_linear_layer_and_learns_as_that_does() -> None:
    torch.manual_seed(0)
    ours, theirs = Linear(24, 40), nn.Linear(24, 40)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(5, 7, 24)
    for layer in (ours, theirs):
        optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, fused=True)
        for _ in range(3):
            layer.train()
            optimizer.zero_grad()
            layer(x).square().mean().backward()
            optimizer.step()
            layer.eval()
            with torch.no_grad():
                layer(x)
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-4, atol=1e-6)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x))


def test_its_weights_have_the_same_values_and_shape_in_evaluation() -> None:
    layer = Linear(24, 40)
    weight = layer.weight.detach().clone()
    assert layer.eval().weight.stride() == (1, 40)
    assert torch.equal(layer.weight, weight)
    assert layer.train().weight.is_contiguous()
    assert torch.equal(layer.weight, weight)


SCRIPT = """
import torch

from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin.registry import installed

torch.set_num_threads(1)
torch.manual_seed(0)
config = PipelineConfig.assemble(
    installed(), sample_rate=22050, clip_samples=22050, genres=("a", "b"), plugins={"model": "flow-vae"}
)
model = Pipeline.build(config, installed()).model.eval()
for weight in model.parameters():
    weight.data.add_(0.02 * torch.randn(weight.shape))  # those that begin at zero would hide what comes before them
count = 17
z, genre = torch.randn(count, model.latent_dim), torch.arange(count) % 2
with torch.no_grad():
    alone = [
        model.decode(z[i : i + 1], genre[i : i + 1], generator=torch.Generator().manual_seed(i)) for i in range(count)
    ]
    for size in (2, 5, count):
        generators = [torch.Generator().manual_seed(i) for i in range(size)]
        assert torch.equal(model.decode_each(z[:size], genre[:size], generators=generators), torch.cat(alone[:size]))
print(torch.backends.cpu.get_cpu_capability())
"""


@pytest.mark.parametrize(("torch_has", "mkl_has"), [("", ""), ("avx2", "AVX2"), ("default", "SSE4_2")])
def test_flow_vae_decodes_a_clip_of_a_batch_to_what_it_is_alone(torch_has: str, mkl_has: str) -> None:
    limits = {"ATEN_CPU_CAPABILITY": torch_has, "MKL_ENABLE_INSTRUCTIONS": mkl_has} if torch_has else {}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, **limits}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not torch_has or done.stdout.strip().lower() == torch_has
