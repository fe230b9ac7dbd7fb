"""Synthesis: from a trained run to sounds, each with what made it.

synthesizer    a run that makes clips, longer sounds and reconstructions
renderer       one latent or a path of them through prior, model, transform and vocoder
latent_path    smooth paths through latents
crossfade      joins the spectrograms of clips into a longer one
vocode         magnitudes to a waveform, without a run
provenance     what made a clip, as it stands inside the file
"""
