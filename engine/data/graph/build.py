"""From what a file holds to a `Graph`: edges, features and labels, each put in order or refused.

Every change that is made on the way is one line of the report; facts are set here too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, vstack

from engine.core.errors import UserError
from engine.core.units import counted
from engine.data.graph.graph import UNKNOWN, Graph, adjacency_of
from engine.data.kind import Report

LARGEST_CLASS = 2**53  # as large as a decimal can be read exactly
MAX_FAULTS = 20  # lines per file; the rest is counted
FEW = 8  # names of a list that a line shows
# 60 million values that are not zero: 4 bytes each and 4 for the column = 480 MB, twice that
# for the moment in which the rows are joined.
MAX_VALUES = 60_000_000
BLOCK = 4_000_000  # cells of a dense matrix that are looked at together


@dataclass
class Edges:
    where: str  # the file or the array
    sources: np.ndarray  # int64, already within the nodes
    targets: np.ndarray
    weights: np.ndarray | None = None
    matrix: bool = False  # an adjacency matrix, in which one triangle may stand for both


@dataclass
class Parts:
    """All that was read; `labels` are integers, decimals or text as they stood in the file."""

    nodes: int
    edges: Edges
    features: csr_array | None = None
    features_where: str = "features"
    labels: np.ndarray | None = None
    labels_where: str = "labels"
    first_row: int = 0  # of the labels' file, for its messages
    names: np.ndarray | None = None  # (nodes,) text, where the file does not call them by number


def sparse_rows(values: np.ndarray, where: str) -> csr_array:
    """(N, F) numbers as rows of float32, some at a time: scipy would need 20 bytes per value."""
    if 0 in values.shape:
        raise UserError(where, f"shape {values.shape}; expected a row of features per node")
    blocks: list[csr_array] = []
    step = max(1, BLOCK // values.shape[1])
    for start in range(0, values.shape[0], step):
        with np.errstate(over="ignore"):  # infinite here, and refused with its place later
            blocks.append(csr_array(values[start : start + step].astype(np.float32)))
        refuse_excess(where, sum(block.nnz for block in blocks))
    return csr_array(vstack(blocks, format="csr"))


def refuse_excess(where: str, values: int) -> None:
    if values > MAX_VALUES:
        raise UserError(where, f"over {MAX_VALUES:,} values that are not zero, the most allowed")


def assemble(parts: Parts, report: Report) -> Graph | None:
    """The graph, or None after errors in the report."""
    adjacency = _adjacency(parts.nodes, parts.edges, report)
    features = _features(parts, report)
    labels, classes = _labels(parts, report)
    if report.failed or adjacency is None:
        return None
    graph = Graph(adjacency, features, labels, node_names=parts.names, class_names=classes)
    _shape(graph, report)
    return graph


def _adjacency(nodes: int, edges: Edges, report: Report) -> csr_array | None:
    sources, targets = _weighed(edges, report)
    if sources is None or targets is None:
        return None
    loops = sources == targets
    if loops.any():
        report.warn(edges.where, f"{counted(int(loops.sum()), 'self-loop')} dropped")
        sources, targets = sources[~loops], targets[~loops]
    if not sources.size:
        report.error(edges.where, "no edge between two nodes; expected at least one")
        return None
    codes, repeats = np.unique(sources * nodes + targets, return_counts=True)
    repeated = int((repeats - 1).sum())
    if repeated:
        report.warn(edges.where, f"{counted(repeated, 'repeated entry')} dropped")
    _directions(codes, nodes, edges, report=report)
    return adjacency_of(nodes, codes // nodes, codes % nodes)


def _weighed(edges: Edges, report: Report) -> tuple[np.ndarray | None, np.ndarray | None]:
    """The pairs with a weight; weights themselves are dropped."""
    if edges.weights is None:
        return edges.sources, edges.targets
    odd = np.flatnonzero(~np.isfinite(edges.weights))
    if odd.size:
        report.error(
            edges.where,
            f"{counted(odd.size, 'weight')} NaN or infinite, entry {odd[0]} the first; expected "
            "numbers",
        )
        return None, None
    there = edges.weights != 0
    if not there.all():
        report.warn(edges.where, f"{counted(int((~there).sum()), 'entry')} of weight 0 dropped")
    other = int((edges.weights[there] != 1).sum())
    if other:
        report.warn(
            edges.where, f"{counted(other, 'weight')} other than 1 ignored: an edge is there or not"
        )
    return edges.sources[there], edges.targets[there]


def _directions(codes: np.ndarray, nodes: int, edges: Edges, *, report: Report) -> None:
    """Say how the entries became undirected edges. `codes` are distinct and sorted."""
    sources, targets = codes // nodes, codes % nodes
    backwards = targets * nodes + sources
    at = np.searchsorted(codes, backwards).clip(max=codes.size - 1)
    both = int((codes[at] == backwards).sum())
    total = codes.size - both // 2
    triangle = bool((sources < targets).all() or (sources > targets).all())
    if both == codes.size:
        directed, text = False, f"{counted(total, 'edge')}, each in both directions"
    elif both == 0 and (triangle or not edges.matrix):
        directed, text = False, f"{counted(total, 'edge')}, each once, read as undirected"
    else:
        directed = True
        text = f"{counted(codes.size, 'directed entry')} ({both:,} of them in both directions) "
        text += f"made {counted(total, 'undirected edge')}"
    report.facts["directed_input"] = directed
    (report.warn if directed else report.ok)(edges.where, text)


def _features(parts: Parts, report: Report) -> csr_array | None:
    where, matrix = parts.features_where, parts.features
    if matrix is None:
        report.warn(
            where,
            "no features: defences that compare features mean nothing here (as an attacked "
            "version beside a graph that has them, this is as it should be)",
        )
        return None
    if matrix.shape[0] != parts.nodes:
        report.error(
            where,
            f"{counted(matrix.shape[0], 'row')}; the graph has {counted(parts.nodes, 'node')}",
        )
        return None
    with np.errstate(over="ignore"):
        small = csr_array(matrix, dtype=np.float32)
    _refuse_unfinite(small, where, report)
    small.sort_indices()
    before = small.nnz
    small.sum_duplicates()
    if small.nnz < before:
        report.warn(where, f"{counted(before - small.nnz, 'repeated entry')} added up")
    small.eliminate_zeros()
    empty = int((np.diff(small.indptr) == 0).sum())
    if empty:
        report.warn(where, f"only zeros in {counted(empty, 'node')}")
    cells = small.shape[0] * small.shape[1]
    values = "all 0 or 1" if small.nnz and (small.data == 1).all() else "real-valued"
    share = small.nnz / cells if cells else 0
    report.ok(where, f"{counted(small.shape[1], 'feature')}, {values}, {share:.2%} not zero")
    if np.unique(small.indices).size == small.nnz:
        report.warn(
            where,
            "no two nodes share a feature, as in an identity matrix: defences that compare "
            "features mean nothing here",
        )
    return small


def _refuse_unfinite(matrix: csr_array, where: str, report: Report) -> None:
    odd = np.flatnonzero(~np.isfinite(matrix.data))
    for at in odd[:MAX_FAULTS]:
        row = int(np.searchsorted(matrix.indptr, at, side="right")) - 1
        report.error(
            where,
            f"node {row}, feature {int(matrix.indices[at])}: NaN, infinite or beyond 32 bits; "
            "expected a number",
        )
    if odd.size > MAX_FAULTS:
        report.error(where, f"{odd.size - MAX_FAULTS:,} more of these")


Classes = tuple[np.ndarray | None, np.ndarray | None]  # of each node, and what they are called
NO_CLASSES: Classes = (None, None)


def _labels(parts: Parts, report: Report) -> Classes:
    where, values = parts.labels_where, parts.labels
    if values is None:
        report.ok(where, "no labels")
        return NO_CLASSES
    if values.ndim != 1:
        report.error(where, f"shape {values.shape}; expected one class number per node")
        return NO_CLASSES
    if values.size != parts.nodes:
        report.error(
            where, f"{counted(values.size, 'label')}; the graph has {counted(parts.nodes, 'node')}"
        )
        return NO_CLASSES
    numbers, names = values, None
    if values.dtype.kind in "SU":
        numbers, names = _named(values, where, report)
    if numbers.dtype.kind == "f":
        numbers = _whole(numbers, parts, report)
    if numbers is None or not _from_minus_one(numbers, parts, report):
        return NO_CLASSES
    return _renumbered(numbers.astype(np.int64), names, where, report=report)


def _named(values: np.ndarray, where: str, report: Report) -> tuple[np.ndarray, np.ndarray]:
    """Numbers by alphabet, and the names; an empty name is an unknown class."""
    text = np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values
    names, numbers = np.unique(text, return_inverse=True)
    if names.size and names[0] == "":
        numbers = numbers - 1
        names = names[1:]
    shown = ", ".join(f"{at} = {str(name)[:30]!a}" for at, name in enumerate(names[:FEW]))
    report.ok(where, f"{counted(names.size, 'named class')}, by alphabet: {shown}")
    return numbers, names


def _whole(values: np.ndarray, parts: Parts, report: Report) -> np.ndarray | None:
    wrong = np.flatnonzero(~(values == np.floor(values)) | (np.abs(values) > LARGEST_CLASS))
    _label_faults(values, wrong, parts, report=report)
    if wrong.size:
        return None
    report.warn(parts.labels_where, "labels are written as decimals; read as whole numbers")
    return values.astype(np.int64)


def _from_minus_one(values: np.ndarray, parts: Parts, report: Report) -> bool:
    if values.dtype.kind not in "iu":
        report.error(parts.labels_where, f"type {values.dtype}; expected whole class numbers")
        return False
    # beyond the largest signed number a class would come back from int64 as a negative one
    wrong = np.flatnonzero((values < UNKNOWN) | (values > LARGEST_CLASS))
    _label_faults(values, wrong, parts, report=report)
    return not wrong.size


def _label_faults(values: np.ndarray, wrong: np.ndarray, parts: Parts, *, report: Report) -> None:
    for at in wrong[:MAX_FAULTS]:
        row = f"row {parts.first_row + at}" if parts.first_row else f"node {at}"
        report.error(
            parts.labels_where,
            f"{row}: label {values[at]}; expected a class number from 0, or -1 for unknown",
        )
    if wrong.size > MAX_FAULTS:
        report.error(parts.labels_where, f"{wrong.size - MAX_FAULTS:,} more of these")


def _renumbered(
    labels: np.ndarray, names: np.ndarray | None, where: str, *, report: Report
) -> Classes:
    known = labels != UNKNOWN
    if not known.any():
        report.warn(where, "every label is unknown (-1 or empty), so there are no labels")
        return NO_CLASSES
    classes, numbers, counts = np.unique(labels[known], return_inverse=True, return_counts=True)
    if not known.all():
        report.warn(where, f"{counted(int((~known).sum()), 'node')} of unknown class (-1)")
    if classes[-1] != classes.size - 1:
        old = ", ".join(map(str, classes[:FEW])) + (", …" if classes.size > FEW else "")
        report.warn(where, f"classes {old} renumbered from 0 to {classes.size - 1}")
        names = classes.astype(str)
    lonely = classes[counts < 2]
    if lonely.size:
        shown = ", ".join(map(str, lonely[:FEW])) + (", …" if lonely.size > FEW else "")
        report.warn(where, f"{counted(lonely.size, 'class')} of a single node: {shown}")
    if classes.size == 1:
        report.warn(where, "only one class: there is nothing to tell apart")
    report.ok(where, f"{counted(classes.size, 'class')} of {_span(counts)}")
    result = np.full(labels.size, UNKNOWN, dtype=np.int64)
    result[known] = numbers
    return result, names


def _span(counts: np.ndarray) -> str:
    """How many nodes the classes have."""
    if counts.min() == counts.max():
        return counted(int(counts.min()), "node") + (" each" if counts.size > 1 else "")
    return f"{counts.min():,} to {counted(int(counts.max()), 'node')}"


def _shape(graph: Graph, report: Report) -> None:
    member = graph.components()
    sizes = np.bincount(member)
    largest = member == sizes.argmax()
    isolated = int((graph.degrees == 0).sum())
    inner = int(graph.degrees[largest].sum()) // 2
    homophily = graph.homophily()
    report.facts |= {
        "nodes": graph.nodes,
        "edges": graph.edges,
        "features": graph.features is not None,
        "feature_count": 0 if graph.features is None else int(graph.features.shape[1]),
        "labels": graph.labels is not None,
        "classes": graph.classes,
        "homophily": None if homophily is None else round(homophily, 6),
        "components": int(sizes.size),
        "largest_component_nodes": int(sizes.max()),
        "largest_component_edges": inner,
        "isolated_nodes": isolated,
    }
    if isolated:
        report.warn("graph", f"{counted(isolated, 'node')} without an edge")
    text = f"{counted(graph.nodes, 'node')}, {counted(graph.edges, 'edge')}"
    if sizes.size > 1:
        text += f", {sizes.size:,} components; the largest has {counted(sizes.max(), 'node')}"
        text += f" and {counted(inner, 'edge')}"
    report.ok("graph", text)
