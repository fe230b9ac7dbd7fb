"""torchaudio's Griffin-Lim beside ours, and its absence."""

from __future__ import annotations

import pytest
import torch
from vocoder_sounds import DECLARED, SPEC, convergence_db, log_magnitude, make, music

from genvae import windows

UNAVAILABLE = DECLARED["torchaudio-griffin-lim"].unavailable
assert UNAVAILABLE is not None
WHY = UNAVAILABLE()
needs_torchaudio = pytest.mark.skipif(WHY is not None, reason=str(WHY))


@needs_torchaudio
def test_it_is_torchaudio_s() -> None:
    from torchaudio.functional import griffinlim

    wanted = log_magnitude(music())
    found = make("torchaudio-griffin-lim", iterations=3)(wanted, length=16000)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        window = windows.of(SPEC)
        expected = griffinlim(wanted.exp()[0], window, 1024, 256, 1024, 1.0, 3, 0.99, 16000, True)
    torch.testing.assert_close(found[0], expected)


@needs_torchaudio
def test_ours_reaches_what_it_reaches() -> None:
    wanted = log_magnitude(music())
    theirs = convergence_db(wanted, make("torchaudio-griffin-lim")(wanted, length=16000))
    ours = convergence_db(wanted, make("griffin-lim")(wanted, length=16000))
    refined = convergence_db(wanted, make("pghi-refined")(wanted, length=16000))
    assert theirs < -15
    assert ours < theirs + 1
    assert refined < theirs - 1


@needs_torchaudio
def test_too_little_sound_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="torchaudio-griffin-lim needs more than 512 samples"):
        make("torchaudio-griffin-lim")(torch.zeros(1, 513, 2))
