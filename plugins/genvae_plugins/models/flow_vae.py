"""`flow-vae`: a VAE whose latent is a clip's address, and whose decoder draws the detail by flow matching."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genvae.attributes import Attribute
from genvae.interfaces.model import Model, Posterior
from genvae.losses import gaussian_nll
from genvae.spec import FeatureSpec
from genvae_plugins.flow_matching import Preconditioner, flow_matching_loss, integrate_velocity, time_features
from genvae_plugins.jury import Jury, adversarial_losses
from genvae_plugins.models import FlowVAEOptions
from genvae_plugins.models.attribute_embedding import AttributeEmbedding, with_attributes
from genvae_plugins.models.detail import Detail
from genvae_plugins.models.linear import Linear
from genvae_plugins.models.painter import Painter
from genvae_plugins.models.patches import Patches
from genvae_plugins.models.transformer import Transformer

NECK = 16  # numbers a patch before the posterior and after the latent
MEASURED_BATCHES = 120  # that the patches are measured on
BLUR = 0.1  # noise on the codes that the detail is learnt from, as drawn codes are not exact either
DETAIL_SHARE = 4  # one clip in so many teaches the detail, which has a sample in each of its patches
PAINTER_RATE, PAINTER_BETAS = 0.4, (0.5, 0.99)  # of the learning rate, and AdamW's for painter and jury
UNCONDITIONAL = 0.1  # share of clips whose latent the flow is not told, for guidance
MOST_LATENT_NOISE = 0.6  # standard deviation of the noise on the latents that the flow is told in training, at most
LOG_SPREAD_RANGE = (-5.0, 2.0)  # of the likelihood
LOG_VARIANCE_RANGE = (-12.0, 4.0)  # of the posterior
BETA_RANGE, BETA_RATE = (0.01, 100.0), 0.005  # of the KL weight: bounds, and how quickly it changes in a step
EAR_HZ = 700.0  # above which an error counts less and less, as the ear's resolution widens


class Told(NamedTuple):
    """What a decoder is told beside the latent.

    Attributes:
        genre: [B].
        attributes: what else is known, [B, attribute_dim], or None.
    """

    genre: Tensor
    attributes: Tensor | None


class FlowVAE(Model):
    """Three networks that are trained together, each on its own part of the loss, and perhaps a fourth.

    A spectrogram is a short sequence of codes (see `Patches`). The VAE encodes the sequence into `latent_dim` numbers
    and decodes its mean, which is blurred, as the means of all VAEs are. The flow draws a sequence given that mean, the
    latent and the genre: of the many clips that a latent may stand for, one. The detail network gives each patch's
    spectrogram from the codes around it, and how much of it is noise (see `Detail`). A painter may go over
    both, against a jury of discriminators (see `Painter`).

    The flow's loss does not reach the VAE: a latent that helps to draw the detail would be one that no prior can draw.
    The flow is told latents with noise, and how much of it, so that it expects no more of a drawn latent than that
    holds (Ho et al., Cascaded Diffusion Models, 2022, section 4: conditioning augmentation).
    """

    beta: Tensor

    def __init__(
        self,
        options: FlowVAEOptions,
        *,
        spec: FeatureSpec,
        frames: int,
        genres: Sequence[str],
        attributes: Sequence[Attribute] = (),
    ) -> None:
        super().__init__(options, spec=spec, frames=frames, genres=genres)
        self.options, self.spec = options, spec
        self.latent_dim = options.latent_dim
        self.max_gradient_norm = 1.0
        self.patches = Patches(bins=spec.bins, frames=frames, size=options.patch, components=options.components)
        length, codes, width = self.patches.length, self.patches.components, options.width
        side = max(options.width // 2, 8)  # the VAE is but a help to the flow, which is what one hears

        self.genre_encoder = nn.Embedding(len(genres), side)
        self.encoder = Transformer(inputs=codes, outputs=NECK, length=length, width=side, depth=options.vae_depth)
        self.posterior = Linear(NECK * length, 2 * self.latent_dim)

        self.genre_decoder = nn.Embedding(len(genres), side)
        self.address = Linear(self.latent_dim, side)
        self.expand = Linear(self.latent_dim, NECK * length)
        self.decoder = Transformer(inputs=NECK, outputs=codes, length=length, width=side, depth=options.vae_depth)
        self.log_spread = nn.Parameter(torch.zeros(codes))  # of what the mean leaves over, in deviations of the code
        self.register_buffer("beta", torch.tensor(BETA_RANGE[0]))  # the KL weight

        self.genre_flow = nn.Embedding(len(genres), width)
        self.latent_flow = Linear(self.latent_dim, width)
        self.noise_flow = Linear(width, width, bias=False)
        self.time_flow = Linear(width, width)
        self.unknown = nn.Parameter(torch.zeros(width))  # in place of a latent
        self.flow = Transformer(inputs=2 * codes, outputs=codes, length=length, width=width, depth=options.depth)
        self.detail = Detail(self.patches, spec, width=width, amount=options.texture)
        self.painter: Painter | None = None
        self.jury: Jury | None = None
        if options.painted:
            self.painter = Painter(self.patches, width=options.painter_width, blocks=options.painter_depth)
            self.jury = Jury(spec.bins, len(genres))
        self.attributes_encoder = AttributeEmbedding(attributes, side) if attributes else None
        self.attributes_decoder = AttributeEmbedding(attributes, side) if attributes else None
        self.attributes_flow = AttributeEmbedding(attributes, width) if attributes else None

    def fit(self, features: Iterable[Tensor]) -> None:
        """Measure the patches on some batches."""
        self.patches.fit(islice(features, MEASURED_BATCHES), self.bin_weights())

    def bin_weights(self) -> Tensor | None:
        """What an error of a code counts in each bin, [bins]; None where all count alike."""
        if self.spec.kind != "magnitude":
            return None
        hertz = torch.linspace(0.0, self.spec.sample_rate / 2, self.spec.bins)
        return (1.0 + hertz / EAR_HZ).rsqrt()

    def encode(self, features: Tensor, genre: Tensor) -> Posterior:
        """Features [B, bins, frames] -> the posterior over their latents."""
        return self._posterior(self.patches.encode(features), Told(genre, None))

    def decode(
        self,
        z: Tensor,
        genre: Tensor,
        *,
        generator: torch.Generator | None = None,
        attributes: Tensor | None = None,
    ) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames]: drawn with a generator, the blurred mean without."""
        told = Told(genre, attributes)
        mean = self._mean(z, told)
        if generator is None:
            return self.detail.draw(mean, self.patches, None)
        noise = torch.randn(mean.shape, generator=generator, device=mean.device, dtype=mean.dtype)
        return self._features(self._draw_codes(noise, mean, z, told), generator)

    def decode_each(
        self,
        z: Tensor,
        genre: Tensor,
        *,
        generators: Sequence[torch.Generator],
        attributes: Tensor | None = None,
    ) -> Tensor:
        """Latents [B, latent_dim] -> features [B, bins, frames], each drawn with its own generator, as if alone."""
        told = Told(genre, attributes)
        mean = self._mean(z, told)
        shape, device = mean[:1].shape, mean.device
        noise = torch.cat([torch.randn(shape, generator=own, device=device, dtype=mean.dtype) for own in generators])
        codes = torch.split(self._draw_codes(noise, mean, z, told), 1)
        pairs = zip(codes, generators, strict=True)
        return torch.cat([self._features(code, own) for code, own in pairs])

    def stages(self, features: Tensor, genre: Tensor, *, generator: torch.Generator) -> dict[str, Tensor]:
        """What is left by the codes, by the detail's mean from them, by that with its noise, and by a painter."""
        codes = self.patches.encode(features)
        stages = {
            "codes": self.patches.decode(codes),
            "codes and detail": self.detail.draw(codes, self.patches, None),
            "codes, detail and texture": self.detail.draw(codes, self.patches, generator),
        }
        return stages | ({"codes, detail and painter": self._features(codes, generator)} if self.painter else {})

    def loss(
        self, features: Tensor, genre: Tensor, *, generator: torch.Generator, attributes: Tensor | None = None
    ) -> dict[str, Tensor]:
        """The VAE's negative evidence lower bound, the flow's loss, and the detail's and its noise's likelihoods.

        Each is an average over values, the bound over those of the code. Beside them, when training, the losses of
        painter and jury if there are any; when not, `squared_error`, which is the VAE's, in features. Where nothing
        but painter and jury learns, training takes their losses alone, of all clips.
        """
        codes = self.patches.encode(features)
        if self.training and self.adversarial:
            painting = self._painting(features, codes, genre, generator)
            return {"loss": torch.stack(list(painting.values())).sum(), **painting}
        # Told what the decoders are told, it learns to leave that out of the latent: only then do they heed it.
        told = Told(genre, attributes)
        posterior = self._posterior(codes, told)
        z = posterior.sample(generator)
        mean = self._mean(z, told)
        deviation = self.patches.deviation
        log_spread = self.log_spread.clamp(*LOG_SPREAD_RANGE) + deviation.log()
        nll = gaussian_nll(codes, mean, log_spread).mean()
        kl = posterior.kl().sum(dim=1).mean()
        kl_term = self.beta.clone() * kl / codes[0].numel()  # a copy, as the weight changes before the gradient
        if self.training:
            self._move_beta(kl.detach())

        amount = MOST_LATENT_NOISE * torch.rand(len(z), generator=generator, device=z.device)
        latent = z.detach() + amount[:, None] * torch.randn(z.shape, generator=generator, device=z.device)
        with torch.no_grad():
            noisy_mean = self._mean(latent, told)
        conditional = torch.rand(len(z), 1, generator=generator, device=z.device) >= UNCONDITIONAL
        flow = flow_matching_loss(
            lambda x, time: self._velocity(x, time, noisy_mean, latent, amount, told, conditional),
            codes,
            generator=generator,
        ).mean()

        few = torch.randperm(len(codes), generator=generator, device=codes.device)
        if self.training:
            few = few[: -(-len(codes) // DETAIL_SHARE)]
        blur = BLUR * deviation * torch.randn(codes[few].shape, generator=generator, device=codes.device)
        detail, noise = self.detail.loss(features[few], codes[few] + blur, self.patches)
        parts = {
            "loss": nll + kl_term + flow + detail + noise,
            "nll": nll,
            "kl": kl,
            "beta": self.beta.clone(),
            "flow": flow,
            "detail": detail,
            "noise": noise,
        }
        if not self.training:  # a twentieth of a step
            parts["squared_error"] = F.mse_loss(self.patches.decode(mean), features)
        elif self._learning() & {"painter", "jury"}:
            some = slice(math.ceil(self.options.painted * len(codes)))
            painting = self._painting(features[some], codes[some], genre[some], generator)
            parts |= {**painting, "loss": parts["loss"] + torch.stack(list(painting.values())).sum()}
        return parts

    def optimizers(self) -> list[torch.optim.Optimizer]:
        """One AdamW, which forgets sooner where a discriminator moves the aim."""
        networks = [network for network in (self.painter, self.jury) if network is not None]
        adversarial = [parameter for network in networks for parameter in network.parameters()]
        named = {id(parameter) for parameter in adversarial}
        others = [parameter for parameter in self.parameters() if id(parameter) not in named]
        rate = self.options.learning_rate
        groups = [
            {"params": others, "lr": rate, "betas": (0.9, 0.99)},
            *([{"params": adversarial, "lr": PAINTER_RATE * rate, "betas": PAINTER_BETAS}] if adversarial else []),
        ]
        return [torch.optim.AdamW(groups, fused=True)]

    @property
    def adversarial(self) -> bool:
        """Whether nothing but painter and jury learns: no validation hears them."""
        return self.painter is not None and self._learning() <= {"painter", "jury"}

    @torch.no_grad()
    def _move_beta(self, kl: Tensor) -> None:
        """Raise the KL weight where a latent tells more than `nats`, and lower it where it tells less.

        Shao et al., ControlVAE, 2020, section 3; the integral term alone, on the weight's logarithm.
        """
        excess = (kl / self.options.nats - 1.0).clamp(-1.0, 1.0)
        self.beta.mul_((BETA_RATE * excess).exp()).clamp_(*BETA_RANGE)

    def _features(self, codes: Tensor, generator: torch.Generator) -> Tensor:
        """Codes [B, length, components] -> features [B, bins, frames], drawn."""
        if self.painter is None:
            return self.detail.draw(codes, self.patches, generator)
        drawn: Tensor = self.painter(codes, self.detail, self.patches, generator)
        return drawn

    def _learning(self) -> set[str]:
        """The names of the networks and weights that are being trained, all but those that `train.only` leaves out."""
        return {name.partition(".")[0] for name, weight in self.named_parameters() if weight.requires_grad}

    def _painting(
        self, features: Tensor, codes: Tensor, genre: Tensor, generator: torch.Generator
    ) -> dict[str, Tensor]:
        """The losses of painter and jury for features [B, bins, frames] and their codes."""
        assert self.painter is not None
        assert self.jury is not None
        noise = torch.randn(codes.shape, generator=generator, device=codes.device)
        drawn = self.painter(codes + BLUR * self.patches.deviation * noise, self.detail, self.patches, generator)
        painting, jury = adversarial_losses(self.jury, features, drawn, genre)
        return {**painting, "jury": jury}

    def _posterior(self, codes: Tensor, told: Told) -> Posterior:
        known = with_attributes(self.genre_encoder(told.genre), self.attributes_encoder, told.attributes)
        hidden = self.encoder(codes, known).flatten(1)  # [B, NECK * length]
        mean, log_variance = self.posterior(hidden).float().chunk(2, dim=1)
        return Posterior(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))

    def _mean(self, z: Tensor, told: Told) -> Tensor:
        """Latents -> the mean of the codes that they stand for, [B, length, components]."""
        start = self.expand(z).unflatten(1, (self.patches.length, NECK))
        known = with_attributes(self.genre_decoder(told.genre), self.attributes_decoder, told.attributes)
        out: Tensor = self.decoder(start, known + self.address(z)).float()
        return self.patches.deviation * out

    def _velocity(
        self, x: Tensor, time: Tensor, mean: Tensor, z: Tensor, amount: Tensor, told: Told, conditional: Tensor
    ) -> Tensor:
        """The flow at codes x and times [B], told latents with noise of the amounts [B].

        Where `conditional` [B, 1] is false, it is told neither mean nor latent.
        """
        width = self.options.width
        address = self.latent_flow(z) + self.noise_flow(time_features(amount, width))
        known = with_attributes(self.genre_flow(told.genre), self.attributes_flow, told.attributes)
        condition = known + self.time_flow(time_features(time, width))
        condition = condition + torch.where(conditional, address, self.unknown)
        if not self.options.preconditioned:
            out: Tensor = self.flow(torch.cat([x, mean * conditional[..., None]], dim=2), condition).float()
            return out
        scaled = Preconditioner(self.patches.deviation, time)
        inputs = torch.cat([scaled.input(x), mean / self.patches.deviation * conditional[..., None]], dim=2)
        return scaled.velocity(x, self.flow(inputs, condition).float())  # [B, length, components]

    def _draw_codes(self, noise: Tensor, mean: Tensor, z: Tensor, told: Told) -> Tensor:
        """Codes [B, length, components] that noise of that shape becomes on the flow."""
        return integrate_velocity(lambda x, time: self._guided(x, time, mean, z, told), noise, self.options.flow_steps)

    def _guided(self, x: Tensor, time: Tensor, mean: Tensor, z: Tensor, told: Told) -> Tensor:
        """The velocity, away from what it is without the latent: Ho & Salimans, Classifier-Free Guidance, 2022."""
        conditional = torch.ones(len(z), 1, dtype=torch.bool, device=z.device)
        amount = torch.full((len(z),), self.options.latent_noise, device=z.device)
        with_latent = self._velocity(x, time, mean, z, amount, told, conditional)
        if self.options.guidance == 1:
            return with_latent
        without = self._velocity(x, time, mean, z, amount, told, ~conditional)
        return without + self.options.guidance * (with_latent - without)
