"""Small graphs with known structure, and a plain agent to compare the batched ones with."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

from engine.methods.gagn.agents import COOL, Agents
from engine.methods.gagn.neighbourhood import Neighbourhood
from engine.methods.gagn.params import GagnParams
from engine.methods.gagn.world import World


def planted(
    *, nodes: int = 120, classes: int = 3, width: int = 60, seed: int = 0, degree: float = 5.0
) -> tuple[sp.csr_array, sp.csr_array, np.ndarray]:
    """A connected graph whose neighbours tend to share class and words."""
    rng = np.random.default_rng(seed)
    labels = np.arange(nodes) % classes
    order = rng.permutation(nodes)
    pairs = {(min(a, b), max(a, b)) for a, b in pairwise(order)}
    while len(pairs) < nodes * degree / 2:
        u, v = rng.integers(0, nodes, 2)
        if u != v and (labels[u] == labels[v] or rng.random() < 0.1):
            pairs.add((min(u, v), max(u, v)))
    u, v = np.array(sorted(pairs)).T
    block = width // classes
    chance = np.full((nodes, width), 0.05)
    for node in range(nodes):
        chance[node, labels[node] * block : (labels[node] + 1) * block] = 0.3
    words = (rng.random((nodes, width)) < chance).astype(np.float32)
    words[np.arange(nodes), labels * block] = 1  # nobody is silent
    return adjacency(nodes, u, v), sp.csr_array(words), labels.astype(np.int64)


def adjacency(nodes: int, u: np.ndarray, v: np.ndarray) -> sp.csr_array:
    ones = np.ones(2 * len(u), np.float32)
    matrix = sp.csr_array((ones, (np.r_[u, v], np.r_[v, u])), shape=(nodes, nodes))
    matrix.sort_indices()
    return matrix


def world(
    features: sp.csr_array,
    labels: np.ndarray,
    train: np.ndarray,
    *,
    dual: bool | None = None,
    around: sp.csr_array | None = None,
) -> World:
    """`around`: the graph over which features are exchanged twice; None: they are not."""
    return World(
        features,
        labels,
        np.sort(train),
        classes=int(labels.max()) + 1,
        projection=512,
        seed=0,
        dual=dual,
        around=None if around is None else Neighbourhood(around),
        exchanges=2,
    )


def agents(
    graph: sp.csr_array, place: World, params: GagnParams, *, seed: int = 0
) -> tuple[Agents, torch.Generator]:
    made = Agents(place, Neighbourhood(graph), params)
    generator = torch.Generator().manual_seed(seed)
    made.begin(generator)
    return made, generator


def write_graph(path: Path, matrix: sp.csr_array, words: sp.csr_array, labels: np.ndarray) -> None:
    """A graph with features and labels as one npz."""
    parts = {
        f"{name}_{part}": getattr(of, part)
        for name, of in (("adj", matrix), ("attr", words))
        for part in ("data", "indices", "indptr", "shape")
    }
    np.savez(path, labels=labels, **parts)


def write_inputs(folder: Path, *, seed: int = 0, nodes: int = 120) -> dict[str, Path]:
    """graph.npz, an attacked perturbed.npz and split.json, as a user would upload them."""
    matrix, words, labels = planted(nodes=nodes, seed=seed)
    paths = {name: folder / name for name in ("graph.npz", "perturbed.npz", "split.json")}
    write_graph(paths["graph.npz"], matrix, words, labels)
    rng = np.random.default_rng(seed + 1)
    u, v = rng.integers(0, nodes, (2, nodes // 2))
    wrong = labels[u] != labels[v]
    both = sp.csr_array(matrix + adjacency(nodes, u[wrong], v[wrong]))
    both.data[:] = 1
    sp.save_npz(paths["perturbed.npz"], sp.csr_matrix(both))
    order = np.random.default_rng(seed + 2).permutation(nodes)
    parts = {"train": order[: nodes // 5], "val": order[nodes // 5 : nodes // 2]}
    parts["test"] = order[nodes // 2 :]
    text = json.dumps({f"idx_{name}": sorted(part.tolist()) for name, part in parts.items()})
    paths["split.json"].write_text(text)
    return {"graph": paths["graph.npz"], "perturbed": paths["perturbed.npz"],
            "split": paths["split.json"]}  # fmt: skip


class PlainAgents:
    """The same rounds as one loop over agents, each with its own autograd: slow and obvious.

    It shares the mini-datasets with the batched agents and nothing else.
    """

    def __init__(self, batched: Agents, who: list[int]):
        self.batched, self.who = batched, who

    def round(self, number: int) -> dict[int, dict[str, torch.Tensor]]:
        """Parameters of the agents in `who` after one round, from the batched state before it."""
        return {i: self._learn(i, self._fuse(i), number) for i in self.who}

    def _fuse(self, i: int) -> dict[str, torch.Tensor]:
        graph, beta = self.batched.graph, self.batched.params.fusion
        first, last = graph.crow[i].item(), graph.crow[i + 1].item()
        alpha = self.batched.attention[first:last].softmax(0)
        fused = {}
        for name in ("embedding", "degree", "confidence"):
            sent = getattr(self.batched, name)
            average = sum(a * sent[j] for a, j in zip(alpha, graph.col[first:last], strict=True))
            fused[name] = (1 - beta) * sent[i] + beta * average
        return fused

    def _opinion(self, node: int) -> torch.Tensor:
        place = self.batched.world
        if place.known[node]:
            return place.target[node]
        return self._answer(node)

    def _answer(self, node: int) -> torch.Tensor:
        return (self.batched.world.code[node] @ self.batched.embedding[node]).softmax(0)

    def _learn(self, i: int, own: dict[str, torch.Tensor], number: int) -> dict[str, torch.Tensor]:
        all_, params, graph, place = (
            self.batched, self.batched.params, self.batched.graph, self.batched.world,
        )  # fmt: skip
        first, last = graph.crow[i].item(), graph.crow[i + 1].item()
        inbox = graph.col[first:last].tolist()
        # embedding
        weights = own["embedding"].clone().requires_grad_(True)
        near = [graph.col[e].item() for e, ok in zip(all_.taught[i], all_.taught_filled[i],
                strict=True) if ok]  # fmt: skip
        far = [k.item() for k, ok in zip(all_.strangers[i], all_.stranger_filled[i], strict=True)
               if ok and place.known[k]]  # fmt: skip
        loss, lessons = torch.zeros(()), []
        for nodes, share in ((near, 1 - params.hearsay), (far, params.hearsay)):
            rare = [1 / (1 + graph.degree[j].item()) for j in nodes]
            lessons += [(j, share * one / sum(rare)) for j, one in zip(nodes, rare, strict=True)]
        for j, weight in lessons:
            surprise = -(place.code[j] @ weights).log_softmax(0) @ place.target[j]
            loss = loss + weight * surprise
        if lessons:
            loss.backward()
        step = torch.zeros_like(weights) if weights.grad is None else weights.grad
        if place.dual and lessons:
            # in the dual coordinates a step on plain weights is a step per label, not per weight
            step = torch.zeros_like(step)
            for j, weight in lessons:
                error = (place.code[j] @ own["embedding"]).softmax(0) - place.target[j]
                step[place.place[j]] += weight * error
        embedding = (1 - params.decay) * own["embedding"]
        embedding = embedding - params.lr_embedding * step
        # degree inference
        flat = own["degree"][None].clone().requires_grad_(True)
        members = [graph.col[e].item() for e, ok in zip(all_.heard[i], all_.heard_filled[i],
                   strict=True) if ok] + [i]  # fmt: skip
        z = torch.stack([torch.cat((self._answer(j), place.sketch[j])) for j in members])
        truth = (graph.degree[members] + 1).float().log()
        torch.nn.functional.smooth_l1_loss(all_.delta(flat, z[None])[0], truth).backward()
        degree = own["degree"] - params.lr_degree * flat.grad[0]
        # confidence
        mine = self._opinion(i)
        confidence = own["confidence"]
        pairs = [(e, 1.0) for e, ok in zip(all_.heard[i].tolist(), all_.heard_filled[i],
                 strict=True) if ok and not all_.held[e]]  # fmt: skip
        strangers = [s for s, ok in enumerate(all_.stranger_filled[i]) if ok]
        if params.witnesses and params.confidence and pairs and strangers:
            flat = confidence[None].clone().requires_grad_(True)
            total = torch.zeros(())
            for e, _ in pairs:
                j = graph.col[e].item()
                told = all_.phi(flat, self._code(i, j, mine @ self._opinion(j)))
                total = total - told.sigmoid().log().sum() / len(pairs) / 2
            for s in strangers:
                k = all_.strangers[i, s].item()
                told = all_.phi(flat, self._code(i, k, mine @ all_.stranger_said[i, s]))
                total = total - (1 - told.sigmoid()).log().sum() / len(strangers) / 2
            total.backward()
            confidence = confidence - params.lr_confidence / (1 + number / COOL) * flat.grad[0]
        # attention
        logits = all_.attention[first:last].clone().requires_grad_(True)
        attention = logits.detach()
        if params.lr_attention and number >= params.warm:
            gain = []
            for j in inbox:
                agreement = mine @ self._opinion(j)
                if params.witnesses and params.confidence:
                    sure = all_.phi(confidence[None], self._code(i, j, agreement)).sigmoid()
                    agreement = 0.5 * agreement + 0.5 * sure[0, 0]
                gain.append(agreement)
            others = [g for g, j in zip(gain, inbox, strict=True) if j != i]
            gain[inbox.index(i)] = sum(others) / max(1, len(others)) + torch.zeros(())
            (logits.softmax(0) @ torch.stack(gain).detach()).backward()
            attention = attention + params.lr_attention * logits.grad
        return {"embedding": embedding, "degree": degree, "confidence": confidence,
                "attention": attention}  # fmt: skip

    def _code(self, i: int, j: int, agreement: torch.Tensor) -> torch.Tensor:
        features = self.batched.world.features
        cosine = float((features[[i]] @ features[[j]].T).toarray()[0, 0])
        return torch.tensor([[[5 * cosine, float(cosine == 0), 5 * cosine**2, float(agreement)]]])
