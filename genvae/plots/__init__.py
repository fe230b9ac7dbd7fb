"""Pictures of sounds, of a run's latent space and of its training, as matplotlib figures."""
