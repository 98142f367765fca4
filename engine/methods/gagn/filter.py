"""Scoring every edge by the agents themselves: attention, degree inference, confidence."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from engine.methods.gagn.agents import Agents, pair_code
from engine.methods.gagn.neighbourhood import CHUNK
from engine.methods.gagn.verdicts import REMOVED, Scores, area

JURY = 3  # jurors from each end's other neighbours, beside the two ends themselves


def score(agents: Agents, generator: torch.Generator) -> Scores:
    """eq. 9–11 for every undirected edge; a juror is an end of the edge or its neighbour."""
    graph = agents.graph
    answers = agents.answers()
    opinions = agents.world.opinions(answers)
    forth = torch.nonzero(graph.row < graph.col).ravel()
    u, v = graph.row[forth], graph.col[forth]
    keys = graph.row * graph.n + graph.col
    back = torch.searchsorted(keys, v * graph.n + u)
    alpha = agents.alpha()
    uniform = alpha * (graph.degree[graph.row] + 1)
    excess_u, excess_v = _excess(agents, answers, forth), _excess(agents, answers, back)
    confidence = _jury(agents, opinions, u, v, agents.edge_cosine[forth], generator)
    values = {
        "u": u,
        "v": v,
        "alpha_uv": alpha[forth],
        "alpha_vu": alpha[back],
        "share": torch.minimum(uniform[forth], uniform[back]),
        "e_u": excess_u,
        "e_v": excess_v,
        "c_uv": confidence,
    }
    return Scores(**{name: np.array(value.cpu().numpy()) for name, value in values.items()})


def _excess(agents: Agents, answers: Tensor, entries: Tensor) -> Tensor:
    """e_u of entry (u, v): log(1 + d_u) above what u's neighbours without v infer (eq. 10)."""
    graph = agents.graph
    if not agents.params.degree:
        return torch.zeros(len(entries), device=graph.device)
    total, told = agents.inferred_degree(answers)
    u = graph.row[entries]
    others = graph.degree[u] - 1
    mean = (total[u] - told[entries]) / others.clamp(min=1)
    return torch.where(others > 0, (graph.degree[u] + 1).float().log() - mean, 0.0)


def _jury(
    agents: Agents,
    opinions: Tensor,
    u: Tensor,
    v: Tensor,
    cosine: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """c_uv: mean confidence of the ends and of up to three other neighbours of each (eq. 11)."""
    graph = agents.graph
    code = pair_code(cosine, (opinions[u] * opinions[v]).sum(1))
    jurors, seated = [u, v], [torch.ones_like(u, dtype=torch.bool)] * 2
    for one, other in ((u, v), (v, u)):
        size = graph.degree[one] + 1
        start = (torch.rand(len(one), generator=generator).to(graph.device) * size).long()
        for seat in range(JURY):
            juror = graph.col[graph.crow[one] + (start + seat) % size]
            jurors.append(juror)
            seated.append((juror != one) & (juror != other) & (seat < size))
    told = torch.stack(
        [
            torch.cat(
                [
                    agents.judge(juror[k : k + CHUNK], code[k : k + CHUNK])
                    for k in range(0, len(juror), CHUNK)
                ]
                or [cosine]
            )
            for juror in jurors
        ]
    )
    present = torch.stack(seated)
    return (told * present).sum(0) / present.sum(0)


def check_confidence(
    agents: Agents, generator: torch.Generator
) -> tuple[float | None, float | None]:
    """AUC of confidence and of plain cosine: held-out edges against fresh witnesses (eq. 12)."""
    graph = agents.graph
    opinions = agents.world.opinions(agents.answers())
    edges = torch.nonzero(agents.held).ravel()
    me = torch.arange(graph.n, device=graph.device)[:, None].expand_as(agents.who)
    stranger = ~graph.knows(me.ravel(), agents.who.ravel())
    u = torch.cat((graph.row[edges], me.ravel()[stranger]))
    v = torch.cat((graph.col[edges], agents.who.ravel()[stranger]))
    cosine = agents.world.cosine(u, v)
    told = _jury(agents, opinions, u, v, cosine, generator).cpu().numpy()
    positive = np.arange(len(u)) < len(edges)
    return area(told, positive), area(cosine.cpu().numpy(), positive)


def without(adjacency: sp.csr_array, scores: Scores, verdict: np.ndarray) -> sp.csr_array:
    """The graph without its removed edges."""
    keep = verdict != REMOVED
    u, v = scores.u[keep], scores.v[keep]
    ones = np.ones(2 * len(u), np.float32)
    rows, columns = np.concatenate((u, v)), np.concatenate((v, u))
    cut = sp.csr_array((ones, (rows, columns)), shape=adjacency.shape)
    cut.sort_indices()
    return cut


def added(clean: sp.csr_array, scores: Scores) -> np.ndarray:
    """Which scored edges the clean graph does not have."""
    n, pairs = clean.shape[0], clean.tocoo()
    known = pairs.row.astype(np.int64) * n + pairs.col
    return ~np.isin(scores.u * n + scores.v, known)
