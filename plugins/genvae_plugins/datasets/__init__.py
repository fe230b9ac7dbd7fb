"""The datasets that come with genvae: what they are called and what can be set, without the code that reads sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import genvae
from genvae.audio.programs import ffmpeg_missing


@dataclass(frozen=True, kw_only=True)
class SyntheticOptions:
    """What the synthetic dataset makes."""

    recordings: Annotated[int, genvae.Option("of each genre", least=0)] = 4
    seconds: Annotated[float, genvae.Option("length of each", above=0)] = 60.0
    seed: Annotated[int, genvae.Option("another one gives other music", least=0)] = 0
    sample_rate: Annotated[int, genvae.Option("in Hz", least=4000, most=384000)] = 22050
    genres: Annotated[
        tuple[str, ...],
        genvae.Option(
            "that it makes, of the three that there are",
        ),
    ] = ("techno", "rock", "piano")


@dataclass(frozen=True, kw_only=True)
class WebDatasetOptions:
    """Where a sample says its genre."""

    genre: Annotated[str, genvae.Option("field of a sample's JSON that names its genre; a dot leads deeper")] = "genre"


@dataclass(frozen=True, kw_only=True)
class LhotseSharOptions:
    """Where a cut has its audio and says its genre."""

    audio: Annotated[str, genvae.Option("field of the cuts whose audio is meant, and name of its tar files")] = (
        "recording"
    )
    genre: Annotated[
        str,
        genvae.Option(
            "field of a cut, of its custom, or of the first supervision that has it, that names the genre; a dot leads"
            " deeper"
        ),
    ] = "genre"


@genvae.hookimpl
def genvae_datasets() -> Iterator[genvae.DatasetPlugin]:
    """Declare the datasets."""
    yield genvae.DatasetPlugin(
        name="folder",
        summary="ROOT/GENRE/**: wav, flac, ogg, opus, mp3 and aiff files, through libsndfile.",
        factory="genvae_plugins.datasets.folder:Folder",
    )
    yield genvae.DatasetPlugin(
        name="manifest",
        summary="A CSV or JSON Lines file: path, genre, and optionally split, licence, start, end.",
        factory="genvae_plugins.datasets.manifest:Manifest",
    )
    yield genvae.DatasetPlugin(
        name="pydub",
        summary="ROOT/GENRE/**: also m4a, aac, wma and the sound of videos, through pydub and ffmpeg.",
        factory="genvae_plugins.datasets.through_pydub:ThroughPydub",
        unavailable=ffmpeg_missing,
    )
    yield genvae.DatasetPlugin(
        name="synthetic",
        summary="Invented music in three genres, to try everything without any recordings.",
        factory="genvae_plugins.datasets.synthetic:Synthetic",
        options=SyntheticOptions,
    )
    yield genvae.DatasetPlugin(
        name="webdataset",
        summary="A folder of WebDataset's tar files, or one: sound files with a JSON file each, which says the genre.",
        factory="genvae_plugins.datasets.webdataset:WebDataset",
        options=WebDatasetOptions,
    )
    yield genvae.DatasetPlugin(
        name="lhotse-shar",
        summary="A folder of Lhotse Shar: cuts.*.jsonl.gz, with their audio in recording.*.tar beside it.",
        factory="genvae_plugins.datasets.lhotse_shar:LhotseShar",
        options=LhotseSharOptions,
    )
