"""Flat-LoRA's noise on the frozen weights of adapted layers (Li et al., ICML 2025).

The paper minimises over A and B the expected loss E L(W' + ε) of the merged weight W' = W + sBA,

    ε_ij ~ N(0, (σ_t/√n ‖W'_i‖)²),    σ_t = ρ (1 − cos(π t/T)) / 2,

with one fresh ε per optimiser step, which lies on W while all of the step's micro-batches go
forward and backward. Only a seed and one scale per row outlive the drawing of ε: it is drawn
again to be taken off. That returns W but for a last bit or so in every step; where a copy of W is
kept, in memory or in a file, W is put back bit by bit, and the second drawing falls away. In mixed
precision W is not touched at all: the layers are lent W + ε, rounded once, in a tensor of its own.

On DoRA, whose effective weight is m_i V_i/‖V_i‖ with V = W + sBA, noise of σ relative to V_i is
noise of σ relative to the effective row. Its norm ‖V_i‖ is taken with the noise, so that rows
turn and do not grow: our way of composing the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from engine.core.seed import entropy
from engine.methods.flat_lora.normals import standard_normals
from engine.methods.flat_lora.pristine import Copies, InMemory


class AdaptedLayer(Protocol):
    """What the noise needs of an adapted layer: W (m, n) frozen, a (r, n), b (m, r) and s."""

    @property
    def name(self) -> str: ...
    @property
    def weight(self) -> Tensor: ...
    @property
    def a(self) -> Tensor: ...
    @property
    def b(self) -> Tensor: ...
    @property
    def scaling(self) -> float: ...


def sigma(rho: float, t: float, total: float) -> float:
    """σ_t: from 0 at t = 0 along a cosine up to ρ at t = T. Both count micro-batches."""
    if not 0 <= t <= total or total == 0:
        raise ValueError(f"t = {t} lies outside a training of T = {total} micro-batches")
    return rho * (1 - math.cos(math.pi * t / total)) / 2


def squared_norms(weight: Tensor) -> Tensor:
    """(m,) ‖W_i‖², in single precision at least."""
    wide = torch.promote_types(weight.dtype, torch.float32)
    return torch.linalg.vector_norm(weight, dim=1, dtype=wide).square_()


@torch.no_grad()
def row_norms(layer: AdaptedLayer, squares: Tensor | None = None) -> Tensor:
    """(m,) ‖W'_i‖ of W' = W + sBA without forming it, exactly:

        ‖W'_i‖² = ‖W_i‖² + s B_i·(2 A W_iᵀ + s A Aᵀ B_iᵀ).

    `squares` are the ‖W_i‖² where they are known, since W is frozen.
    """
    weight, a, b, s = layer.weight, layer.a, layer.b, layer.scaling
    squares = squared_norms(weight) if squares is None else squares
    inner = a @ weight.to(a.dtype).T  # (r, m); twice as fast as its transpose
    inner = inner.addmm_(a @ a.T, b.T, beta=2, alpha=s)
    return (squares + s * (b * inner.T).sum(1)).clamp_(min=0).sqrt_()


class Perturbation:
    """The noise of one run: number k of `applied(sigma, k)` is a function of seed and k alone.

    `master` copies the weights to memory, as is always done where one has less than 32 bits: a
    rounded W + ε does not give W back. `copies` are such as are there already, as in a file. With
    `cast` the layers hold W + ε in that type while the noise is on, and W itself is not written to.
    `workers` threads draw at once; the numbers do not depend on how many. No global random state
    is touched.
    """

    def __init__(
        self,
        layers: Sequence[AdaptedLayer],
        *,
        seed: int,
        master: bool = False,
        workers: int = 1,
        copies: Copies | None = None,
        cast: torch.dtype | None = None,
    ):
        self.layers = tuple(layers)
        self.on = False  # evaluation and checkpoints want it off
        self._key = entropy(seed, "perturbation")
        self._pool = ThreadPoolExecutor(workers) if workers > 1 else None
        weights = [layer.weight.detach() for layer in self.layers]
        self._squares = [squared_norms(weight) for weight in weights]
        self._sums = [weight.sum(1, dtype=torch.float64) for weight in weights]
        self._copies = copies
        if master or (copies is None and any(weight.element_size() < 4 for weight in weights)):
            self._copies = InMemory(weights)
        self._cast = cast
        self._lent: list[Tensor | None] = [None] * len(weights)  # W, where a cast lies in its place
        self._scales: list[Tensor] = [torch.empty(0)] * len(weights)
        self._rows = [0] * len(weights)  # how many rows of each weight carry noise

    @contextmanager
    def applied(self, sigma: float, step: int) -> Iterator[None]:
        """W + ε in place of every W within the block, and W after it, whatever is raised."""
        if self.on:
            raise RuntimeError("the noise of a step is on already")
        if sigma == 0:  # the first step: not even a rounding sets it apart from LoRA's
            yield
            return
        self.on = True
        try:
            self._each(lambda index: self._add(index, sigma, step))
            yield
        finally:
            self._each(lambda index: self._remove(index, step))
            self.on = False

    def noise(self, index: int, sigma: float, step: int) -> Tensor:
        """(m, n) ε of one layer, as `applied(sigma, step)` adds it."""
        numbers = torch.cat([numbers.clone() for _, numbers in self._noise(index, step)])
        return numbers * self._scale(index, sigma)

    def drift(self) -> float:
        """How far W has moved since the start: a checksum, the largest |Σ_j ΔW_ij| / ‖W_i‖."""
        if self.on:
            raise RuntimeError("the noise of a step is on")
        largest = [0.0]
        for layer, sums, squares in zip(self.layers, self._sums, self._squares, strict=True):
            moved = (layer.weight.detach().sum(1, dtype=torch.float64) - sums).abs_()
            moved /= squares.sqrt().clamp_(min=torch.finfo(torch.float32).tiny)
            largest.append(float(moved.max()))
        return float(np.max(largest))  # nan if one is, unlike max

    def _each(self, work: Callable[[int], None]) -> None:
        """`work` on every layer. All are through before an exception leaves."""
        if self._pool is None:
            with ExitStack() as stack:  # calls the others too where one raises
                for index in reversed(range(len(self.layers))):  # the last comes first
                    stack.callback(work, index)
            return
        running = [self._pool.submit(work, index) for index in range(len(self.layers))]
        wait(running)
        for one in running:
            one.result()

    @torch.no_grad()
    def _add(self, index: int, sigma: float, step: int) -> None:
        weight = self.layers[index].weight
        self._scales[index] = scale = self._scale(index, sigma)
        if self._cast is not None:
            noisy = torch.empty_like(weight, dtype=self._cast)
            for rows, numbers in self._noise(index, step):
                noisy[rows] = torch.addcmul(weight[rows], numbers, scale[rows])
            self._lent[index], weight.data = weight.data, noisy
            return
        for rows, numbers in self._noise(index, step):
            weight[rows].addcmul_(numbers, scale[rows])  # rounds once, to the type of W
            self._rows[index] = rows.stop

    @torch.no_grad()
    def _remove(self, index: int, step: int) -> None:
        weight, noisy = self.layers[index].weight, self._rows[index]
        lent = self._lent[index]
        if lent is not None:
            weight.data, self._lent[index] = lent, None
        elif self._copies is not None:
            self._copies.put_back(index, weight.detach())
        elif noisy:
            scale = self._scales[index]
            for rows, numbers in self._noise(index, step):
                weight[rows].addcmul_(numbers, scale[rows], value=-1)
                if rows.stop == noisy:
                    break
        self._rows[index] = 0

    def _scale(self, index: int, sigma: float) -> Tensor:
        """(m, 1) σ/√n ‖W'_i‖."""
        layer = self.layers[index]
        norms = row_norms(layer, self._squares[index])
        return norms.mul_(sigma / math.sqrt(layer.weight.shape[1]))[:, None]

    def _noise(self, index: int, step: int) -> Iterator[tuple[slice, Tensor]]:
        weight = self.layers[index].weight
        place = step * len(self.layers) + index
        return standard_normals(weight.shape, weight.device, key=self._key, place=place)
