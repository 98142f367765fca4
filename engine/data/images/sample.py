"""The sample images that we ship: drawn here, the same bytes every time.

Circles, crosses, squares and triangles of 16 x 16 pixels, at any place, of four sizes, in any
colour on any darker one, under noise: the class is in the shape alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.data.arrays import write_npz

SIDE = 16  # pixels
CLASSES = ("circle", "cross", "square", "triangle")
COUNTS = {"train": 1200, "val": 100, "test": 200}
RADII = (3, 4, 5, 6)  # pixels
CONTRAST = 70  # by which ink is lighter than its ground, of 255, in the mean of the channels
NOISE = 35  # most that is added to a channel of a pixel, or taken off


def write_shapes(path: Path, rng: np.random.Generator) -> None:
    """An npz of x_train, y_train, x_val, … and the names of the classes."""
    arrays: dict[str, np.ndarray] = {"classes": np.array(CLASSES)}
    for part, count in COUNTS.items():
        labels = rng.permutation(np.arange(count) % len(CLASSES)).astype(np.uint8)
        arrays[f"x_{part}"] = drawn(labels, rng)
        arrays[f"y_{part}"] = labels
    write_npz(path, arrays)


def drawn(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n, SIDE, SIDE, 3) uint8, an image of each label."""
    radius = rng.choice(RADII, labels.size)
    down, across = rng.integers(radius, SIDE - radius, (2, labels.size))
    y, x = np.mgrid[:SIDE, :SIDE]
    y, x = y - down[:, None, None], x - across[:, None, None]
    inside = np.choose(labels[:, None, None], _shapes(x, y, radius[:, None, None]))
    ground, ink = _colours(labels.size, rng)
    images = np.where(inside[..., None], ink, ground)
    images = images + rng.integers(-NOISE, NOISE + 1, images.shape)
    return np.clip(images, 0, 255).astype(np.uint8)


def _shapes(x: np.ndarray, y: np.ndarray, radius: np.ndarray) -> list[np.ndarray]:
    """(n, SIDE, SIDE) bool of each class, in whole numbers; x and y are pixels from the centre, y
    downwards."""
    far, near = np.maximum(abs(x), abs(y)), np.minimum(abs(x), abs(y))
    circle = x * x + y * y <= radius * (radius + 1)
    cross = (far <= radius) & (near <= radius // 3)
    triangle = (far <= radius) & (2 * abs(x) <= y + radius)
    return [circle, cross, far < radius, triangle]


def _colours(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Ground and ink (count, 1, 1, 3) of each image."""
    pairs = rng.integers(0, 256, (count, 2, 3))
    while (alike := np.ptp(pairs.sum(axis=2), axis=1) < 3 * CONTRAST).any():
        pairs[alike] = rng.integers(0, 256, (int(alike.sum()), 2, 3))
    order = np.argsort(pairs.sum(axis=2), axis=1)
    pairs = np.take_along_axis(pairs, order[..., None], axis=1)
    return pairs[:, 0, None, None], pairs[:, 1, None, None]
