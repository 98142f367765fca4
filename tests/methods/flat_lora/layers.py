"""Adapted layers of any size for the tests of the noise: what `AdaptedLayer` asks for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(eq=False)
class Layer:
    name: str
    weight: Tensor  # (m, n)
    a: Tensor  # (r, n)
    b: Tensor  # (m, r)
    scaling: float
    first: tuple[Tensor, Tensor] | None = None  # A₀, B₀ that W gave way to
    magnitude: Tensor | None = None

    def merged(self) -> Tensor:
        return (self.weight + self.scaling * self.b @ self.a).detach()


def layer(m: int, n: int, *, rank: int = 4, seed: int = 0, dtype=torch.float32) -> Layer:
    """Rows of uneven norms, and an adapter that is not small beside W."""
    draw = torch.Generator().manual_seed(seed)
    weight = torch.randn(m, n, generator=draw) * torch.linspace(0.1, 2, m)[:, None]
    a, b = torch.randn(rank, n, generator=draw), torch.randn(m, rank, generator=draw) / 4
    wide = torch.promote_types(dtype, torch.float32)
    return Layer(f"layer{seed}", weight.to(dtype), a.to(wide), b.to(wide), 2.0)
