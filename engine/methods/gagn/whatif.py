"""Questions that a finished GAgN job answers at once, from the agents that it kept.

`threshold` moves the filter and lets the same agents vote on the graph that remains, `node` lets
one agent explain itself, also with an edge or features changed: nothing is trained again. For
`influence` agents learn on for some rounds beside one that lies, and so does a GCN.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch

from engine.core import checkpoint
from engine.core.errors import UserError
from engine.core.seed import torch_stream
from engine.data.split.split import Split
from engine.methods.gagn.agents import Agents
from engine.methods.gagn.case import Case, prepare
from engine.methods.gagn.filter import added, without
from engine.methods.gagn.influence import among_agents, by_hop, distances, in_model
from engine.methods.gagn.neighbourhood import Neighbourhood
from engine.methods.gagn.params import InfluenceParams, NodeParams, ThresholdParams
from engine.methods.gagn.readout import accuracy, readouts
from engine.methods.gagn.verdicts import (
    KEPT,
    REMOVED,
    SPARED,
    Rule,
    Scores,
    area,
    by_level,
    decide,
    judged,
    scan,
)
from engine.methods.gagn.world import World

if TYPE_CHECKING:
    from engine.core.job import Job
    from engine.methods.gagn.defences import Fit

NAMES = {KEPT: "kept", SPARED: "spared", REMOVED: "removed"}
SHOWN = 60  # neighbours of one answer


class WhatIf:
    def __init__(self, job: Job):
        stored = checkpoint.load(job.path("inspector/agents.safetensors"))
        self.params, self.seed = job.params, job.seed
        # the split was kept, since it may have been drawn by the job's own stream
        split = Split(**{name: np.asarray(part) for name, part in stored["split"].items()})
        self.case: Case = prepare(
            job.inputs["graph"],
            job.inputs["perturbed"],
            split,
            params=job.params,
            rng=np.random.default_rng(0),
        )
        if job.params.attack:
            fought = attacked(self.case.adjacency, stored["adjacency"])
            clean = self.case.adjacency if self.case.clean is None else self.case.clean
            self.case = replace(self.case, adjacency=fought, clean=clean)
        self.world = self.case.world(self.params, seed=self.seed)
        self.scores = Scores(**{name: np.asarray(v) for name, v in stored["scores"].items()})
        self.verdict = np.asarray(stored["verdict"])
        self.readout: str = stored["readout"]
        self.state = stored["agents"]
        self.adjacency = without(self.case.adjacency, self.scores, self.verdict)
        self.whole = Agents(self.world, Neighbourhood(self.case.adjacency), self.params)
        left = Neighbourhood(self.adjacency)
        self.agents = Agents(self.world, left, self.params, like=self.whole)
        self.agents.restore(self.state)
        self.labels = torch.from_numpy(self.case.labels)
        self._trained: Fit | None = None
        self.adversarial: np.ndarray | None = None
        if self.case.clean is not None:
            self.adversarial = added(self.case.clean, self.scores)

    def threshold(self, params: ThresholdParams) -> dict[str, Any]:
        """Verdicts under other thresholds, and what the same agents then answer."""
        rule = Rule(params.mode, params.tau, params.kappa, params.allow_isolated)
        verdict = decide(self.scores, rule, self.case.nodes)
        removed = verdict == REMOVED
        agents = self._on(without(self.case.adjacency, self.scores, verdict))
        shares = readouts(agents, only=self.readout)[self.readout]
        answer: dict[str, Any] = {
            "rule": rule.words(),
            "edges": len(verdict),
            "kept": int((verdict == KEPT).sum()),
            "spared": int((verdict == SPARED).sum()),
            "removed": int(removed.sum()),
            "levels": by_level(self.scores, rule, verdict, self.adversarial),
            "thresholds": scan(self.scores, rule, self.case.nodes, self.adversarial),
            "verdict": verdict.tolist(),
            "readout": self.readout,
            "retrained": False,
            "precision": None,
            "recall": None,
            "auc": None,
        }
        for name, nodes in self.case.split.parts().items():
            answer[f"{name}_accuracy"] = accuracy(shares, self.labels, torch.from_numpy(nodes))
        if self.adversarial is not None:
            answer |= judged(removed, self.adversarial)
            answer["auc"] = area(-self.scores.c_uv, self.adversarial)
        return answer

    def node(self, params: NodeParams) -> dict[str, Any]:
        """One agent: whom it hears and believes, what it infers and answers, and what changes."""
        case, node = self.case, self._place("node", params.node)
        before = self._agent(self.agents, node, params.tau)
        answer = {"node": params.node, **before, "changed": None}
        if params.toggle is None and not params.flip_features:
            return answer
        adjacency, whole, world = self.adjacency, case.adjacency, self.world
        if params.toggle is not None:
            other = self._place("toggle", params.toggle)
            if other == node:
                raise UserError(
                    "toggle", "expected another node: agents have no edge to themselves"
                )
            answer["added"] = adjacency[node, other] == 0
            adjacency = toggled(adjacency, node, other)
            if (whole[node, other] == 0) == answer["added"]:  # else the filter had cut it
                whole = toggled(whole, node, other)
        if params.flip_features:
            world = world.where(flipped(case.features, node, params.flip_features))
        around = Agents(world, Neighbourhood(whole), self.params, like=self.whole)
        after = self._on(adjacency, world.among(around.graph, around.edge_cosine))
        answer["changed"] = self._agent(after, node, params.tau)
        was = readouts(self.agents, only=self.readout)[self.readout].argmax(1)
        now = readouts(after, only=self.readout)[self.readout].argmax(1)
        moved = np.flatnonzero((was != now).numpy())
        others = case.kept[moved[moved != node]]
        answer["others_changed"] = others[:SHOWN].tolist()
        answer["others_changed_left_out"] = max(0, len(others) - SHOWN)
        test = torch.from_numpy(case.split.test)
        answer["test_accuracy_change"] = (
            (now[test] == self.labels[test]).double().mean()
            - (was[test] == self.labels[test]).double().mean()
        ).item()
        return answer

    def influence(self, params: InfluenceParams) -> dict[str, Any]:
        """What a false label changes, by distance, among these agents and in a GCN."""
        case, node = self.case, self._place("node", params.node)
        if not self.world.known[node]:
            raise UserError("node", "expected a training node: others learn from no other label")
        was = int(case.labels[node])
        claim = self._likeliest_but(node, was) if params.claims is None else params.claims
        if claim == was or claim >= case.classes:
            raise UserError(
                "claims", f"expected a class from 0 to {case.classes - 1} but {was}, got {claim}"
            )
        hops = distances(case.adjacency, node)
        weights, answers = among_agents(
            self.agents, node, claim, rounds=params.rounds, seed=self.seed
        )
        everywhere, gcn_answers = in_model(self._gcn(), node, claim, epochs=params.rounds)
        return {
            "node": params.node,
            "was": was,
            "claims": claim,
            "rounds": params.rounds,
            "nodes": np.bincount(hops[hops >= 0]).tolist(),
            "agents": {"parameters": by_hop(weights, hops), "answers": by_hop(answers, hops)},
            "gcn": {"parameters": everywhere, "answers": by_hop(gcn_answers, hops)},
        }

    def _likeliest_but(self, node: int, label: int) -> int:
        shares = self.agents.answers()[node].clone()
        shares[label] = -1
        return int(shares.argmax())

    def _gcn(self) -> Fit:
        """A GCN of this graph, trained when it is first asked for."""
        if self._trained is None:
            from engine.methods.gagn import defences  # PyG takes a second and 110 MB to load

            ground = defences.Ground(self.case, "cpu")
            generator = torch_stream(self.seed, "influence.gcn")
            self._trained = defences.begin(defences.Unit("gcn"), ground, generator=generator)
            for _ in range(self.params.baseline_epochs):
                self._trained.step()
        return self._trained

    def _place(self, where: str, node: int) -> int:
        """Where a node of the upload stands among those that the job works on."""
        kept = self.case.kept  # ascending
        place = int(np.searchsorted(kept, node))
        if place == len(kept) or kept[place] != node:
            expected = f"expected one of the {len(kept)} nodes of this job"
            raise UserError(where, f"{expected} ({kept[0]} to {kept[-1]}), got {node}")
        return place

    def _on(self, adjacency: sp.csr_array, world: World | None = None) -> Agents:
        """The same agents with other edges; a new edge starts with the weight of the own entry."""
        return self.agents.among(Neighbourhood(adjacency), world)

    def _agent(self, agents: Agents, node: int, tau: float) -> dict[str, Any]:
        graph, world = agents.graph, agents.world
        answers = agents.answers()
        opinions = world.opinions(answers)
        found = readouts(agents)
        alpha = agents.alpha()
        first, last = int(graph.crow[node]), int(graph.crow[node + 1])
        entries = torch.arange(first, last)
        sure = agents.edge_confidence(opinions)[entries]
        near = graph.col[first:last]
        z = torch.cat((answers[node], world.sketch[node])).expand(len(near), 1, -1)
        told = agents.delta(agents.degree[near], z).squeeze(1)
        neighbours = [
            {
                "node": int(self.case.kept[graph.col[entry]]),
                "attention": float(alpha[entry]),
                "confidence": float(sure[entry - first]),
                "cosine": float(agents.edge_cosine[entry]),
                "agreement": float((opinions[node] * opinions[graph.col[entry]]).sum()),
                "infers_degree": float(told[entry - first].exp() - 1),
                "believed": bool(sure[entry - first] >= tau),
                "prediction": int(opinions[graph.col[entry]].argmax()),
                **self._edge(node, int(graph.col[entry])),
            }
            for entry in entries.tolist()
            if not graph.own[entry]
        ]
        neighbours.sort(key=lambda row: -row["attention"])
        degree = int(graph.degree[node])
        return {
            "label": int(self.case.labels[node]),
            "known": bool(world.known[node]),
            "prediction": int(found[self.readout][node].argmax()),
            "shares": {name: [round(float(p), 4) for p in v[node]] for name, v in found.items()},
            "own_attention": float(alpha[entries[graph.own[entries]]][0]),
            "degree": degree,
            "degree_inferred": float(told[near != node].mean().exp() - 1) if degree else None,
            "neighbours": neighbours[:SHOWN],
            "neighbours_left_out": max(0, len(neighbours) - SHOWN),
        }

    def _edge(self, u: int, v: int) -> dict[str, Any]:
        """What the ledger says of this edge; nothing where it was not in the graph."""
        low, high = min(u, v), max(u, v)
        here = np.flatnonzero((self.scores.u == low) & (self.scores.v == high))
        if not len(here):
            return {"verdict": None, "adversarial": None, "c_uv": None}
        k = int(here[0])
        return {
            "verdict": NAMES[int(self.verdict[k])],
            "adversarial": None if self.adversarial is None else bool(self.adversarial[k]),
            "c_uv": float(self.scores.c_uv[k]),
        }


def attacked(clean: sp.csr_array, stored: dict[str, Any]) -> sp.csr_array:
    """The graph that the agents lived on, as the job kept it."""
    indptr, indices = (np.asarray(stored[name]) for name in ("indptr", "indices"))
    ones = np.ones(len(indices), clean.dtype)
    return sp.csr_array((ones, indices, indptr), shape=clean.shape)


def toggled(adjacency: sp.csr_array, u: int, v: int) -> sp.csr_array:
    """The graph with the edge (u, v) added if it was absent, else removed."""
    value = 0.0 if adjacency[u, v] else 1.0
    changed = sp.lil_array(adjacency)
    changed[u, v] = changed[v, u] = value
    changed = sp.csr_array(changed).astype(np.float32)
    changed.eliminate_zeros()
    changed.sort_indices()
    return changed


def flipped(features: sp.csr_array, node: int, columns: list[int]) -> sp.csr_array:
    """Features with some columns of one node set to 1, or to 0 where they were not 0."""
    row = features[[node]].toarray()
    bad = [column for column in columns if not 0 <= column < row.shape[1]]
    if bad:
        raise UserError(
            "flip_features", f"expected columns from 0 to {row.shape[1] - 1}, got {bad[0]}"
        )
    row[0, columns] = np.where(row[0, columns] == 0, 1.0, 0.0)
    parts = [features[:node], sp.csr_array(row), features[node + 1 :]]
    return sp.csr_array(sp.vstack([part for part in parts if part.shape[0]], format="csr"))
