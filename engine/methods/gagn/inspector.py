"""The files that GAgN leaves for its inspector, for other jobs, and for people.

They are described one by one in this method's README.md, "Artifacts".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from scipy.sparse.csgraph import shortest_path

from engine.core import checkpoint
from engine.methods.gagn import judgement
from engine.methods.gagn.filter import without
from engine.methods.gagn.layout import layout
from engine.methods.gagn.readout import accuracy, family
from engine.methods.gagn.verdicts import Rule, Scores, by_level, levels, scan

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.gagn.agents import Agents
    from engine.methods.gagn.case import Case

DIGITS = 4
LONGEST = 60  # characters of a name that the page shows
VERDICTS = ("kept", "spared", "removed")
BANDS = ((0, 0), (1, 1), (2, 2), (3, 4), (5, 8), (9, 16), (17, None))  # degrees
BINS = 20


def write(
    run: Run,
    case: Case,
    agents: Agents,
    *,
    found: dict[str, torch.Tensor],
    chosen: dict[str, Any],
    proposal: dict[str, Any] | None,
    scores: Scores,
    verdict: np.ndarray,
    adversarial: np.ndarray | None,
) -> None:
    shares = found[chosen["readout"]].cpu()
    predicted = shares.argmax(1).numpy()
    rule = Rule(
        proposal["mode"] if proposal else "multi",
        proposal["tau"] if proposal else run.params.thresholds[0],
        run.params.attention_floor,
        run.params.allow_isolated,
    )
    bits = levels(scores, rule)
    nodes = _nodes(run, case, agents, found=found, shares=shares)
    edges = _edges(scores, verdict, bits, adversarial)
    _json(run, "inspector/nodes.json", "Nodes", nodes)
    _json(run, "inspector/edges.json", "Edge verdicts", edges)
    overview = {
        "readout": chosen["readout"],
        "round": chosen["round"],
        "stage": chosen["stage"],
        "rule": {"mode": rule.mode, "tau": rule.tau, "kappa": rule.kappa, "used": bool(proposal)},
        "levels": by_level(scores, rule, verdict, adversarial),
        "thresholds": scan(scores, rule, case.nodes, adversarial),
        "by_degree": _by_degree(case, predicted),
        "by_hop": _by_hop(case, predicted),
        "confidence_bins": _bins(scores.c_uv, adversarial),
        "attention_bins": _bins(np.minimum(scores.share, 2) / 2, adversarial),
        "readouts": _readouts(run, case, found),
    }
    _json(run, "inspector/overview.json", "Overview", overview)
    run.table(
        "readouts",
        ("readout", "val_accuracy", "test_accuracy", "chosen"),
        [
            (
                row["name"],
                row["val_accuracy"],
                row["test_accuracy"],
                row["name"] == chosen["readout"],
            )
            for row in overview["readouts"]
        ],
        title="Readouts",
    )
    if adversarial is not None:
        judgement.draw(run, case, scores.c_uv, adversarial)
    _edge_table(run, case, scores, verdict, bits, adversarial)
    _exports(run, case, agents, chosen=chosen, scores=scores, verdict=verdict, predicted=predicted)


def _json(run: Run, path: str, title: str, value: Any) -> None:
    with run.artifact(path, title=title, role="inspector", media="application/json") as file:
        file.write_text(json.dumps(value, separators=(",", ":"), allow_nan=False), "utf-8")


def _short(values: np.ndarray | torch.Tensor) -> list[float]:
    return np.round(np.asarray(values, dtype=np.float64), DIGITS).tolist()


def parts(case: Case) -> np.ndarray:
    """0 neither, 1 train, 2 validation, 3 test, per node."""
    part = np.zeros(case.nodes, np.int8)
    for number, nodes in enumerate(case.split.parts().values(), start=1):
        part[nodes] = number
    return part


def _nodes(
    run: Run, case: Case, agents: Agents, *, found: dict[str, torch.Tensor], shares: torch.Tensor
) -> dict[str, Any]:
    position = layout(case.adjacency, run.rng("layout"))
    total, _ = agents.inferred_degree(agents.answers())
    told = (total / agents.graph.degree.clamp(min=1)).cpu()
    return {
        "id": case.kept.tolist(),
        "name": _names(case.node_names),
        "class_name": _names(case.class_names),
        "x": _short(position[:, 0]),
        "y": _short(position[:, 1]),
        "label": case.labels.tolist(),
        "part": parts(case).tolist(),
        "predicted": shares.argmax(1).tolist(),
        "confidence": _short(shares.max(1).values),
        "degree": np.diff(case.adjacency.indptr).tolist(),
        "degree_after": agents.graph.degree.tolist(),
        "degree_inferred": _short(told.exp() - 1),
        "hop": _hops(case).tolist(),
        "readouts": {name: value.argmax(1).tolist() for name, value in found.items()},
    }


def _names(names: np.ndarray | None) -> list[str] | None:
    return None if names is None else [name[:LONGEST] for name in names.tolist()]


def _edges(
    scores: Scores, verdict: np.ndarray, bits: np.ndarray, adversarial: np.ndarray | None
) -> dict[str, Any]:
    return {
        "u": scores.u.tolist(),
        "v": scores.v.tolist(),
        **{
            name: _short(getattr(scores, name))
            for name in ("alpha_uv", "alpha_vu", "share", "e_u", "e_v", "c_uv")
        },
        "levels": bits.tolist(),
        "verdict": verdict.tolist(),
        "adversarial": None if adversarial is None else adversarial.astype(int).tolist(),
    }


def _edge_table(
    run: Run,
    case: Case,
    scores: Scores,
    verdict: np.ndarray,
    bits: np.ndarray,
    adversarial: np.ndarray | None,
) -> None:
    columns = ["u", "v", "alpha_uv", "alpha_vu", "e_u", "e_v", "c_uv"]
    columns += ["attention", "degree", "confidence", "verdict", "adversarial"]
    run.table(
        "edges",
        columns,
        (
            (
                *(int(case.kept[node]) for node in (scores.u[k], scores.v[k])),
                *(
                    round(float(getattr(scores, name)[k]), 6)
                    for name in ("alpha_uv", "alpha_vu", "e_u", "e_v", "c_uv")
                ),
                *(bool(bits[k] & bit) for bit in (1, 2, 4)),
                VERDICTS[verdict[k]],
                None if adversarial is None else bool(adversarial[k]),
            )
            for k in range(len(scores))
        ),
        title="Edge verdicts",
    )


def _hops(case: Case) -> np.ndarray:
    """Distance of each node to the nearest training label; −1 where there is no path."""
    n = case.nodes
    rows = np.full(len(case.split.train), n)
    source = sp.coo_array(
        (np.ones(len(rows), np.float32), (rows, case.split.train)), shape=(n + 1, n + 1)
    )
    grown = case.adjacency.tocoo()
    grown = sp.coo_array((grown.data, (grown.row, grown.col)), shape=(n + 1, n + 1))
    far = shortest_path(sp.csr_array(source + grown), unweighted=True, indices=n)[:n] - 1
    return np.where(np.isfinite(far), far, -1).astype(np.int64)


def _share_right(case: Case, predicted: np.ndarray, among: np.ndarray) -> dict[str, Any]:
    test = case.split.test
    nodes = test[among[test]]
    right = float((predicted[nodes] == case.labels[nodes]).mean()) if len(nodes) else None
    return {"nodes": len(nodes), "accuracy": right}


def _by_degree(case: Case, predicted: np.ndarray) -> list[dict[str, Any]]:
    degree = np.diff(case.adjacency.indptr)
    rows = []
    for low, high in BANDS:
        among = (degree >= low) & (degree <= (high if high is not None else degree.max()))
        name = str(low) if low == high else f"{low}–{high}" if high is not None else f"{low}+"
        rows.append({"degree": name, **_share_right(case, predicted, among)})
    return [row for row in rows if row["nodes"]]


def _by_hop(case: Case, predicted: np.ndarray) -> list[dict[str, Any]]:
    hops = _hops(case)
    return [
        {"hop": int(hop), **_share_right(case, predicted, hops == hop)}
        for hop in np.unique(hops[case.split.test])
    ]


def _bins(values: np.ndarray, adversarial: np.ndarray | None) -> dict[str, Any]:
    edges = np.linspace(0, 1, BINS + 1)
    if adversarial is None:
        return {"edges": edges.tolist(), "all": np.histogram(values, edges)[0].tolist()}
    return {
        "edges": edges.tolist(),
        "honest": np.histogram(values[~adversarial], edges)[0].tolist(),
        "adversarial": np.histogram(values[adversarial], edges)[0].tolist(),
    }


def _readouts(run: Run, case: Case, found: dict[str, torch.Tensor]) -> list[dict[str, Any]]:
    labels = torch.from_numpy(case.labels).to(run.device)
    nodes = {name: torch.from_numpy(part) for name, part in case.split.parts().items()}
    return [
        {
            "name": name,
            "family": family(name),
            "val_accuracy": accuracy(shares, labels, nodes["val"]),
            "test_accuracy": accuracy(shares, labels, nodes["test"]),
        }
        for name, shares in found.items()
    ]


def _exports(
    run: Run,
    case: Case,
    agents: Agents,
    *,
    chosen: dict[str, Any],
    scores: Scores,
    verdict: np.ndarray,
    predicted: np.ndarray,
) -> None:
    cut = without(case.adjacency, scores, verdict)
    with run.artifact(
        "export/purified.npz",
        title="Purified graph",
        role="export",
        media="application/octet-stream",
        kind="graph",
        facts={"nodes": case.nodes, "edges": cut.nnz // 2, "features": False, "labels": False},
    ) as path:
        sp.save_npz(path, sp.csr_matrix(cut))
    if case.drawn:
        split = case.split
        facts = {name: len(nodes) for name, nodes in split.parts().items()}
        with run.artifact(
            "export/split.json",
            title="Split drawn by the seed",
            role="export",
            media="application/json",
            kind="split",
            facts=facts | {"max_index": split.max_index, "keys": True},
        ) as path:
            keys = {f"idx_{name}": nodes.tolist() for name, nodes in split.parts().items()}
            path.write_text(json.dumps(keys), "utf-8")
    run.table(
        "predictions",
        ("node", "label", "predicted", "part"),
        zip(
            case.kept.tolist(),
            case.labels.tolist(),
            predicted.tolist(),
            np.array(("", "train", "val", "test"))[parts(case)].tolist(),
            strict=True,
        ),
        title="Predictions",
    )
    with run.artifact(
        "inspector/agents.safetensors",
        title="The agents themselves",
        role="inspector",
        media="application/octet-stream",
    ) as path:
        save_agents(path, case, agents, chosen=chosen, scores=scores, verdict=verdict)


def save_agents(
    path: Path,
    case: Case,
    agents: Agents,
    *,
    chosen: dict[str, Any],
    scores: Scores,
    verdict: np.ndarray,
) -> None:
    """All that a what-if needs beside the job's inputs."""
    state = {
        "agents": agents.state(),
        "adjacency": {"indptr": case.adjacency.indptr, "indices": case.adjacency.indices},
        "split": case.split.parts(),
        "scores": scores.as_state(),
        "verdict": verdict,
        "readout": chosen["readout"],
    }
    checkpoint.save(path, state)


def write_baselines(run: Run, finished: list[dict[str, Any]]) -> None:
    settings = list(dict.fromkeys(name for row in finished for name in row["settings"]))
    run.table(
        "baselines",
        ("baseline", *settings, "val_accuracy", "test_accuracy", "epoch", "seconds"),
        [
            (
                row["name"],
                *(row["settings"].get(name) for name in settings),
                row["val_accuracy"],
                row["test_accuracy"],
                row["epoch"],
                round(row["seconds"], 3),
            )
            for row in finished
        ],
        title="Baselines",
    )
