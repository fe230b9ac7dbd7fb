"""A folder of one's own pictures: what is read, how, and the variants."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from genvae_designs import BottleOptions, PictureOptions
from genvae_designs.bottles import SIZE, draw, random_factors
from genvae_designs.datasets import Bottles, Pictures, variants
from genvae_designs.items import Pictures as PictureKind
from PIL import Image

from genvae.errors import GenvaeError, ItemError


def disc(side: int = 200, radius: int = 60) -> Image.Image:
    """A black disc in the middle of white."""
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    return Image.fromarray(np.where(np.hypot(rows, columns) < radius, 0, 255).astype(np.uint8))


def greys(recording) -> np.ndarray:  # type: ignore[no-untyped-def]
    items = list(recording.open())
    assert [PictureKind().check(each) for each in items] == [None] * len(items)
    return np.stack(items)


def test_bottles_come_as_they_are_drawn() -> None:
    recordings = list(Bottles(BottleOptions(count=70, seed=5), Path("any")).recordings())
    assert [len(greys(each)) for each in recordings] == [64, 6]
    np.testing.assert_allclose(greys(recordings[1]), draw(random_factors(70, 5))[64:], atol=1e-6)


def test_folders_are_genres_and_pictures_beside_them_are_designs(tmp_path: Path) -> None:
    (tmp_path / "chairs").mkdir()
    disc().save(tmp_path / "chairs" / "a.png")
    disc().save(tmp_path / "b.JPG")
    (tmp_path / "notes.txt").write_text("no picture")
    found = list(Pictures(PictureOptions(), tmp_path).recordings())
    assert [(each.id, each.genre) for each in found] == [("b.JPG", "design"), ("chairs/a.png", "chairs")]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.gif", "a.bmp", "a.tiff"])
def test_any_format_and_size_becomes_the_same_square(tmp_path: Path, name: str) -> None:
    disc(300, 90).resize((600, 600)).save(tmp_path / name)
    made = variants(tmp_path / name, PictureOptions(augment=0))
    assert made.shape == (1, SIZE, SIZE)
    assert (1 - made).mean() == pytest.approx(np.pi * 0.3**2, abs=0.01)


def test_what_is_not_square_is_whole_with_white_margins_and_what_is_transparent_is_white(tmp_path: Path) -> None:
    Image.new("RGB", (100, 50), "black").save(tmp_path / "wide.png")
    wide = variants(tmp_path / "wide.png", PictureOptions(augment=0))[0]
    assert wide[:30].min() == 1
    assert wide[40:88].max() == 0
    Image.new("RGBA", (50, 50), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert variants(tmp_path / "clear.png", PictureOptions(augment=0)).min() == 1


def test_a_photograph_that_lies_on_its_side_is_turned_up(tmp_path: Path) -> None:
    half = Image.new("L", (100, 100), "white")
    half.paste(0, (0, 0, 100, 30))  # black above
    exif = Image.Exif()
    exif[274] = 3  # upside down
    half.save(tmp_path / "a.jpg", exif=exif)
    picture = variants(tmp_path / "a.jpg", PictureOptions(augment=0))[0]
    assert picture[-20:].mean() < 0.1
    assert picture[:20].mean() > 0.9


def test_variants_zoom_as_far_as_asked_and_repeat_with_their_seed(tmp_path: Path) -> None:
    disc().save(tmp_path / "a.png")
    options = PictureOptions(augment=200, zoom_from=0.7, zoom_to=1.3, shift=0.0)
    made = variants(tmp_path / "a.png", options)
    zooms = np.sqrt((1 - made).sum(axis=(1, 2)) / (1 - made[0]).sum())
    assert zooms[0] == 1
    assert 0.68 < zooms.min() < 0.73
    assert 1.25 < zooms.max() < 1.32
    assert np.array_equal(made, variants(tmp_path / "a.png", options))


def test_variants_shift_and_mirror(tmp_path: Path) -> None:
    left = Image.new("L", (128, 128), "white")
    left.paste(0, (20, 54, 40, 74))
    left.save(tmp_path / "a.png")
    made = 1 - variants(tmp_path / "a.png", PictureOptions(augment=100, zoom_from=1, zoom_to=1, shift=0.1))
    across = (made.sum(axis=1) @ np.arange(SIZE)) / made.sum(axis=(1, 2))
    assert across.min() == pytest.approx(30 - 12.8, abs=2.5)
    assert across.max() == pytest.approx(98 + 12.8, abs=2.5)
    assert 30 <= (across > 64).sum() <= 70
    plain = variants(tmp_path / "a.png", PictureOptions(augment=20, zoom_from=1, zoom_to=1, shift=0, mirror=False))
    np.testing.assert_allclose(plain, np.broadcast_to(plain[0], plain.shape), atol=1 / 255)


def test_a_file_that_is_no_picture_is_refused_alone_and_a_folder_without_any_as_a_whole(tmp_path: Path) -> None:
    with pytest.raises(GenvaeError, match="no picture"):
        list(Pictures(PictureOptions(), tmp_path).recordings())
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    [recording] = Pictures(PictureOptions(), tmp_path).recordings()
    with pytest.raises(ItemError, match=r"broken.png can't be read as a picture"):
        recording.open()
    with pytest.raises(GenvaeError, match="no folder"):
        list(Pictures(PictureOptions(), tmp_path / "none").recordings())


@pytest.mark.parametrize("wrong", [{"augment": -1}, {"zoom_from": 1.4}, {"shift": 0.6}])
def test_options_out_of_range_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        PictureOptions(**wrong)  # type: ignore[arg-type]
