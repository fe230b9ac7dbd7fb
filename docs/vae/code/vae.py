"""A variational autoencoder in sixty lines: pictures in, a few numbers in between, pictures out."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class VAE(nn.Module):
    """Pictures [B, pixels] in 0..1, latents [B, latents]; all pictures [N, pixels] are asked for their mean alone."""

    def __init__(self, pictures, latents=2, beta=1.0, likelihood="bernoulli", free_nats=0.0, width=256):
        super().__init__()
        self.beta, self.likelihood, self.free_nats = beta, likelihood, free_nats
        pixels = pictures.shape[1]
        self.register_buffer("mean", pictures.mean(dim=0))
        self.encoder = nn.Sequential(
            nn.Linear(pixels, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2 * latents)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latents, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, pixels)
        )
        with torch.no_grad():  # begin with the mean picture, rather than to spend a hundred steps on learning it
            self.decoder[-1].bias.copy_(torch.logit(self.mean.clamp(0.01, 0.99)))
        self.log_sigma = nn.Parameter(torch.tensor(-2.0))  # of the Gaussian likelihood

    def encode(self, x):
        """The posterior q(z | x): its mean and log variance, [B, latents] each."""
        mean, log_variance = self.encoder(4 * (x - self.mean)).chunk(2, dim=1)
        return mean, log_variance.clamp(-12, 4)

    def decode(self, z):
        """The mean of the likelihood p(x | z), [B, pixels]."""
        return torch.sigmoid(self.decoder(z))

    def distortion(self, x, z):
        """-log p(x | z) in nats, summed over the pixels, [B]."""
        if self.likelihood == "bernoulli":
            return F.binary_cross_entropy_with_logits(self.decoder(z), x, reduction="none").sum(dim=1)
        error = (x - self.decode(z)) / self.log_sigma.exp()
        return (0.5 * error.square() + self.log_sigma + 0.5 * math.log(2 * math.pi)).sum(dim=1)

    def loss(self, x):
        """What is minimised; the distortion and the rate (the KL divergence) of each latent, in nats a picture."""
        mean, log_variance = self.encode(x)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)  # the reparameterisation
        distortion = self.distortion(x, z).mean()
        rates = 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).mean(dim=0)  # [latents]
        return distortion + self.beta * rates.clamp(min=self.free_nats).sum(), distortion, rates


def train(model, pictures, steps=1000, batch=32, learning_rate=2e-3):
    """Adam on random batches; the learning rate rises, then falls to nothing."""
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    for _ in range(steps):
        loss, *_ = model.loss(pictures[torch.randint(len(pictures), (batch,))])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model
