"""GAgN's card: what it is, what it takes and answers, and what inputs must have in common."""

from __future__ import annotations

from collections.abc import Mapping

from engine.core.method import Baseline, Facts, Input, Method, Need, Paper, Question
from engine.methods.gagn.metrics import METRICS
from engine.methods.gagn.params import GagnParams, InfluenceParams, NodeParams, ThresholdParams

BASELINES = (
    Baseline("mlp", "MLP", "Two layers on a node's own features; never sees an edge."),
    Baseline(
        "gcn",
        "GCN",
        "Two graph convolutions, hidden 16, on the same graph; dropout tuned on validation.",
    ),
    Baseline(
        "gat",
        "GAT",
        "Two layers of attention, 8 heads of 8; dropout and step size tuned on validation.",
    ),
    Baseline(
        "jaccard",
        "GCN-Jaccard",
        "The GCN after dropping edges between dissimilar nodes; threshold tuned on validation.",
    ),
    Baseline(
        "svd",
        "GCN-SVD",
        "The GCN on a low-rank approximation of the graph; rank tuned on validation.",
    ),
    Baseline(
        "rgcn",
        "RGCN",
        "Hidden units are Gaussians; nodes of large variance are heard less.",
    ),
    Baseline(
        "gnnguard",
        "GNNGuard",
        "Each layer weighs edges by how alike their ends are; threshold tuned on validation.",
    ),
    Baseline(
        "prognn",
        "Pro-GNN (truncated)",
        "Learns a low-rank, sparse, smooth graph together with the GCN. Keeps a dense graph: up to "
        "5,000 nodes.",
    ),
)


def _conflict(params: GagnParams, given: Mapping[str, Facts]) -> tuple[str, str] | None:
    if params.fixed_cut and not (params.confidence and params.witnesses):
        return "filter", "a cut is asked for, but the filter needs confidence and witness slots"
    graph, perturbed, split = (given.get(name, {}) for name in ("graph", "perturbed", "split"))
    if graph.get("classes") in (0, 1):
        return "graph", "expected nodes of at least two classes; all labels are the same"
    whole = graph.get("nodes")
    used = graph.get("largest_component_nodes") if params.largest_component else whole
    if whole is None or used is None:  # not known before the job has read the graph
        return None
    if perturbed.get("nodes", used) != used:
        return "perturbed", other_size(perturbed["nodes"], used, whole)
    if split.get("max_index", 0) >= used:
        return "split", beyond(f"names node {split['max_index']}", used, whole)
    if params.targets and params.targets[-1] >= whole:
        return "targets", f"expected nodes 0 to {whole - 1} of the upload, got {params.targets[-1]}"
    return None


def other_size(given: int, used: int, whole: int) -> str:
    """Of a perturbed graph that is not as large as the graph in use."""
    text = f"has {given} nodes; expected {used}"
    if used != whole:
        text += f", as the largest component of the {whole} nodes of the graph"
    if given == whole:
        text += "; switch off largest_component to work on all of them"
    return text


def beyond(what: str, used: int, whole: int) -> str:
    """Of a split of a larger graph than the one in use."""
    text = f"{what}; expected nodes 0 to {used - 1}"
    if used != whole:
        text += (
            f" of the largest component, which has {used} of the {whole} nodes; switch off "
            "largest_component if the split counts all of them"
        )
    return text


METHOD = Method(
    slug="gagn",
    title="GAgN",
    paper=Paper(
        title="Graph Agent Network: Empowering Nodes with Inference Capabilities for "
        "Adversarial Resilience",
        authors="Ao Liu, Wenshan Li, Tao Li, Beibei Li, Guangquan Xu, Pan Zhou, Wengang Ma, "
        "Hanyuan Huang",
        year=2023,
        url="https://arxiv.org/abs/2306.06909",
    ),
    summary="Every node is an agent with parameters of its own. Agents talk to direct neighbours "
    "only, learn from what they hear, infer degrees and confidences, cut edges that they do not "
    "believe, and so withstand manipulated edges. Reconstructed from the published description.",
    inputs=(
        Input(
            "graph",
            "graph",
            "Graph",
            "Edges, labels and features; the clean graph where a perturbed one is given. Where it "
            "has no features, nodes differ by their names alone.",
            needs=(Need("labels", True, "expected labels, to train and test with; it has none"),),
        ),
        Input(
            "perturbed",
            "graph",
            "Perturbed graph",
            "An attacked adjacency of the same nodes: training and testing then run on it, and "
            "the clean edges only judge the filter. Attacks made in this job spend their budget on "
            "top of it.",
            optional=True,
        ),
        Input(
            "split",
            "split",
            "Split",
            "Which nodes train, validate and test; counted within the largest component if that is "
            "what is used. Left out: 10/10/80 per class by the seed.",
            optional=True,
        ),
    ),
    params=GagnParams,
    conflict=_conflict,
    metrics=METRICS,
    baselines=BASELINES,
    questions=(
        Question("threshold", "Move the filter's thresholds", ThresholdParams),
        Question("node", "Ask one agent", NodeParams),
        Question("influence", "Let one agent lie", InfluenceParams),
    ),
    whatif="engine.methods.gagn.whatif:WhatIf",
    entry="engine.methods.gagn.method:run",
    threads=1,
)
