"""How far an adapter moved its weight: the singular values of what it added, and its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from engine.methods.flat_lora.perturbation import AdaptedLayer


class StartedLayer(AdaptedLayer, Protocol):
    """An adapted layer that knows the A₀ and B₀ which were taken out of W at the start, if any, and
    of DoRA its rows' magnitudes (m,)."""

    @property
    def first(self) -> tuple[Tensor, Tensor] | None: ...
    @property
    def magnitude(self) -> Tensor | None: ...
    def merged(self) -> Tensor: ...


@dataclass(frozen=True)
class Spectrum:
    """ΔW = s(BA − B₀A₀) beside the weight W + sB₀A₀ that training began with; of DoRA, whose rows
    are scaled too, the effective weight minus W, which has full rank."""

    name: str
    values: tuple[float, ...]  # the largest singular values of ΔW: at most r, 2r with an A₀
    relative: float | None  # ‖ΔW‖/‖W + sB₀A₀‖, Frobenius; None beside a weight of zeros


@torch.no_grad()
def spectrum(layer: StartedLayer) -> Spectrum:
    """Without forming ΔW: for B = Q_B R_B and Aᵀ = Q_A R_A, sBA = Q_B (s R_B R_Aᵀ) Q_Aᵀ has the
    singular values of the small matrix in the middle; [B, −B₀] and [A; A₀] are factors as well.
    In double precision, where small ones do not drown. DoRA's is formed."""
    if layer.magnitude is not None:
        change = layer.merged().double() - layer.weight.double()
        values = torch.linalg.svdvals(change)
        return _beside(layer.name, values, layer.weight, kept=len(layer.a))
    a, b, start = layer.a.double(), layer.b.double(), layer.weight
    if layer.first is not None:
        first_a, first_b = layer.first
        start = torch.addmm(start, first_b, first_a, alpha=layer.scaling)
        a, b = torch.cat([a, first_a.double()]), torch.cat([b, -first_b.double()], dim=1)
    left, right = (torch.linalg.qr(side, mode="r").R for side in (b, a.T))
    values = torch.linalg.svdvals(layer.scaling * left @ right.T)
    return _beside(layer.name, values, start, kept=len(values))


def _beside(name: str, values: Tensor, start: Tensor, *, kept: int) -> Spectrum:
    size = float(torch.linalg.vector_norm(start, dtype=torch.float64))
    relative = float(values.norm()) / size if size else None
    return Spectrum(name, tuple(values[:kept].tolist()), relative)
