"""What an attack is given, the record of what it flips, and the rules that every flip obeys.

Rules: the graph stays symmetric and without self-loops, a pair flips at most once, no node loses
its last edge and, where asked, the degrees still pass for the clean graph's (`powerlaw.py`).
Budgets count undirected flips.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from engine.core.errors import UserError
from engine.data.split.split import Split
from engine.methods.gagn.attacks.powerlaw import PowerLaw


@dataclass(frozen=True, eq=False)
class Victim:
    adjacency: sp.csr_array  # (N, N) float32 0/1, symmetric, zero diagonal: before the attack
    features: sp.csr_array  # (N, F)
    labels: np.ndarray  # (N,) int64, -1 unknown; which of them an attack reads, it says
    split: Split
    classes: int
    targets: np.ndarray | None = None  # nodes that a targeted attack is after

    @property
    def nodes(self) -> int:
        return self.adjacency.shape[0]


def budget(rate: float, edges: int) -> int:
    """⌊rate·|E|⌋ undirected flips; a product that is whole but for rounding counts as whole."""
    return math.floor(rate * edges + 1e-9)


def pair_keys(u: np.ndarray, v: np.ndarray, nodes: int) -> np.ndarray:
    """One number per unordered pair, ascending like the pairs with the smaller node first."""
    return np.minimum(u, v).astype(np.int64) * nodes + np.maximum(u, v)


def edge_pairs(adjacency: sp.csr_array) -> np.ndarray:
    """(E, 2) int64, u < v, ascending."""
    upper = sp.triu(adjacency, k=1, format="coo")
    pairs = np.column_stack((upper.row, upper.col)).astype(np.int64)
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def entries(matrix: sp.csr_array, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """(k,) the entries (u, v) of a sparse matrix."""
    if not len(u):
        return np.zeros(0, matrix.dtype)  # scipy answers no index with a sparse array
    return np.asarray(matrix[u, v])


def flipped(
    adjacency: sp.csr_array, flips: np.ndarray, weight: np.ndarray | None = None
) -> sp.csr_array:
    """A + (1−I−2A)∘P, where P is 1 (or `weight`) on the flips: edges become none, none edges."""
    u, v = np.asarray(flips, np.int64).reshape(-1, 2).T
    sign = 1 - 2 * entries(adjacency, u, v)
    change = sign if weight is None else sign * weight.astype(adjacency.dtype)
    rows, columns = np.r_[u, v], np.r_[v, u]
    delta = sp.coo_array((np.r_[change, change], (rows, columns)), shape=adjacency.shape)
    result = sp.csr_array(adjacency + sp.csr_array(delta))
    result.eliminate_zeros()
    result.sort_indices()
    return result


class Flips:
    """The flips made so far: the graph they leave, and which further flips are legal."""

    def __init__(self, clean: sp.csr_array, *, law: PowerLaw | None = None):
        self.clean, self.nodes, self.law = clean, clean.shape[0], law
        self.edges = edge_pairs(clean)
        u, v = self.edges.T
        self._edge_keys = pair_keys(u, v, self.nodes)
        self.clear()

    def clear(self) -> None:
        self._made: list[tuple[int, int]] = []
        self._keys: set[int] = set()
        self.degrees = np.diff(self.clean.indptr).astype(np.int64)
        self._adjacency: sp.csr_array | None = self.clean
        if self.law:
            self.law.observe(self.degrees)

    def __len__(self) -> int:
        return len(self._made)

    @property
    def array(self) -> np.ndarray:
        """(k, 2) int64, u < v, in the order in which they were made."""
        return np.array(self._made, np.int64).reshape(-1, 2)

    @property
    def adjacency(self) -> sp.csr_array:
        if self._adjacency is None:
            self._adjacency = flipped(self.clean, self.array)
        return self._adjacency

    def joined(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Were these pairs edges before the attack? A pair not flipped yet still is."""
        if not len(self._edge_keys):
            return np.zeros(np.broadcast(u, v).shape, bool)
        keys = pair_keys(u, v, self.nodes)
        place = np.searchsorted(self._edge_keys, keys).clip(max=len(self._edge_keys) - 1)
        return self._edge_keys[place] == keys

    def made(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Were these pairs flipped already?"""
        return np.isin(pair_keys(u, v, self.nodes), np.fromiter(self._keys, np.int64))

    def legal(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Which of these flips could be the next one, each for itself."""
        edge = self.joined(u, v)
        alone = edge & ((self.degrees[u] < 2) | (self.degrees[v] < 2))
        mask = (u != v) & ~alone & ~self.made(u, v)
        if self.law:
            mask &= self.law.accepts(self.degrees[u], self.degrees[v], 1 - 2 * edge)
        return mask

    def take(self, u: np.ndarray, v: np.ndarray, count: int) -> int:
        """Make the first `count` legal flips in this order, each judged after those before it."""
        taken = 0
        for one, other, edge in zip(
            u.tolist(), v.tolist(), self.joined(u, v).tolist(), strict=True
        ):
            if taken == count:
                break
            taken += self._take(min(one, other), max(one, other), -1 if edge else 1)
        return taken

    def _take(self, u: int, v: int, sign: int) -> bool:
        """`legal` for one pair, in plain numbers; makes the flip if it is."""
        key, degree = u * self.nodes + v, (self.degrees[u], self.degrees[v])
        if u == v or key in self._keys or (sign < 0 and min(degree) < 2):
            return False
        if self.law and not self.law.accepts(*degree, sign):
            return False
        if self.law:
            self.law.change(*degree, sign)
        self.degrees[[u, v]] += sign
        self._keys.add(key)
        self._made.append((u, v))
        self._adjacency = None
        return True

    def restore(self, flips: np.ndarray) -> None:
        self.clear()
        for u, v in flips.tolist():
            if not self._take(u, v, -1 if self.joined(np.array([u]), np.array([v]))[0] else 1):
                raise ValueError(f"the stored flip {u}–{v} is not legal on this graph")


class Attack:
    """What all attacks share: the record of flips, the stream, and their way into a checkpoint."""

    total: int
    most: ClassVar[int | None] = None  # nodes that it can take, where it is dense by nature

    def __init__(
        self,
        victim: Victim,
        *,
        rng: np.random.Generator,
        law: bool = False,
        reference_quirk: bool = False,
    ):
        self.victim, self.rng = victim, rng
        degrees = np.diff(victim.adjacency.indptr)
        test = PowerLaw(degrees, reference_quirk=reference_quirk) if law else None
        self.record = Flips(victim.adjacency, law=test)

    @property
    def flips(self) -> np.ndarray:
        return self.record.array

    def step(self) -> dict[str, float]:
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        return {"flips": self.flips, "stream": self.rng.bit_generator.state}

    def restore(self, state: dict[str, Any]) -> None:
        self.record.restore(np.asarray(state["flips"], np.int64))
        self.rng.bit_generator.state = state["stream"]


def require_budget(budget: int | None) -> int:
    if budget is None or budget < 0:
        raise UserError("budget", f"expected a number of flips, 0 or more; got {budget}")
    return budget
