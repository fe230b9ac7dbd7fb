"""Between spectra and waveforms: centred windowed frames, and the least-squares waveform that they overlap to."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from genvae import FeatureSpec


class Frames:
    """The frames of waveforms of one length; spectra are [B, frames, bins], padded waveforms [B, samples].

    A padded waveform begins n_fft / 2 samples before the waveform, so that frame t covers n_fft samples from t * hop.
    The hop need not divide n_fft.

    Args:
        spec: FFT size and hop in samples.
        window: of n_fft samples, on the device of the spectra.
        frames: how many there are.
        length: of the waveform that is asked for, in samples; by default `spec.samples(frames)`.

    Attributes:
        support: samples of the waveform, from its first, that may be other than zero.
        weights: [samples], see `_inverse_weights`.
    """

    def __init__(self, spec: FeatureSpec, window: Tensor, frames: int, length: int | None = None) -> None:
        self.n_fft, self.hop, self.window, self.frames = spec.n_fft, spec.hop, window, frames
        self.length = spec.samples(frames) if length is None else length
        # Of a signal that gives this number of frames, no more than this can be other than zero.
        self.support = self.length if spec.frames(self.length) == frames else frames * spec.hop - 1
        self._blocks = frames - 1 + -(-self.n_fft // self.hop)  # hops that the frames reach over
        self.samples = (frames - 1) * self.hop + self.n_fft
        self.weights = self._inverse_weights()

    def synthesise(self, spectrum: Tensor, out: Tensor | None = None) -> Tensor:
        """Spectra [B, frames, bins] -> the padded waveform [B, samples] whose spectra come closest to them.

        Griffin & Lim 1984, equation 6. `out` is memory from `memory`.
        """
        return self._overlap(self._pieces(spectrum), self.memory(spectrum) if out is None else out)

    def project(self, spectrum: Tensor, out: Tensor | None = None) -> Tensor:
        """Spectra [B, frames, bins] -> those of the waveform that `synthesise` gives; not differentiable."""
        pieces = self._pieces(spectrum)
        wave = self._overlap(pieces, self.memory(spectrum) if out is None else out)
        # The frames of the waveform go where those of the spectra were: less to keep in the cache.
        projected: Tensor = torch.fft.rfft(torch.mul(wave.unfold(1, self.n_fft, self.hop), self.window, out=pieces))
        return projected

    def memory(self, like: Tensor) -> Tensor:
        """What `synthesise` can write to again and again, [B, blocks, hop], for spectra like `like`."""
        return self.window.new_empty(len(like), self._blocks, self.hop)

    def trim(self, wave: Tensor) -> Tensor:
        """Padded waveform [B, samples] -> the waveform [B, length] in it, zero where there is no frame."""
        wave = wave[:, self.n_fft // 2 :][:, : min(self.length, self.support)]
        return functional.pad(wave, (0, self.length - wave.shape[1]))

    def _pieces(self, spectrum: Tensor) -> Tensor:
        """Spectra [B, frames, bins] -> windowed frames [B, frames, n_fft]."""
        # The FFTs make their own results: memory that they are handed is filled by a copy, which costs a quarter more.
        pieces: Tensor = torch.fft.irfft(spectrum, n=self.n_fft)
        return pieces.mul_(self.window)

    def _overlap(self, pieces: Tensor, out: Tensor) -> Tensor:
        """Windowed frames [B, frames, n_fft] -> padded waveform [B, samples] in the memory `out`."""
        return self._sum(pieces, out).mul_(self.weights)

    def _sum(self, pieces: Tensor, out: Tensor) -> Tensor:
        """Windowed frames [B, frames, n_fft] -> their sum at a distance of a hop, [B, samples] in the memory `out`."""
        out.zero_()
        for block, start in enumerate(range(0, self.n_fft, self.hop)):
            part = pieces[:, :, start : start + self.hop]
            out[:, block : block + self.frames, : part.shape[2]].add_(part)
        return out.flatten(1)[:, : self.samples]

    def _inverse_weights(self) -> Tensor:
        """What makes the overlap-added frames their least-squares waveform, zero outside the support: [samples].

        The waveform is known to be zero outside its ends, so the projection sets it to zero there.
        """
        squares = self.window.square()
        total = self._sum(squares.expand(1, self.frames, -1), self.memory(squares[None]))[0]
        weights = 1 / total.clamp_min(1e-3 * squares.max())  # where the windows fade out, noise must not be raised
        begin = self.n_fft // 2
        weights[:begin] = 0
        weights[begin + self.support :] = 0
        return weights
