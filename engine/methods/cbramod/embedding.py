"""Windows as the network sees them: the mean of their patches' features, and a plane through it."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from engine.methods.cbramod.model import CBraMod

BATCH = 64  # windows at a time


@torch.no_grad()
def embed(network: CBraMod, x: Tensor) -> np.ndarray:
    """(n, D) float32 of windows (n, C, S, P), in evaluation mode."""
    network.eval()
    parts = [network.features(some).mean(dim=(1, 2)) for some in x.split(BATCH)]
    return torch.cat(parts).float().cpu().numpy()


def plane(embedding: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2) the two principal components, and the share (2,) of the variance that each explains.
    The largest loading of a component is positive, so that the sign is no chance."""
    centred = embedding.astype(np.float64)
    centred -= centred.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred)
    variances, axes = variances[:-3:-1].clip(min=0), axes[:, :-3:-1]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    total = (centred**2).sum()
    return centred @ axes, variances / total if total else np.zeros(2)
