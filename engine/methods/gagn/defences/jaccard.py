"""GCN-Jaccard (Wu et al., 2019): the GCN after dropping edges between dissimilar nodes."""

from __future__ import annotations

import scipy.sparse as sp

from engine.methods.gagn.defences.gcn import GcnFit
from engine.methods.gagn.defences.similarity import ends, jaccard, of_edges


class JaccardFit(GcnFit):
    defaults = {**GcnFit.defaults, "threshold": 0.0}
    grid = tuple({"threshold": value} for value in (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1))

    def clean(self, adjacency: sp.csr_array) -> sp.csr_array:
        """Without edges less similar than the threshold; threshold 0 drops those at 0."""
        u, v = ends(adjacency)
        similarity, threshold = jaccard(self.ground.features, u, v), self.settings["threshold"]
        kept = similarity >= threshold if threshold else similarity > 0
        return of_edges(self.ground.nodes, u[kept], v[kept])
