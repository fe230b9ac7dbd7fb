"""The latent space of a run: the map of its training clips, and paths through it."""

from genvae.latents.map import METHODS, NEIGHBOURS, LatentMap, directions, map_methods
from genvae.synthesis.latent_path import slerp

__all__ = ["METHODS", "NEIGHBOURS", "LatentMap", "directions", "map_methods", "slerp"]
