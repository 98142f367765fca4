"""DeepRobust's approximate Metattack on a graph; run by metattack.py in the peer's environment.

    python deeprobust_metattack.py GRAPH OUT FLIPS SEED

GRAPH is an npz of dense arrays: edges (E, 2), features (N, F), labels, train, val, rest. Writes the
flipped pairs to OUT and prints one line of JSON.
"""

from __future__ import annotations

import builtins
import json
import resource
import sys
import time
import warnings

import numpy as np
import scipy.sparse as sp
import torch

# The peer warns of a package that it can do without, and forgets to import what it warns with.
builtins.warnings = warnings

from deeprobust.graph.defense import GCN  # noqa: E402
from deeprobust.graph.global_attack import MetaApprox  # noqa: E402
from deeprobust.graph.utils import preprocess  # noqa: E402


def main(graph: str, out: str, flips: str, seed: str) -> None:
    given = np.load(graph)
    nodes = len(given["labels"])
    u, v = given["edges"].T
    ones = np.ones(2 * len(u))
    matrix = sp.csr_matrix((ones, (np.r_[u, v], np.r_[v, u])), (nodes, nodes))
    np.random.seed(int(seed))
    torch.manual_seed(int(seed))
    adjacency, features, labels = preprocess(
        matrix, sp.csr_matrix(given["features"]), given["labels"], preprocess_adj=False
    )
    options = {"dropout": 0, "with_relu": False, "with_bias": False, "device": "cpu"}
    surrogate = GCN(features.shape[1], nhid=16, nclass=int(labels.max()) + 1, **options)
    surrogate.fit(features, adjacency, labels, given["train"], given["val"], patience=30)
    attack = MetaApprox(surrogate, nodes, features.shape, device="cpu", lambda_=0)
    began = time.perf_counter()
    attack.attack(
        features, adjacency, labels, given["train"], given["rest"], int(flips), ll_constraint=False
    )
    seconds = time.perf_counter() - began
    changed = np.argwhere(np.triu(attack.modified_adj.numpy() != adjacency.numpy(), 1))
    np.save(out, changed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_bytes": peak}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
