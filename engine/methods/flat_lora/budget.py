"""The noise of each layer in numbers: what it is by law, and what was drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.methods.flat_lora.perturbation import Perturbation, row_norms

BINS = 20


@dataclass(frozen=True, eq=False)
class LayerBudget:
    name: str
    weight: float  # ‖W'‖, Frobenius; here and below of the layers that the perturbation has
    noise: float  # ‖ε‖, Frobenius, of the draw
    expected: float  # σ‖W'‖, the root of E‖ε‖²
    counts: np.ndarray  # (BINS,) histogram of the row norms ‖W'_i‖
    edges: np.ndarray  # (BINS + 1,)
    inflation: float | None  # mean square of the outputs with noise over that without

    @property
    def relative(self) -> float | None:
        """‖ε‖/‖W'‖, which the law makes σ."""
        return self.noise / self.weight if self.weight else None


@torch.no_grad()
def budget(
    perturbation: Perturbation, index: int, sigma: float, step: int, inputs: Tensor
) -> LayerBudget:
    """Of layer `index` under the noise of that step. `inputs` (k, n) are what goes into it.

    The law makes the inflation 1 + σ² on average, for inputs of independent entries of one
    variance about zero; inputs of a network have other moments, and so another inflation.
    """
    layer = perturbation.layers[index]
    norms = row_norms(layer)
    noise = perturbation.noise(index, sigma, step)
    outputs = inputs @ layer.weight.to(inputs.dtype).T
    outputs += layer.scaling * (inputs @ layer.a.T) @ layer.b.T
    clean = float(outputs.square().mean())
    outputs += inputs @ noise.T
    counts, edges = np.histogram(norms.cpu().numpy(), bins=BINS)
    size = float(torch.linalg.vector_norm(norms))
    return LayerBudget(
        name=layer.name,
        weight=size,
        noise=float(torch.linalg.vector_norm(noise)),
        expected=sigma * size,
        counts=counts,
        edges=edges,
        inflation=float(outputs.square().mean()) / clean if clean else None,
    )
