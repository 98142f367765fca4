"""What an image holds besides its program: tiles of weights, tile rows and tables, equal ones once.

A recurrent network uses the same tiles at every step, a convolution at every position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.methods.kaleidoscope.isa import WORD


@dataclass
class Constants:
    """Of one network, for a core of `lanes`."""

    lanes: int
    tables: Mapping[str, np.ndarray]
    tiles: list[np.ndarray] = field(default_factory=list)  # int8 (lanes, 32)
    rows: list[tuple[np.ndarray, int, int]] = field(default_factory=list)  # bias int32, m, s
    _tile_at: dict[bytes, int] = field(default_factory=dict)
    _row_at: dict[tuple[bytes, int, int], int] = field(default_factory=dict)

    def tile(self, weight: np.ndarray) -> int:
        """Row of the weight memory that holds int8 (lanes, 32), or the first of several such."""
        content = weight.tobytes()
        if content not in self._tile_at:
            self._tile_at[content] = len(self.tiles)
            self.tiles += list(weight.reshape(-1, self.lanes, WORD))
        return self._tile_at[content]

    def embedding(self, table: np.ndarray) -> int:
        """First row of the weight memory of the lines of int8 (256, E), repeated to words."""
        return self.tile(np.tile(table, WORD // table.shape[1]))

    def row(self, bias: np.ndarray, multiplier: int = 1, shift: int = 1) -> int:
        """Row of the bias memory; logits leave raw and need no multiplier."""
        content = (bias.tobytes(), multiplier, shift)
        if content not in self._row_at:
            self._row_at[content] = len(self.rows)
            self.rows.append((bias, multiplier, shift))
        return self._row_at[content]

    def table(self, name: str | None) -> int:
        """The field of an instruction: 0 for none."""
        return 0 if name is None else 1 + list(self.tables).index(name)
