"""What training asks of a network: a grid to choose from, and what it keeps its weights within."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import nn


class Network(nn.Module):
    """(B, C, T) standardised -> (B, K) outputs; made of (channels, times, K, dropout=…)."""

    grid: ClassVar[tuple[Mapping[str, Any], ...]]  # "rate" and "dropout"; of equals the first

    def limit(self) -> None:
        """The paper's max-norms; asked after every step."""
        raise NotImplementedError
