"""What GAgN's tests share: the real Cora, where it is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from engine.data.graph import io as graphs
from engine.data.split import io as splits


@pytest.fixture
def cora(shared_data: Path) -> tuple[sp.csr_array, sp.csr_array, np.ndarray, dict[str, np.ndarray]]:
    folder = shared_data / "graph/cora"
    graph, _ = graphs.load(folder / "cora.npz").largest_component()
    split = splits.load(folder / "cora_prognn_splits.json")
    return graph.adjacency, graph.features, graph.labels, split.parts()
