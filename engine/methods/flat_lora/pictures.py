"""A case of images: classes of square pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.core.errors import UserError
from engine.core.seed import entropy
from engine.methods.flat_lora import rows as tables
from engine.methods.flat_lora.case import Case, describe, fresh
from engine.methods.flat_lora.tasks import Batch, Classes, Examples
from engine.models import backbone as backbones
from engine.models.backbone import Backbone

if TYPE_CHECKING:
    from engine.core.run import Run


def of_pictures(run: Run) -> Case:
    images = run.inputs["images"]
    given = {name: rows for name, rows in images.parts.items() if len(rows)}
    if "train" not in given:
        raise UserError("input images", "no training part; expected images to train on")
    for part, asked in (("test", run.params.test_rows), ("dev", run.params.dev_rows)):
        if part in given:
            continue
        train = given["train"]
        count = asked or max(1, len(train) // 10)
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
    weights, seed = run.inputs["model"], entropy(run.seed, "backbone")
    if weights is None:

        def make() -> Backbone:
            return backbones.small_vit(side, channels, seed=seed, device=run.device)
    else:
        make = fresh(run, "images", list)
    centre, spread = _levels(images.pixels[given["train"]])

    def of(rows: np.ndarray) -> Examples:
        labels = images.labels[rows]

        def batch(places: np.ndarray) -> Batch:
            pixels = (images.pixels[rows[places]].astype(np.float32) - centre) / spread
            return {
                "pixel_values": torch.from_numpy(pixels.transpose(0, 3, 1, 2)).to(run.device),
                "labels": torch.from_numpy(labels[places]).to(run.device),
            }

        return Examples(rows, np.ones(len(rows), np.int64), labels, batch)

    parts = {name: of(given[name]) for name in tables.PARTS}
    describe(run, parts, images.classes, 0, 0)
    return Case(
        "images", Classes(images.classes), parts, make,
        lambda part, number: f"image {given[part][number]}",
    )  # fmt: skip


def _levels(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of each channel over training images."""
    whole = pixels.reshape(-1, pixels.shape[3])
    return whole.mean(0, dtype=np.float64).astype(np.float32), np.maximum(
        whole.std(0, dtype=np.float64), 1e-6
    ).astype(np.float32)
