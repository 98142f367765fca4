"""What all trainings of one job stand on: the case as tensors, and what is computed only once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

if TYPE_CHECKING:
    from engine.methods.gagn.case import Case


class Ground:
    def __init__(self, case: Case, device: str):
        self.device, self.classes = device, case.classes
        self.adjacency, self.features = case.adjacency, sp.csr_array(case.features)
        self.crow = torch.from_numpy(self.features.indptr.astype(np.int64)).to(device)
        self.column = torch.from_numpy(self.features.indices.astype(np.int64)).to(device)
        self.values = torch.from_numpy(self.features.data.astype(np.float32)).to(device)
        self.labels = torch.from_numpy(case.labels).to(device)
        self.part = {name: torch.from_numpy(nodes).to(device) for name, nodes in case.parts.items()}
        self._made: dict[str, Any] = {}

    @property
    def nodes(self) -> int:
        return self.features.shape[0]

    def x(self, values: Tensor) -> Tensor:
        """[N, F] with these non-zeros. Bags of words are nearly empty: first layers multiply a
        sparse matrix."""
        return torch.sparse_csr_tensor(
            self.crow, self.column, values, self.features.shape, check_invariants=False
        )

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What several trainings need of the training graph, made by the first that asks."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]
