"""A case of images: classes of square pictures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.core.errors import UserError
from engine.core.seed import entropy
from engine.data.images.picture import as_address, small
from engine.methods.flat_lora import rows as tables
from engine.methods.flat_lora.case import Case, describe, fresh, from_nothing, shape
from engine.methods.flat_lora.params import held_out
from engine.methods.flat_lora.tasks import Batch, Classes, Examples
from engine.models import backbone as backbones
from engine.models.backbone import Backbone

if TYPE_CHECKING:
    from engine.core.run import Run

PATCHES = 256  # of an image, at most: attention takes their square
AT_ONCE = 1000  # images


def of_pictures(run: Run) -> Case:
    images = run.inputs["images"]
    given = {name: rows for name, rows in images.parts.items() if len(rows)}
    if "train" not in given:
        raise UserError("input images", "no training part; expected images to train on")
    for part, asked in (("test", run.params.test_rows), ("dev", run.params.dev_rows)):
        if part in given:
            continue
        train = given["train"]
        count = held_out(len(train), asked)
        if count >= len(train):
            raise UserError(f"{part}_rows", f"{count} of {len(train)} images; expected fewer")
        rng = tables.numpy_stream(tables.SPLIT, f"flat_lora/{part}")
        chosen = tables.stratified(images.labels[train].tolist(), count, rng)
        given |= {part: train[chosen], "train": train[~chosen]}
    if len(set(images.labels[given["train"]].tolist())) < 2:
        raise UserError("input images", "one class to train on; expected two or more")
    side, channels = images.pixels.shape[1], images.pixels.shape[3]
    if images.pixels.shape[2] != side:
        raise UserError(
            "input images", f"{images.pixels.shape[2]} x {side} pixels; expected squares"
        )
    if run.inputs["model"] is None:
        make = _small(run, side, channels)
    else:
        make = fresh(run, "images", list)
        _refuse_other_images(make(), side, channels)
    centre, spread = _levels(images.pixels, given["train"])

    def of(rows: np.ndarray) -> Examples:
        labels = images.labels[rows]

        def batch(places: np.ndarray) -> Batch:
            pixels = (images.pixels[rows[places]].astype(np.float32) - centre) / spread
            return {
                "pixel_values": torch.from_numpy(pixels.transpose(0, 3, 1, 2)).to(run.device),
                "labels": torch.from_numpy(labels[places]).to(run.device),
            }

        return Examples(np.ones(len(rows), np.int64), labels, batch)

    parts = {name: of(given[name]) for name in tables.PARTS}
    describe(run, parts, images.classes, 0, 0)
    return Case(
        "images", Classes(images.classes), parts, make,
        lambda part, number: f"image {given[part][number]}", lambda part, number: "",
        drawn=lambda part, number: as_address(small(images.pixels[given[part][[number]]])[0]),
    )  # fmt: skip


def _small(run: Run, side: int, channels: int) -> Callable[[], Backbone]:
    """A transformer with fresh weights, its patches the smallest that are few enough."""
    sides = (at for at in range(4, side + 1) if side % at == 0 and (side // at) ** 2 <= PATCHES)
    patch = next(sides, side)
    if side // patch < 2:
        raise UserError("input images", f"{side} x {side} pixels, which no patches of 4 or more "
                        f"pixels divide into 4 to {PATCHES}; expected 32 x 32, say")  # fmt: skip
    from_nothing(run)
    seed, size = entropy(run.seed, "backbone"), shape(run)
    return lambda: backbones.small_vit(
        side, channels, patch=patch, **size, seed=seed, device=run.device
    )


def _refuse_other_images(built: Backbone, side: int, channels: int) -> None:
    config = built.model.config
    sizes = config.image_size
    rows, columns = (sizes, sizes) if isinstance(sizes, int) else sizes
    if (rows, columns, config.num_channels) != (side, side, channels):
        raise UserError("input images", f"{side} x {side} pixels of {channels} channels; the model "
                        f"reads {columns} x {rows} of {config.num_channels}")  # fmt: skip


def _levels(pixels: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation (channels,) of some images, from how often each of the 256 values is."""
    counts = np.zeros((pixels.shape[3], 256))
    for some in np.array_split(rows, -(-len(rows) // AT_ONCE)):
        for channel, values in enumerate(np.moveaxis(pixels[some], 3, 0)):
            counts[channel] += np.bincount(values.ravel(), minlength=256)
    shares = counts / counts.sum(axis=1, keepdims=True)
    mean = shares @ np.arange(256)
    spread = np.sqrt((shares * (np.arange(256) - mean[:, None]) ** 2).sum(axis=1))
    return mean.astype(np.float32), np.maximum(spread, 1e-6).astype(np.float32)
