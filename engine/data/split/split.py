"""A split of a graph's nodes into training, validation and test parts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import UserError

PARTS = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Split:
    train: np.ndarray  # int64, sorted; the three are disjoint
    val: np.ndarray
    test: np.ndarray

    def parts(self) -> dict[str, np.ndarray]:
        return {name: getattr(self, name) for name in PARTS}

    @property
    def max_index(self) -> int:
        return max(int(part[-1]) for part in self.parts().values() if part.size)

    def require_within(self, nodes: int, where: str = "split") -> None:
        """Refuse a split that was made for a larger graph."""
        if self.max_index >= nodes:
            raise UserError(
                where,
                f"names node {self.max_index}, but the graph has {nodes} nodes (0 to {nodes - 1}); "
                "expected a split of this graph or of its largest component",
            )
