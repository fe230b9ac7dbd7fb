"""Procedural bottles: ten true factors of a design, and the grey picture that they stand for (NumPy alone)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE = 128
"""Rows and columns of a picture."""
FACTORS = ("height", "width", "shoulder", "neck", "cap", "base", "taper", "waist", "label", "handle")
"""The true factors of a design, in the order of their columns."""

_ROWS = 2  # sub-rows of a pixel, over which vertical edges are averaged; along a row coverage is exact
_GROUND = 120.0  # the row on which every bottle stands
_GROUP = 64  # pictures drawn at a time, which bounds the memory
_HANDLE_FROM = 0.5  # below it a design has no handle


def random_factors(count: int, seed: int, start: int = 0) -> NDArray[np.float64]:
    """The factors of designs start to start + count - 1 of a seed, [count, 10], independent and uniform in 0..1."""
    return np.stack([np.random.default_rng((seed, i)).random(len(FACTORS)) for i in range(start, start + count)])


def draw(factors: NDArray[np.float64]) -> NDArray[np.float32]:
    """Pictures of designs, antialiased: [N, 10] in 0..1 -> [N, 128, 128] in 0..1, where 1 is the white ground.

    By factor, from 0 to 1: height of the whole (56 to 108 pixels) and width of the body (26 to 62 pixels); share of
    the shoulder's slope in the height (.06 to .34); neck against body (.26 to .62 of its width); height of the cap
    (5 to 15 pixels); radius of the base's edge (1 to 10 pixels); taper (the foot 30% narrower to as wide as the
    body); waist (0 to 24% drawn in); height of the label (0 to 60% of the body); handle (none below .5, then
    standing off by 5 to 15 pixels).
    """
    groups = [_draw(factors[start : start + _GROUP]) for start in range(0, len(factors), _GROUP)]
    return np.concatenate(groups) if groups else np.zeros((0, SIZE, SIZE), np.float32)


def _draw(factors: NDArray[np.float64]) -> NDArray[np.float32]:
    values = np.asarray(factors, np.float32).T[:, :, None, None]  # [10, N, 1, 1]
    height, width, shoulder, neck, cap, base, taper, waist, label, handle = values
    height, half, cap = 56 + 52 * height, 13 + 18 * width, 5 + 10 * cap
    slope, neck = (0.06 + 0.28 * shoulder) * height, (0.26 + 0.36 * neck) * half
    y = ((np.arange(SIZE * _ROWS, dtype=np.float32) + 0.5) / _ROWS)[None, :, None]  # rows, downwards
    x = (np.arange(SIZE, dtype=np.float32) + 0.5 - SIZE / 2)[None, None, :]  # columns from the axis

    up = _GROUND - y  # height above the ground
    body = height - cap - 0.1 * height - slope  # height of the body; the neck is a tenth of the whole
    along = np.clip(up / body, 0, 1)
    radius = half * (1 - 0.3 * (1 - taper) * (1 - along) - 0.24 * waist * np.sin(np.pi * along) ** 2)
    rounding = 1 + 9 * base
    radius = radius - rounding + np.sqrt(np.maximum(rounding**2 - np.maximum(rounding - up, 0) ** 2, 0))
    bend = 0.5 - 0.5 * np.cos(np.pi * np.clip((up - body) / slope, 0, 1))  # body to neck
    radius = np.where(up > body, half + (neck - half) * bend, radius)
    radius = np.where(up > height - cap, 1.12 * neck + 0.8, radius)
    inside = (up > 0) & (up < height)

    across = np.clip(np.abs(x) / np.maximum(radius, 1), 0, 1) * np.sign(x)  # -1 to 1 from edge to edge
    light = 0.42 + 0.3 * np.sqrt(1 - across**2) - 0.16 * across + 0.22 * np.exp(-(((across + 0.45) / 0.13) ** 2))
    tall = 0.3 * label * body  # half the label's height
    on_label = np.clip(tall + 0.5 - np.abs(up - 0.5 * body), 0, 1)
    light = light + on_label * (0.93 - 0.12 * across**2 - light)
    line = np.clip(1.5 - np.abs(up - 0.5 * body), 0, 1) * np.clip(0.6 - np.abs(across), 0, 0.1) * 10
    light = light - 0.45 * line * np.clip((tall - 4) / 2, 0, 1)  # a printed line, where there is room
    ribs = 0.05 * np.cos(9 * np.arcsin(across))
    light = np.where(up > height - cap, 0.16 + 0.16 * np.sqrt(1 - across**2) + ribs, light)
    light = light * np.where(np.abs(up - (height - cap)) < 0.5, 0.6, 1.0)  # the seam under the cap
    cover = np.clip(radius + 0.5 - np.abs(x), 0, 1) * inside

    out = np.clip((handle - _HANDLE_FROM) / (1 - _HANDLE_FROM), 0, 1)
    reach, tube, middle = (5 + 10 * out) * (out > 0), 2.6, 0.62 * body
    stretch = 0.3 * body / np.maximum(reach, 1)  # an ellipse, 0.6 of the body high, whose centre is the body's edge
    edge = half * (1 - 0.3 * (1 - taper) * 0.38 - 0.24 * waist * np.sin(np.pi * 0.62) ** 2)
    ring = np.hypot(x - edge, (up - middle) / stretch) - reach
    steep = np.hypot(x - edge, (up - middle) / stretch**2) / np.maximum(np.hypot(x - edge, (up - middle) / stretch), 1)
    distance = np.abs(ring) / np.maximum(steep, 0.15)  # in pixels, to first order
    behind = np.clip(tube + 0.5 - distance, 0, 1) * (x > 0) * (out > 0)
    grey = 1 - behind * (1 - (0.32 + 0.2 * np.clip(1 - distance / tube, 0, 1)))

    grey = grey + cover * (light - grey)
    shadow = 0.22 * np.exp(-(((y - _GROUND - 1.5) / 1.6) ** 2)) * np.clip((half + 4 - np.abs(x)) / 8, 0, 1)
    grey = np.clip(grey - np.where(inside, 0, shadow), 0, 1)  # [N, rows, columns]
    pictures: NDArray[np.float32] = grey.reshape(len(grey), SIZE, _ROWS, SIZE).mean(axis=2).astype(np.float32)
    return pictures
