"""Which windows come next: epochs in a new order each, resumable between any two steps."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Batches:
    """Of `windows` windows, `size` at a time; the short rest of an epoch is left out."""

    def __init__(self, windows: int, size: int, draws: torch.Generator):
        self.windows, self.size, self.draws = windows, min(size, windows), draws
        self.order, self.at = torch.empty(0, dtype=torch.int64), 0

    @property
    def steps(self) -> int:
        """Of one epoch."""
        return self.windows // self.size

    @property
    def epoch_done(self) -> bool:
        return self.at >= self.steps * self.size

    def take(self) -> Tensor:
        if not len(self.order) or self.epoch_done:
            self.order, self.at = torch.randperm(self.windows, generator=self.draws), 0
        self.at += self.size
        return self.order[self.at - self.size : self.at]

    def state(self) -> dict[str, Any]:
        return {"order": self.order, "at": self.at}

    def restore(self, state: dict[str, Any]) -> None:
        self.order, self.at = state["order"], state["at"]
