"""What an adapter adds to its weight: the singular values of sBA, and its size beside W."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.methods.flat_lora.perturbation import AdaptedLayer


@dataclass(frozen=True)
class Spectrum:
    name: str
    values: tuple[float, ...]  # min(r, m, n) singular values of sBA, largest first
    relative: float | None  # ‖sBA‖/‖W‖ in Frobenius norms; None beside a weight of zeros


@torch.no_grad()
def spectrum(layer: AdaptedLayer) -> Spectrum:
    """By way of B = Q_B R_B and Aᵀ = Q_A R_A: sBA = Q_B (s R_B R_Aᵀ) Q_Aᵀ has the singular
    values of the r × r matrix in the middle. In double precision, or tiny ones drown."""
    left = torch.linalg.qr(layer.b.double(), mode="r").R
    right = torch.linalg.qr(layer.a.double().T, mode="r").R
    values = torch.linalg.svdvals(layer.scaling * left @ right.T)
    size = float(torch.linalg.vector_norm(layer.weight, dtype=torch.float64))
    relative = float(values.norm()) / size if size else None
    return Spectrum(layer.name, tuple(values.tolist()), relative)
