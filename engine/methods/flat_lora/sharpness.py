"""Expected sharpness: how much noise by the row-norm law raises the loss of a merged model."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from engine.methods.flat_lora.perturbation import Perturbation

SEED = 0  # of the noise that judges, whatever the seed of the run that it judges


@dataclass(frozen=True, eq=False)
class Sharpness:
    """loss(W' + ε) − loss(W') for each draw of ε (draws,), beside the clean loss(W')."""

    sigma: float
    clean: float
    values: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def se(self) -> float | None:
        """The standard error of the mean; one draw has none."""
        if len(self.values) < 2:
            return None
        return float(self.values.std(ddof=1) / math.sqrt(len(self.values)))


@dataclass(frozen=True, eq=False)
class Merged:
    """A plain weight as an adapted layer without an adapter: W' is W."""

    weight: Tensor
    name: str = ""
    scaling: float = 0.0

    @property
    def a(self) -> Tensor:
        return self.weight.new_empty(0, self.weight.shape[1])

    @property
    def b(self) -> Tensor:
        return self.weight.new_empty(self.weight.shape[0], 0)


def e_sharpness(
    weights: Sequence[Tensor],
    loss: Callable[[], float],
    sigma: float,
    draws: Sequence[int] = range(20),
) -> Sharpness:
    """E-sharpness of a merged model over its weights (m, n), which `loss` reads in place.

    Draw number k is the same numbers for all models of these shapes and for every σ, so that two
    models are compared under one noise. The weights come back bit by bit, also when `loss`
    raises, which is how a job is cancelled in here.
    """
    perturbation = Perturbation([Merged(weight) for weight in weights], seed=SEED, master=True)
    return sharpness_under(perturbation, loss, sigma, draws)


def sharpness_under(
    perturbation: Perturbation, loss: Callable[[], float], sigma: float, draws: Sequence[int]
) -> Sharpness:
    """The same where a perturbation is at hand, as of a model in training, which needs no merging.

    Of seed `SEED` and over the same layers it draws the numbers of `e_sharpness`. Not for DoRA:
    in training it divides by the noisy norm, which takes off the part of ε along each row, and
    that part counts as much as the curvature does.
    """
    if not draws:
        raise ValueError("sharpness takes one draw at least")
    clean, values = loss(), []
    for draw in draws:
        with perturbation.applied(sigma, draw):
            values.append(loss() - clean)
    return Sharpness(sigma, clean, np.array(values))
