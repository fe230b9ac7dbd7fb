"""A file of latents may come from anywhere: it is read, or refused in a sentence, and runs no code."""

from __future__ import annotations

import io
import struct
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from genvae.errors import GenvaeError
from genvae.synthesis.latent_files import npy, read_latents

GOOD = npy(torch.arange(12, dtype=torch.float32).reshape(3, 4))


def headed(text: str) -> bytes:
    """A .npy file with this header, and room for twelve numbers."""
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode("ascii") + bytes(48)


def shaped(shape: str, form: str = "'<f4'") -> bytes:
    return headed(f"{{'descr': {form}, 'fortran_order': False, 'shape': {shape}, }}\n")


def archived() -> bytes:
    file = io.BytesIO()
    np.savez(file, z=np.zeros((3, 4), np.float32))
    return file.getvalue()


BAD = [
    b"",
    b"PK\x03\x04",
    archived(),
    archived()[:-20],
    GOOD[:-1],
    headed("(" * 9000),
    headed("-" * 9000 + "1"),
    headed("'''"),
    headed("{[]: 1}"),
    headed("{1: 2, 'descr': 3}"),
    shaped("(99999999999999999999, 4)"),
    shaped("(4611686018427387907, 4)"),
    shaped("(-3, 4)"),
    shaped("(True, 4)"),
    shaped("(3, 4)", "'|O'"),
    shaped("(3, 4)", "[('a', '<f4')]"),
]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("content", BAD, ids=range(len(BAD)))
def test_what_is_no_file_of_latents_is_refused_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "z.npy"
    path.write_bytes(content)
    with pytest.raises(GenvaeError, match=r"z\.npy (can't be read|holds)"):
        read_latents(path, 4)


@given(place=st.integers(0, len(GOOD) - 49), value=st.binary(min_size=1, max_size=8))
def test_a_header_that_was_changed_anywhere_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.npy"
    path.write_bytes(GOOD[:place] + value + GOOD[place + len(value) :])
    with suppress(GenvaeError):
        assert read_latents(path, 4).shape[1] == 4
