"""Every model of ours: shapes, gradients, what a genre changes, seeded draws, and that a batch can be learnt."""

from __future__ import annotations

import pytest
import torch

from genvae.errors import SpecMismatch
from genvae.interfaces.training_step import TrainingStep
from genvae.pipeline import Pipeline, PipelineConfig
from genvae.plugin.registry import installed

GENRES = ("a", "b")
SMALL = {"width": 32, "neck": 8, "latent_dim": 6, "learning_rate": 5e-3}
FFT = {"n_fft": 256, "hop": 128}
SIZES = {
    **{name: {"model": SMALL, "transform": FFT} for name in ("conv-vae", "beta-vae", "wae")},
    "vae-gan": {"model": {**SMALL, "first_stage": 50}, "transform": FFT},
    "vq-vae": {
        "model": {"width": 32, "neck": 8, "groups": 2, "code_dim": 3, "codes": 16, "learning_rate": 5e-3},
        "transform": FFT,
    },
    "flow-vae": {
        "model": {"latent_dim": 6, "width": 32, "depth": 2, "vae_depth": 1, "components": 16, "learning_rate": 5e-3},
        "transform": FFT,
    },
    "reference-vae": {"model": {"latent_dim": 6}},
}


def build(name: str, samples: int = 3000) -> Pipeline:
    config = PipelineConfig.assemble(
        installed(), sample_rate=8000, clip_samples=samples, genres=GENRES, plugins={"model": name}, values=SIZES[name]
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Pipeline.build(config, installed())


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture(params=sorted(SIZES))
def pipeline(request):
    return build(request.param)


@pytest.fixture
def batch(pipeline):
    times = torch.arange(3000) / 8000
    pitches = torch.tensor([[300.0], [700.0], [1500.0], [2600.0]])
    waves = 0.3 * torch.sin(2 * torch.pi * pitches * times) + 0.01 * torch.randn(4, 3000, generator=seeded())
    pipeline.transform.fit([waves])
    features = pipeline.transform(waves)
    pipeline.model.fit([features])
    return features, torch.tensor([0, 1, 0, 1])


def training_step(model, features, genre, generator):
    step = TrainingStep(model.optimizers(), lambda loss: loss.backward(), model.loss, generator)
    return lambda: model.training_step(features, genre, step)


def test_training_reaches_every_parameter(pipeline, batch):
    model = pipeline.model.train()
    once, unreached = training_step(model, *batch, seeded()), dict(model.named_parameters())
    for _ in range(55):  # what starts at zero hides what stands behind it, and a second stage has parameters of its own
        once()
        unreached = {name: p for name, p in unreached.items() if p.grad is None or not p.grad.abs().sum() > 0}
        if not unreached:
            break
    assert not unreached


def test_encoding_and_decoding_have_the_shapes_of_the_contract(pipeline, batch):
    features, genre = batch
    posterior = pipeline.model.encode(features, genre)
    assert posterior.mean.shape == posterior.log_variance.shape == (4, pipeline.model.latent_dim)
    assert pipeline.model.decode(posterior.mean, genre).shape == features.shape


@pytest.mark.parametrize("name", sorted(SIZES))
@pytest.mark.parametrize("samples", [1, 130, 1000, 3001, 5000])
def test_clips_of_any_length_come_back_with_as_many_frames(name, samples):
    pipeline = build(name, samples)
    features = pipeline.transform(torch.zeros(2, samples))
    genre = torch.zeros(2, dtype=torch.int64)
    assert pipeline.model.eval().decode(pipeline.model.encode(features, genre).mean, genre).shape == features.shape


def test_drawing_follows_the_generator_and_leaves_the_global_one_alone(pipeline, batch):
    before = torch.get_rng_state()
    pipeline.model.eval()
    losses = [pipeline.model.loss(*batch, generator=seeded(seed))["loss"].item() for seed in (1, 1, 2)]
    z = torch.randn(4, pipeline.model.latent_dim, generator=seeded())
    decoded = [pipeline.model.decode(z, batch[1], generator=seeded(seed)) for seed in (1, 1, 2)]
    assert losses[0] == losses[1]
    assert torch.equal(decoded[0], decoded[1])
    assert losses[0] != losses[2] or not torch.equal(decoded[0], decoded[2])
    assert torch.equal(torch.get_rng_state(), before)


def test_a_batch_can_be_learnt(pipeline, batch):
    model = pipeline.model
    once = training_step(model, *batch, seeded())

    def missed() -> float:
        parts = model.train() and once()
        if "squared_error" not in parts:  # some find it when validating alone
            parts = model.eval().loss(*batch, generator=seeded())
        return parts["squared_error"].item()

    first = missed()
    assert any(missed() < 0.5 * first for _ in range(60))


def test_a_model_in_inference_treats_each_clip_alone(pipeline, batch):
    features, genre = batch
    model = pipeline.model.eval()
    whole, alone = model.encode(features, genre).mean, model.encode(features[2:3], genre[2:3]).mean
    torch.testing.assert_close(whole[2:3], alone, rtol=1e-4, atol=1e-5)


def test_the_genre_changes_what_conv_vae_decodes():
    model = build("conv-vae").model.eval()
    z = torch.randn(1, 6, generator=seeded())
    one, other = (model.decode(z, torch.tensor([g])) for g in (0, 1))
    assert (one - other).abs().max() > 1e-3


def test_conv_vae_draws_with_a_generator_and_gives_the_mean_without():
    model = build("conv-vae").model.eval()
    z, genre = torch.randn(1, 6, generator=seeded()), torch.tensor([0])
    with torch.no_grad():
        mean, log_scale = model.likelihood(z, genre)
    draws = torch.cat([model.decode(z, genre, generator=seeded(seed)) for seed in range(300)])
    assert torch.equal(model.decode(z, genre), mean)
    inner = slice(2, -2)  # at 0 Hz and at the highest frequency noise has a real spectrum, whose spread is wider
    torch.testing.assert_close(draws.mean(0)[inner], mean[0][inner], atol=0.35, rtol=0)
    spread = draws.std(0)[inner] / log_scale.exp()[0][inner]
    assert abs(spread.mean().item() - 1) < 0.02


def test_reference_vae_has_the_layers_of_the_original():
    model = build("reference-vae", 64 * 256).model
    convolutions = [m for m in model.encoder if isinstance(m, torch.nn.Conv2d)]
    assert [c.out_channels for c in convolutions] == [512, 256, 128, 64, 32]
    assert [c.kernel_size for c in convolutions] == [(3, 3)] * 5
    assert [c.stride for c in convolutions] == [(2, 2)] * 4 + [(2, 1)]
    up = [m for m in model.decoder if isinstance(m, torch.nn.ConvTranspose2d)]
    assert [c.out_channels for c in up] == [32, 64, 128, 256, 1]
    assert [c.stride for c in up] == [(2, 1)] + [(2, 2)] * 4
    assert model.bottleneck == (32, 8, 5)  # 65 frames, padded to 80


def test_reference_vae_refuses_a_spectrogram_of_another_size():
    values = {"transform": {"n_fft": 1024}}
    config = PipelineConfig.assemble(
        installed(),
        sample_rate=8000,
        clip_samples=3000,
        genres=GENRES,
        plugins={"model": "reference-vae"},
        values=values,
    )
    with pytest.raises(SpecMismatch, match="bins"):
        Pipeline.build(config, installed())


def test_the_second_stage_of_vae_gan_leaves_the_encoder_alone_and_moves_decoder_and_discriminator():
    model = build("vae-gan").model.train()
    features, genre = torch.randn(4, 129, 24, generator=seeded()), torch.tensor([0, 1, 0, 1])
    once = training_step(model, features, genre, seeded())
    while not model.adversarial:
        once()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    once()
    parts = once()
    moved = {name.partition(".")[0] for name, p in model.named_parameters() if not torch.equal(p, before[name])}
    assert {"decoder", "discriminator"} <= moved
    assert not {"encoder", "posterior"} & moved
    assert {"verdict", "matching", "discriminator"} <= parts.keys()


def test_vq_vae_decodes_what_lies_nearest_in_its_codebooks():
    model = build("vq-vae").model.eval()
    z, genre = torch.randn(2, model.latent_dim, generator=seeded()), torch.tensor([0, 1])
    groups, places = model.options.groups, model.places
    grouped = z.reshape(2, places, groups, 3)
    nearest = torch.empty_like(grouped)
    for clip in range(2):
        for place in range(places):
            for group in range(groups):
                apart = (model.codes[group] - grouped[clip, place, group]).square().sum(1)
                nearest[clip, place, group] = model.codes[group, apart.argmin()]
    torch.testing.assert_close(model.decode(z, genre), model.decode(nearest.reshape(2, -1), genre))


def test_vq_vae_brings_idle_codes_to_where_encodings_are():
    model = build("vq-vae").model.train()
    with torch.no_grad():
        model.codes += 100.0
        model.sums += 100.0
    features, genre = torch.randn(4, 129, 24, generator=seeded()), torch.tensor([0, 1, 0, 1])
    with torch.no_grad():
        z = model.encode(features, genre).mean
    for _ in range(600):
        model._move_codes(z, model._looked_up(z)[1], seeded())
    assert model.codes.abs().max() < 50


def test_flow_vae_codes_come_back_as_the_best_linear_approximation():
    from sklearn.decomposition import PCA

    from genvae_plugins.models.patches import Patches

    features = torch.randn(200, 5, 7, generator=seeded()).cumsum(1)
    patches = Patches(bins=5, frames=7, size=3, components=6)
    patches.fit(features.split(50))
    cut = patches.cut(features)
    torch.testing.assert_close(patches.join(cut), features)
    flat = cut.flatten(0, 1).numpy()
    pca = PCA(6, svd_solver="full").fit(flat)
    expected = torch.from_numpy(pca.inverse_transform(pca.transform(flat))).view(cut.shape)
    torch.testing.assert_close(
        patches.cut(patches.decode(patches.encode(features))), patches.cut(patches.join(expected)), rtol=1e-3, atol=1e-4
    )
    assert abs(patches.encode(features).square().mean().item() - 1) < 0.05


def test_flow_matching_walks_noise_to_a_known_gaussian():
    from genvae_plugins.flow_matching import integrate_velocity

    mean, spread = 3.0, 0.5

    def velocity(x, time):  # of the straight path between N(0, 1) and N(mean, spread^2), in closed form
        t = time[:, None]
        variance = (1 - t) ** 2 + (t * spread) ** 2
        return mean + (t * spread**2 - (1 - t)) / variance * (x - t * mean)

    drawn = integrate_velocity(velocity, torch.randn(20000, 1, generator=seeded()), 30)
    assert abs(drawn.mean().item() - mean) < 0.02
    assert abs(drawn.std().item() - spread) < 0.02


def test_flow_vae_codes_keep_more_of_the_bins_that_weigh_more():
    from genvae_plugins.models.patches import Patches

    features = torch.randn(300, 6, 8, generator=seeded())
    weight = torch.tensor([3.0, 3.0, 1.0, 1.0, 1.0, 1.0])
    patches = Patches(bins=6, frames=8, size=2, components=4)
    patches.fit([features], weight)
    missed = (patches.decode(patches.encode(features)) - features).square().mean((0, 2))
    assert missed[:2].max() < 0.1 < missed[2:].min()
    whole = Patches(bins=6, frames=8, size=2, components=12)
    whole.fit([features], weight)
    torch.testing.assert_close(whole.decode(whole.encode(features)), features, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(whole.encode(features).flatten(0, 1).std(0), whole.deviation, rtol=1e-2, atol=0)


def test_a_preconditioned_flow_that_knows_nothing_gives_independent_gaussians():
    from genvae_plugins.flow_matching import Preconditioner, integrate_velocity

    deviation = torch.tensor([0.2, 1.0, 4.0])
    noise = torch.randn(20000, 1, 3, generator=seeded())
    drawn = integrate_velocity(lambda x, time: Preconditioner(deviation, time).velocity(x, torch.zeros(())), noise, 40)
    torch.testing.assert_close(drawn.std((0, 1)), deviation, rtol=0.03, atol=0)


def test_the_detail_learns_to_draw_noise_where_there_is_noise_and_none_on_a_steady_tone():
    from genvae.spec import FeatureSpec
    from genvae_plugins.models.detail import Detail
    from genvae_plugins.models.patches import Patches
    from genvae_plugins.models.texture import Texture

    spec = FeatureSpec(kind="magnitude", bins=33, sample_rate=8000, n_fft=64, hop=16, window="hann", scale="log")
    texture, generator = Texture(spec, 1.0), seeded()
    features = texture.noise(torch.Size((64, 33, 24)), generator)
    steady = torch.randn(64, 16, 1, generator=generator)  # unlike in each clip, but the same in all frames
    features[:, :16] = steady
    patches = Patches(bins=33, frames=24, size=4, components=2)
    patches.fit([features])
    with torch.random.fork_rng():
        torch.manual_seed(0)
        detail = Detail(patches, spec, width=16, amount=1.0)
    optimizer = torch.optim.Adam(detail.parameters(), lr=0.02)
    codes = patches.encode(features)
    for _ in range(200):
        optimizer.zero_grad()
        sum(detail.loss(features, codes, patches)).backward()
        optimizer.step()
    with torch.no_grad():
        _, log_error, log_noise = detail(codes, patches)
    assert log_error[:, :16].exp().mean() > 0.3  # which a Gaussian's spread would have filled with noise
    assert log_noise[:, :16].exp().mean() < 0.1
    assert 0.8 < log_noise[:, 16:].exp().mean() < 1.1


def test_the_kl_weight_brings_the_latent_to_as_many_nats_as_were_asked_for():
    model = build("flow-vae").model.train()
    before = float(model.beta)
    model._move_beta(torch.tensor(3.0 * model.options.nats))
    raised = float(model.beta)
    model._move_beta(torch.tensor(0.5 * model.options.nats))
    assert before < raised
    assert before <= float(model.beta) < raised
