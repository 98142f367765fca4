"""From agents to classes: by oneself, by a mixture of neighbours, or by exchanged opinions.

Published: an agent classifies with its own embedding function. The vote is our reconstruction:
its rounds are messages like any others, one hop each, weighted by what agents learnt of one
another, so a neighbour that looks like a stranger hardly counts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.methods.gagn.agents import Agents

ODDS = 20.0  # confidence counts as at most these odds


@dataclass(frozen=True)
class Vote:
    trust: str  # "uniform", "attention", "confidence"
    stay: float  # weight of one's own first opinion in each exchange
    exchanges: int

    @property
    def name(self) -> str:
        return f"vote.{self.trust}.{self.exchanges}"


VOTES = tuple(
    Vote(trust, stay, exchanges)
    for trust, stay, exchanges in (
        ("attention", 0.3, 2),
        ("uniform", 0.1, 8),
        ("confidence", 0.3, 4),
        ("confidence", 0.3, 8),
    )
)
FAMILIES = ("self", "neighbour", "vote")


def family(name: str) -> str:
    return name.split(".")[0]


def trust(agents: Agents, kind: str, opinions: Tensor, alpha: Tensor) -> Tensor:
    """How much each agent weighs each neighbour's opinion; sums to 1 unless it has none."""
    graph = agents.graph
    if kind == "uniform":
        weight = graph.weight
    elif kind == "attention":
        weight = alpha
    else:
        sure = agents.edge_confidence(opinions)
        odds = (sure / (1 - sure).clamp(min=1e-6)).clamp(max=ODDS)
        weight = alpha * odds**2 * (agents.agreement(opinions) + 0.1)
    weight = weight * ~graph.own
    return weight / graph.total(weight).clamp(min=1e-12)[graph.row]


def vote(agents: Agents, rule: Vote, opinions: Tensor, weight: Tensor) -> Tensor:
    """Opinions after some exchanges; a known label is never talked away (eq. 13)."""
    world, heard = agents.world, opinions
    for _ in range(rule.exchanges):
        heard = rule.stay * opinions + (1 - rule.stay) * agents.graph.mix(weight, heard)
        heard = torch.where(world.known[:, None], world.target, heard)
    return heard


def readouts(agents: Agents, *, only: str | None = None) -> dict[str, Tensor]:
    """Class shares (N, C) of every readout, or of the one named."""
    wanted = [name for name in names(agents) if only in (None, name)]
    answers, alpha = agents.answers(), agents.alpha()
    opinions = agents.world.opinions(answers)
    found, weights = {}, {}
    for name in wanted:
        if name == "self":
            found[name] = answers
        elif name == "neighbour":
            mixture = agents.graph.mix(alpha, agents.world.code)
            logits = torch.bmm(mixture[:, None], agents.embedding).squeeze(1)
            found[name] = agents.told(logits)
        else:
            rule = next(rule for rule in VOTES if rule.name == name)
            if rule.trust not in weights:
                weights[rule.trust] = trust(agents, rule.trust, opinions, alpha)
            found[name] = vote(agents, rule, opinions, weights[rule.trust])
    return found


def names(agents: Agents) -> list[str]:
    confident = bool(agents.params.witnesses and agents.params.confidence)
    votes = [rule.name for rule in VOTES if confident or rule.trust != "confidence"]
    return ["self", "neighbour", *votes]


def accuracy(shares: Tensor, labels: Tensor, nodes: Tensor) -> float:
    return (shares[nodes].argmax(1) == labels[nodes]).double().mean().item()
