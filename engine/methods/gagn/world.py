"""The world that agents live in: what they show, what is known, and in which coordinates."""

from __future__ import annotations

import copy

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from engine.methods.gagn.neighbourhood import CHUNK, Neighbourhood

SKETCH = 16  # width of the public random sketch that degree inference reads
SMALL = 1e-12  # a length that is taken for none
DUAL = 1024  # up to so many labels the embedding functions are stored exactly
GAUGE = 256  # width of the public random projection in which mixtures are measured


class World:
    """What does not change: features, known labels, and the coordinates of the embedding.

    An agent's state z_j is its features beside what `exchanges` of features with its neighbours
    make of them (eq. 1s), both of about length 1; with 0 exchanges it is x_j. The length of a
    mixture is taken in a public random projection, to some 4 %: mixtures are dense, and only made
    in coordinates. An embedding function is linear, starts at zero, and learns and fuses linearly,
    so agent i's weights are always Z_trainᵀ Γ_i (eq. 2d): storing Γ_i, one row per training label,
    is exact and small. Row j of `code` is z_j in those coordinates. Where there are too many
    labels, the code is z_j itself, or of the public projection of the features, and Γ_i are plain
    weights.
    """

    def __init__(
        self,
        features: sp.csr_array,
        labels: np.ndarray,
        train: np.ndarray,
        *,
        classes: int,
        projection: int,
        seed: int,
        device: str = "cpu",
        dual: bool | None = None,
        around: Neighbourhood | None = None,
        exchanges: int = 0,
    ):
        """`around`: the graph over which the features are exchanged before the first round."""
        n, width = features.shape
        self.classes, self.device, self.n = classes, device, n
        self.dual = len(train) <= min(DUAL, max(width, projection)) if dual is None else dual
        self.exchanges = exchanges if around is not None else 0
        public = np.random.Generator(np.random.PCG64(seed))
        self.signs = None
        if not self.dual and dual is None and width > projection:
            signs = public.integers(0, 2, (width, projection), dtype=np.int8) * 2 - 1
            self.signs = signs.astype(np.float32) / np.float32(projection**0.5)
        self.directions = public.standard_normal((width, SKETCH), np.float32)
        self.features = unit(features)
        self.bases = [self.features[train]]
        if self.exchanges:
            self.gauge = public.standard_normal((width, GAUGE), np.float32)
            self.gauge /= np.float32(GAUGE**0.5)
            weights = around.likeness(self.cosine(around.row, around.col))
        if self.exchanges and self.dual:
            reach = power(around.matrix(weights), train, exchanges)
            lengths = np.linalg.norm(reach @ (self.features @ self.gauge), axis=1)
            scale = sp.diags_array(1 / np.maximum(lengths, SMALL))
            self.bases.append(sp.csr_array(scale @ reach @ self.features))
        self._see()
        self.code = self.states(around, weights) if self.exchanges else self.parts[0]  # (N, B)
        trained = torch.from_numpy(train)
        self.place = torch.full((n,), -1, dtype=torch.int64)  # of a training node among them
        self.place[trained] = torch.arange(len(train))
        self.known = self.place >= 0
        self.target = torch.zeros(n, classes)
        self.target[trained, torch.from_numpy(labels[train])] = 1
        self.place, self.known = self.place.to(device), self.known.to(device)
        self.target = self.target.to(device)  # (N, C), zero rows where no label is known

    def _see(self) -> None:
        """What follows from the features alone."""
        self.sketch = self._tensor(self.features @ self.directions)  # (N, 16)
        if self.dual:  # kernels of x, and of what is mixed, with what was taught
            self.parts = [self._tensor((self.features @ base.T).toarray()) for base in self.bases]
        else:
            plain = self.features.toarray() if self.signs is None else self.features @ self.signs
            self.parts = [self._tensor(plain)] * (2 if self.exchanges else 1)
        if self.exchanges:
            self.measured = self._tensor(self.features @ self.gauge)  # (N, 256)

    def states(self, graph: Neighbourhood, weights: Tensor) -> Tensor:
        """(N, B) the code of z, features mixed over a graph by these weights of its entries."""
        alone, mixed = self.parts
        both = torch.cat((mixed, self.measured), 1)
        for _ in range(self.exchanges):
            both = graph.mix(weights, both)
        mixed, measured = both.split((mixed.shape[1], GAUGE), 1)
        mixed = mixed / measured.norm(dim=1, keepdim=True).clamp(min=SMALL)
        if self.dual:
            return (alone + mixed) / 2
        return torch.cat((alone, mixed), 1) / 2**0.5

    def among(self, graph: Neighbourhood, cosine: Tensor) -> World:
        """The same world after the features were exchanged over another graph, whose entries are
        so alike."""
        other = copy.copy(self)
        other.code = other.parts[0]
        if self.exchanges:
            other.code = other.states(graph, graph.likeness(cosine))
        return other

    def where(self, features: sp.csr_array) -> World:
        """A world in which nodes show other features than those that taught; `among` follows."""
        other = copy.copy(self)
        other.features = unit(features)
        other._see()
        return other

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)

    def cosine(self, first: Tensor, second: Tensor) -> Tensor:
        """cos(x_u, x_v) entry by entry, by sparse rows."""
        u, v = first.ravel().cpu().numpy(), second.ravel().cpu().numpy()
        parts = [
            self.features[u[k : k + CHUNK]].multiply(self.features[v[k : k + CHUNK]]).sum(axis=1)
            for k in range(0, len(u), CHUNK)
        ]
        flat = np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)
        return torch.from_numpy(flat).to(self.device).view(first.shape)

    def opinions(self, answers: Tensor) -> Tensor:
        """q: the label where it is known, else the agent's own prediction."""
        return torch.where(self.known[:, None], self.target, answers)


def unit(features: sp.csr_array) -> sp.csr_array:
    """Rows of length 1; one without features stays empty."""
    lengths = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
    return sp.csr_array(sp.diags_array(1 / np.maximum(lengths, SMALL)) @ features).astype(
        np.float32
    )


def power(matrix: sp.csr_array, rows: np.ndarray, times: int) -> sp.csr_array:
    """These rows of matrix^times, and no others on the way."""
    found = matrix[rows]
    for _ in range(times - 1):
        found = found @ matrix
    return found
