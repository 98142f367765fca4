"""Graph agents: every node owns its parameters and hears only its direct neighbours.

Published (arXiv 2306.06909): agents with a one-hop view; an attention vector of each agent's
own; embedding, degree-inference and neighbour-confidence functions with parameters that can be
sent; a decision rule (SGD on the mini-dataset of what was heard) and an action update (weighted
average with the neighbours' parameters); single-hidden-layer perceptrons suffice. Our
reconstruction: the forms of the functions, the losses, the pair code, how witnesses travel, the
dual storage, and the vote. The equation numbers are those of this method's README.md.

All agents are computed side by side, but nothing is shared: row i of every tensor belongs to
agent i, and the only operators that mix rows are sums over the closed neighbourhood of i.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine.core.errors import UserError
from engine.methods.gagn.neighbourhood import CHUNK, Neighbourhood
from engine.methods.gagn.world import SKETCH, SMALL, World

if TYPE_CHECKING:
    from engine.methods.gagn.params import GagnParams

SAMPLE = 16  # neighbours that one agent's SGD step looks at
LABELLED = 16  # labelled neighbours that one agent's SGD step looks at
PAIR = 4  # width of the pair code, eq. 4
RESAMPLE = 5  # rounds between two draws of the mini-datasets
HOPS = 20  # a witness is forwarded at most so often
COOL = 3  # rounds after which the confidence's steps have halved, so that fusion brings accord
PUPILS = 512  # agents whose embeddings are trained at once: bounds memory


def pair_code(cosine: Tensor, agreement: Tensor) -> Tensor:
    """ψ(u, v), symmetric in the pair (eq. 4)."""
    silent = (cosine == 0).to(cosine.dtype)
    return torch.stack((5 * cosine, silent, 5 * cosine**2, agreement), dim=-1)


def balanced(weights: Tensor) -> Tensor:
    """Rows (N, M) that sum to 1; one of zeros stays."""
    return weights / weights.sum(1, keepdim=True).clamp(min=SMALL)


class Perceptron:
    """One hidden layer; row i of the flat (N, P) tensor is agent i's own weights."""

    def __init__(self, inputs: int, hidden: int):
        self.inputs, self.hidden = inputs, hidden
        self.size = inputs * hidden + 2 * hidden + 1

    def first(self, generator: torch.Generator) -> Tensor:
        """One random draw, which all agents start from."""
        weights = torch.randn(self.inputs, self.hidden, generator=generator) / self.inputs**0.5
        out = torch.randn(self.hidden, generator=generator) / self.hidden**0.5
        return torch.cat((weights.ravel(), torch.zeros(self.hidden), out, torch.zeros(1)))

    def parts(self, flat: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        d, h = self.inputs, self.hidden
        w1 = flat[:, : d * h].view(-1, d, h)
        return w1, flat[:, d * h : d * h + h], flat[:, d * h + h : d * h + 2 * h], flat[:, -1]

    def __call__(self, flat: Tensor, z: Tensor) -> Tensor:
        """Agents' answers: flat (N, P), z (N, M, D) → (N, M)."""
        w1, b1, w2, b2 = self.parts(flat)
        hidden = (z @ w1 + b1[:, None]).relu()
        return (hidden @ w2[:, :, None]).squeeze(-1) + b2[:, None]

    def gradient(self, flat: Tensor, z: Tensor, slope) -> tuple[Tensor, Tensor]:
        """Answers, and the gradient of the loss whose derivative by the answers is `slope(·)`."""
        w1, b1, w2, b2 = self.parts(flat)
        hidden = (z @ w1 + b1[:, None]).relu()  # (N, M, H)
        answers = (hidden @ w2[:, :, None]).squeeze(-1) + b2[:, None]
        pull = slope(answers)  # (N, M)
        back = pull[:, :, None] * w2[:, None] * (hidden > 0)
        w1_grad = z.transpose(1, 2) @ back
        w2_grad = (hidden * pull[:, :, None]).sum(1)
        parts = (w1_grad.flatten(1), back.sum(1), w2_grad, pull.sum(1, keepdim=True))
        return answers, torch.cat(parts, dim=1)


@dataclass
class Losses:
    """Every agent's loss in this round; NaN where it had nothing to learn from."""

    embedding: Tensor
    degree: Tensor
    confidence: Tensor


class Agents:
    """The state of all agents, and one communication round.

    A round replaces the tensors of the state and changes none in place: whoever holds a state
    keeps it, without a copy.
    """

    STATE = ("attention", "embedding", "degree", "confidence", "who", "age", "said", "had")
    LISTS = ("heard", "heard_filled", "taught", "taught_filled", "strangers", "stranger_cosine")
    LISTS += ("stranger_said", "stranger_had", "stranger_filled")
    heat = 1.0  # how many times softer answers are told: above 1 only in an attacker's thoughts

    def __init__(
        self, world: World, graph: Neighbourhood, params: GagnParams, *, like: Agents | None = None
    ):
        """`like`: agents on another graph; in a world of the same features their similarities are
        reused."""
        self.world, self.graph, self.params = world, graph, params
        self.delta = Perceptron(world.classes + SKETCH, params.hidden)
        self.phi = Perceptron(PAIR, params.hidden)
        if like is None or like.world.features is not world.features:
            self.edge_cosine = world.cosine(graph.row, graph.col)
        else:
            known, self.edge_cosine = like.carried(graph, like.edge_cosine)
            new = torch.nonzero(~known).ravel()
            self.edge_cosine[new] = world.cosine(graph.row[new], graph.col[new])
        self.held = held_out(graph)  # edges that never teach the confidence

    def begin(self, generator: torch.Generator) -> None:
        n, classes, device = self.world.n, self.world.classes, self.world.device
        slots = max(1, self.params.witnesses)
        self.attention = torch.zeros(len(self.graph.col), device=device)
        self.embedding = torch.zeros(n, self.world.code.shape[1], classes, device=device)
        self.degree = self.delta.first(generator).to(device).repeat(n, 1)
        self.confidence = self.phi.first(generator).to(device).repeat(n, 1)
        self.who = torch.arange(n, device=device)[:, None].repeat(1, slots)  # witness lists
        self.age = torch.arange(slots, device=device).remainder(HOPS).repeat(n, 1)  # out of step
        self.said = torch.full((n, slots, classes), 1 / classes, device=device)
        self.had = self.graph.degree[:, None].repeat(1, slots)  # neighbours, as they set out
        self.sample(generator)

    def move_to(self, graph: Neighbourhood, generator: torch.Generator) -> Agents:
        """The same agents on a subgraph: they keep their parameters and lose neighbours."""
        moved = self.among(graph)
        moved.sample(generator)
        return moved

    def among(self, graph: Neighbourhood, world: World | None = None) -> Agents:
        """The same agents among other neighbours, or in another world: they can answer and fuse.
        An edge that is new starts with the attention of the agent's own entry."""
        moved = Agents(world or self.world, graph, self.params, like=self)
        for name in self.STATE:
            setattr(moved, name, getattr(self, name))
        moved.attention = self.carried(graph, self.attention)[1]
        return moved

    def carried(self, graph: Neighbourhood, values: Tensor) -> tuple[Tensor, Tensor]:
        """Values of my entries at the entries of another graph, and which of those I have.

        An entry that is new gets the value of the agent's own entry.
        """
        mine = self.graph
        keys, wanted = mine.row * mine.n + mine.col, graph.row * graph.n + graph.col
        place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
        known = keys[place] == wanted
        own = values[mine.own]  # one per agent, in order
        return known, torch.where(known, values[place], own[graph.row])

    def state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.STATE + self.LISTS}

    def restore(self, state: dict[str, Any], names: tuple[str, ...] = STATE + LISTS) -> None:
        if "had" not in state:
            raise UserError("job", "was run by an earlier version of GAgN: run it again to go on")
        for name in names:
            setattr(self, name, state[name].to(self.world.device))

    # What an agent knows

    def alpha(self) -> Tensor:
        """Attention α_ij over the closed neighbourhood (eq. 1)."""
        return self.graph.share(self.attention)

    def logits(self) -> Tensor:
        """η_i(z_i), (N, C)."""
        return torch.bmm(self.world.code[:, None], self.embedding).squeeze(1)

    def told(self, logits: Tensor) -> Tensor:
        """Class shares (N, C), as soft as answers are told."""
        return (logits / self.heat).softmax(1)

    def answers(self) -> Tensor:
        """p_i = softmax η_i(z_i), the opinion that agent i sends (eq. 2)."""
        return self.told(self.logits())

    def edge_confidence(self, opinions: Tensor) -> Tensor:
        """φ_i(i, j) for every entry of the closed neighbourhoods."""
        graph = self.graph
        code = pair_code(self.edge_cosine, self.agreement(opinions))
        return self.judge(graph.row, code)

    def judge(self, agents: Tensor, code: Tensor) -> Tensor:
        """φ of the named agents on pair codes, entry by entry."""
        parts = [
            self.phi(self.confidence[agents[k : k + CHUNK]], code[k : k + CHUNK, None])
            for k in range(0, len(agents), CHUNK)
        ]
        return torch.cat(parts).squeeze(1).sigmoid() if parts else code[:, 0]

    def inferred_degree(self, answers: Tensor) -> tuple[Tensor, Tensor]:
        """Sum of δ_k(z_u) over the neighbours k of u, and each δ_k(z_u) by entry (u, k)."""
        graph, z = self.graph, torch.cat((answers, self.world.sketch), 1)
        parts = [
            self.delta(
                self.degree[graph.col[k : k + CHUNK]], z[graph.row[k : k + CHUNK], None]
            ).squeeze(1)
            for k in range(0, len(graph.col), CHUNK)
        ]
        told = torch.cat(parts) * ~graph.own
        return graph.total(told), told

    def agreement(self, opinions: Tensor) -> Tensor:
        row, col = self.graph.row, self.graph.col
        parts = [
            (opinions[row[k : k + CHUNK]] * opinions[col[k : k + CHUNK]]).sum(1)
            for k in range(0, len(row), CHUNK)
        ]
        return torch.cat(parts)

    # A communication round

    def round(self, number: int, generator: torch.Generator) -> Losses:
        """Messages, decision rules, action update (README, "A round")."""
        if self.params.witnesses:
            self.forward(self.world.opinions(self.answers()), generator)
        if number % RESAMPLE == 0:
            self.sample(generator)
        return self.learn(number)

    def learn(self, number: int) -> Losses:
        """The part of a round without chance: every agent acts on the one message of each
        neighbour, fusing the parameters in it and learning from the states in it."""
        answers = self.answers()
        opinions = self.world.opinions(answers)
        self.fuse()
        losses = Losses(
            self.learn_embedding(),
            self.learn_degree(answers),
            self.learn_confidence(opinions, step=self.params.lr_confidence / (1 + number / COOL)),
        )
        if self.params.lr_attention and number >= self.params.warm:
            self.learn_attention(opinions)
        return losses

    def forward(self, opinions: Tensor, generator: torch.Generator) -> None:
        """Witness lists take one hop: each slot is filled from a random neighbour's list.

        A witness that has travelled far enough is replaced by the neighbour itself. Half of the
        slots are for witnesses whose label is known: only such a neighbour replaces one there,
        and it does so at once where the one that came has no label (ours; what agents know of
        far classes is mostly heard here, and an attack on edges hardly changes it).
        """
        graph, slots = self.graph, self.who.shape[1]
        known, half = self.world.known, slots // 2
        learned = torch.arange(slots, device=graph.device) < half
        chance = torch.rand(2, graph.n, slots, generator=generator).to(self.world.device)
        offset = (chance[0] * graph.degree[:, None]).long() + 1  # skips one entry: any but one
        closed = graph.degree[:, None] + 1
        own = torch.nonzero(graph.own).ravel() - graph.crow[:-1]
        place = graph.crow[:-1, None] + (own[:, None] + offset) % closed
        sender = graph.col[place]  # never oneself, unless one is alone
        width = torch.where(learned, half, slots - half)
        slot = half * ~learned + (chance[1] * width).long()  # whole numbers: no rounding up
        age = self.age[sender, slot] + 1
        fresh = age > HOPS
        wanted = known[sender] & (fresh | ~known[self.who[sender, slot]])
        fresh = torch.where(learned, wanted, fresh)
        self.who = torch.where(fresh, sender, self.who[sender, slot])
        self.said = torch.where(fresh[..., None], opinions[sender], self.said[sender, slot])
        self.had = torch.where(fresh, graph.degree[sender], self.had[sender, slot])
        self.age = torch.where(fresh, 1, age)

    def sample(self, generator: torch.Generator) -> None:
        """Draw the mini-datasets of the next rounds out of what was heard."""
        graph, world = self.graph, self.world
        self.heard, self.heard_filled = graph.draw(~graph.own, SAMPLE, generator)
        self.taught, self.taught_filled = graph.draw(world.known[graph.col], LABELLED, generator)
        me = torch.arange(graph.n, device=world.device)[:, None].expand_as(self.who)
        self.strangers, self.stranger_said, self.stranger_had = self.who, self.said, self.had
        self.stranger_filled = ~graph.knows(me.ravel(), self.who.ravel()).view(self.who.shape)
        self.stranger_cosine = world.cosine(me, self.who)

    def lessons(self) -> tuple[Tensor, Tensor]:
        """Labelled nodes that each agent heard of, and their weights (N, M) (eq. 5).

        Neighbours share 1 − ρ, labelled witnesses ρ: hearsay keeps far classes in mind. Among
        either a node of d neighbours weighs 1/(1 + d): the more agents hear of it, the less each
        makes of it, so that labels count more alike (ours).
        """
        rho = self.params.hearsay
        neighbours, strangers = self.graph.col[self.taught], self.strangers
        near = self.taught_filled / (1 + self.graph.degree[neighbours])
        far = (self.stranger_filled & self.world.known[strangers]) / (1 + self.stranger_had)
        weight = torch.cat(((1 - rho) * balanced(near), rho * balanced(far)), 1)
        return torch.cat((neighbours, strangers), 1), weight

    def learn_embedding(self) -> Tensor:
        """SGD on cross-entropy over the states of labelled nodes (eq. 5)."""
        world, params = self.world, self.params
        before = self.embedding
        after = before * (1 - params.decay)
        loss = torch.full((world.n,), torch.nan, device=world.device)
        nodes, weight = self.lessons()
        left = (weight == 0).int().argsort(dim=1, stable=True)  # lessons first, gaps last
        nodes, weight = nodes.gather(1, left), weight.gather(1, left)
        count = (weight > 0).sum(1)
        pupils = torch.nonzero(count).ravel()
        pupils = pupils[count[pupils].argsort(stable=True)]  # alike ones are computed together
        for who in pupils.split(PUPILS) if len(pupils) else ():
            width = int(count[who[-1]])
            them, part = nodes[who, :width], weight[who, :width]
            log_p = (world.code[them] @ before[who]).log_softmax(-1)  # (a, M, C)
            target = world.target[them]
            loss[who] = -(part * (target * log_p).sum(-1)).sum(1) / part.sum(1)
            error = part[..., None] * (log_p.exp() - target) * params.lr_embedding
            if world.dual:
                a, b = torch.nonzero(part, as_tuple=True)
                place = who[a], world.place[them[a, b]]
                after.index_put_(place, -error[a, b], accumulate=True)
            else:
                after[who] -= world.code[them].transpose(1, 2) @ error
        self.embedding = after
        return loss

    def learn_degree(self, answers: Tensor) -> Tensor:
        """SGD on smooth L1 between δ_i(z_j) and log(1 + d_j) over the neighbourhood (eq. 6)."""
        if not self.params.degree:
            return torch.full((self.graph.n,), torch.nan, device=self.world.device)
        graph = self.graph
        me = torch.arange(graph.n, device=graph.device)[:, None]
        members = torch.cat((graph.col[self.heard], me), 1)  # (N, M)
        filled = torch.cat((self.heard_filled, torch.ones_like(me, dtype=torch.bool)), 1)
        weight = filled / filled.sum(1, keepdim=True)
        z = torch.cat((answers, self.world.sketch), 1)[members]
        target = (graph.degree[members] + 1).float().log()
        told, gradient = self.delta.gradient(
            self.degree, z, lambda told: weight * (told - target).clamp(-1, 1)
        )
        self.degree = self.degree - self.params.lr_degree * gradient
        miss = (told - target).abs()
        return (weight * torch.where(miss < 1, miss**2 / 2, miss - 0.5)).sum(1)

    def learn_confidence(self, opinions: Tensor, *, step: float) -> Tensor:
        """SGD on cross-entropy: neighbours are pairs, witnesses are none, in balance (eq. 7)."""
        graph = self.graph
        nothing = torch.full((graph.n,), torch.nan, device=self.world.device)
        if not (self.params.witnesses and self.params.confidence):
            return nothing
        near = self.heard_filled & ~self.held[self.heard]
        far = self.stranger_filled
        able = near.any(1) & far.any(1)  # both kinds, or there is nothing to tell apart
        near, far = near & able[:, None], far & able[:, None]
        weight = torch.cat(
            (
                0.5 * near / near.sum(1, keepdim=True).clamp(min=1),
                0.5 * far / far.sum(1, keepdim=True).clamp(min=1),
            ),
            1,
        )
        target = torch.cat((near.float(), torch.zeros_like(far, dtype=torch.float)), 1)
        mine = opinions[:, None]
        code = torch.cat(
            (
                pair_code(
                    self.edge_cosine[self.heard],
                    (mine * opinions[graph.col[self.heard]]).sum(-1),
                ),
                pair_code(self.stranger_cosine, (mine * self.stranger_said).sum(-1)),
            ),
            1,
        )  # (N, M, 4)
        told, gradient = self.phi.gradient(
            self.confidence, code, lambda told: weight * (told.sigmoid() - target)
        )
        self.confidence = self.confidence - step * gradient
        loss = torch.nn.functional.binary_cross_entropy_with_logits(told, target, reduction="none")
        return torch.where(able, (weight * loss).sum(1), nothing)

    def learn_attention(self, opinions: Tensor) -> None:
        """Ascent on Σ_j α_ij g_ij by its closed gradient α_ij (g_ij − ḡ_i) (eq. 3)."""
        alpha, gain = self.alpha(), self.gain(opinions)
        mean = self.graph.total(alpha * gain)
        slope = alpha * (gain - mean[self.graph.row])
        self.attention = self.attention + self.params.lr_attention * slope

    def gain(self, opinions: Tensor) -> Tensor:
        """g_ij; to itself an agent is as good as its neighbours are on average."""
        graph = self.graph
        gain = self.agreement(opinions)
        if self.params.witnesses and self.params.confidence:
            gain = 0.5 * gain + 0.5 * self.edge_confidence(opinions)
        gain = gain * ~graph.own
        mean = graph.total(gain) / graph.degree.clamp(min=1)
        return torch.where(graph.own, mean[graph.row], gain)

    def fuse(self) -> None:
        """θ_i ← (1 − β) θ_i + β Σ_j α_ij θ_j for every function that can be sent (eq. 8)."""
        beta = self.params.fusion
        weights = beta * self.alpha() + (1 - beta) * self.graph.own
        self.embedding = self.graph.mix(weights, self.embedding)
        if self.params.degree:
            self.degree = self.graph.mix(weights, self.degree)
        if self.params.witnesses and self.params.confidence:
            self.confidence = self.graph.mix(weights, self.confidence)


def held_out(graph: Neighbourhood, *, one_in: int = 10) -> Tensor:
    """A tenth of the edges by a hash of the pair: the same for both ends and for every seed."""
    low, high = torch.minimum(graph.row, graph.col), torch.maximum(graph.row, graph.col)
    mixed = (low * 2654435761 + high * 40503 + 12345) % 2147483647
    return (mixed * 48271 % 2147483647 % one_in == 0) & ~graph.own
