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

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

if TYPE_CHECKING:
    from engine.methods.gagn.card import GagnParams

# said once by torch about the very format that the fusion needs; it changes no number
warnings.filterwarnings("ignore", message=".*Sparse CSR tensor support is in beta")

SAMPLE = 16  # neighbours that one agent's SGD step looks at
LABELLED = 16  # labelled neighbours that one agent's SGD step looks at
SKETCH = 16  # width of the public random sketch that degree inference reads
PAIR = 4  # width of the pair code, eq. 4
RESAMPLE = 5  # rounds between two draws of the mini-datasets
HOPS = 20  # a witness is forwarded at most so often
COOL = 3  # rounds after which the confidence's steps have halved, so that fusion brings accord
DUAL = 1024  # up to so many labels the embedding functions are stored exactly
PUPILS = 512  # agents whose embeddings are trained at once: bounds memory
CHUNK = 1 << 16  # edges judged at once: bounds memory, changes no number


class Neighbourhood:
    """The closed neighbourhoods of all agents as one CSR list of (i, j), j = i included."""

    def __init__(self, adjacency: sp.csr_array, device: str = "cpu"):
        self.n = adjacency.shape[0]
        closed = sp.csr_array(adjacency + sp.eye_array(self.n, format="csr", dtype=np.float32))
        closed.sort_indices()
        self.crow = torch.from_numpy(closed.indptr.astype(np.int64)).to(device)
        self.col = torch.from_numpy(closed.indices.astype(np.int64)).to(device)
        self.row = torch.repeat_interleave(torch.arange(self.n, device=device), self.crow.diff())
        self.own = self.row == self.col
        self.degree = self.crow.diff() - 1  # (N,)
        self.device = device

    def total(self, values: Tensor) -> Tensor:
        """Sum over each agent's closed neighbourhood, in a fixed order."""
        return torch.segment_reduce(values, "sum", offsets=self.crow)

    def share(self, logits: Tensor) -> Tensor:
        """Softmax over each agent's closed neighbourhood (eq. 1)."""
        top = torch.segment_reduce(logits, "max", offsets=self.crow)
        grown = (logits - top[self.row]).exp()
        return grown / self.total(grown)[self.row]

    def mix(self, weights: Tensor, values: Tensor) -> Tensor:
        """Every agent's weighted sum of what its neighbours (and itself) sent."""
        matrix = torch.sparse_csr_tensor(
            self.crow, self.col, weights, (self.n, self.n), check_invariants=False
        )
        return (matrix @ values.reshape(self.n, -1)).view(values.shape)

    def knows(self, agents: Tensor, others: Tensor) -> Tensor:
        """Is `others` in the closed neighbourhood of `agents`, entry by entry?"""
        keys = self.row * self.n + self.col  # ascending, since CSR is sorted
        wanted = agents * self.n + others
        place = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
        return keys[place] == wanted

    def draw(self, allowed: Tensor, width: int, generator: torch.Generator) -> tuple:
        """Up to `width` allowed entries per agent: places (N, width) and which are filled."""
        places = torch.nonzero(allowed).ravel()
        chance = torch.rand(len(places), generator=generator).to(self.device)
        # stable sorts: first by chance, then by agent, hence random order within each agent
        places = places[chance.argsort(stable=True)]
        places = places[self.row[places].argsort(stable=True)]
        agents = self.row[places]
        count = torch.bincount(agents, minlength=self.n)
        rank = torch.arange(len(places), device=self.device) - (count.cumsum(0) - count)[agents]
        keep = rank < width
        drawn = torch.zeros(self.n, width, dtype=torch.int64, device=self.device)
        filled = torch.zeros(self.n, width, dtype=torch.bool, device=self.device)
        drawn[agents[keep], rank[keep]] = places[keep]
        filled[agents[keep], rank[keep]] = True
        return drawn, filled


class World:
    """What does not change: features, known labels, and the coordinates of the embedding.

    An embedding function is linear, starts at zero, and learns and fuses linearly, so agent
    i's weights are always X_trainᵀ Γ_i (eq. 2d): storing Γ_i, one row per training label, is
    exact and small. Row j of `code` is x_j in those coordinates. Where there are too many
    labels, the code is x_j itself, or its public projection, and Γ_i are plain weights.
    """

    def __init__(
        self,
        features: sp.csr_array,
        labels: np.ndarray,
        train: np.ndarray,
        *,
        classes: int,
        projection: int,
        seed: int,
        device: str = "cpu",
        dual: bool | None = None,
    ):
        n, width = features.shape
        lengths = np.sqrt(np.asarray(features.multiply(features).sum(axis=1)).ravel())
        scale = sp.diags_array(1 / np.maximum(lengths, 1e-12))
        self.features = sp.csr_array(scale @ features).astype(np.float32)  # rows of length 1
        self.classes, self.device, self.n = classes, device, n
        self.dual = len(train) <= min(DUAL, max(width, projection)) if dual is None else dual
        public = np.random.Generator(np.random.PCG64(seed))
        if self.dual:
            code = (self.features @ self.features[train].T).toarray()
        elif dual is False or width <= projection:
            code = self.features.toarray()
        else:
            signs = public.integers(0, 2, (width, projection), dtype=np.int8) * 2 - 1
            code = self.features @ (signs.astype(np.float32) / np.float32(projection**0.5))
        self.code = torch.from_numpy(np.ascontiguousarray(code, np.float32)).to(device)  # (N, B)
        sketch = self.features @ public.standard_normal((width, SKETCH), np.float32)
        self.sketch = torch.from_numpy(np.asarray(sketch, np.float32)).to(device)  # (N, 16)
        trained = torch.from_numpy(train)
        self.place = torch.full((n,), -1, dtype=torch.int64)  # of a training node among them
        self.place[trained] = torch.arange(len(train))
        self.known = self.place >= 0
        self.target = torch.zeros(n, classes)
        self.target[trained, torch.from_numpy(labels[train])] = 1
        self.place, self.known = self.place.to(device), self.known.to(device)
        self.target = self.target.to(device)  # (N, C), zero rows where no label is known

    def cosine(self, first: Tensor, second: Tensor) -> Tensor:
        """cos(x_u, x_v) entry by entry, by sparse rows."""
        u, v = first.ravel().cpu().numpy(), second.ravel().cpu().numpy()
        parts = [
            self.features[u[k : k + CHUNK]].multiply(self.features[v[k : k + CHUNK]]).sum(axis=1)
            for k in range(0, len(u), CHUNK)
        ]
        flat = np.concatenate(parts).astype(np.float32) if parts else np.zeros(0, np.float32)
        return torch.from_numpy(flat).to(self.device).view(first.shape)

    def opinions(self, answers: Tensor) -> Tensor:
        """q: the label where it is known, else the agent's own prediction."""
        return torch.where(self.known[:, None], self.target, answers)


def pair_code(cosine: Tensor, agreement: Tensor) -> Tensor:
    """ψ(u, v), symmetric in the pair (eq. 4)."""
    silent = (cosine == 0).to(cosine.dtype)
    return torch.stack((5 * cosine, silent, 5 * cosine**2, agreement), dim=-1)


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

    STATE = ("attention", "embedding", "degree", "confidence", "who", "age", "said")
    LISTS = ("heard", "heard_filled", "taught", "taught_filled", "strangers", "stranger_cosine")
    LISTS += ("stranger_said", "stranger_filled")

    def __init__(
        self, world: World, graph: Neighbourhood, params: GagnParams, *, like: Agents | None = None
    ):
        """`like`: agents of the same world on another graph, whose similarities are reused."""
        self.world, self.graph, self.params = world, graph, params
        self.delta = Perceptron(world.classes + SKETCH, params.hidden)
        self.phi = Perceptron(PAIR, params.hidden)
        if like is None:
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
        self.sample(generator)

    def move_to(self, graph: Neighbourhood, generator: torch.Generator) -> Agents:
        """The same agents on a subgraph: they keep their parameters and lose neighbours."""
        moved = Agents(self.world, graph, self.params, like=self)
        for name in self.STATE:
            setattr(moved, name, getattr(self, name))
        moved.attention = self.carried(graph, self.attention)[1]
        moved.sample(generator)
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

    def restore(self, state: dict[str, Any]) -> None:
        for name in self.STATE + self.LISTS:
            setattr(self, name, state[name].to(self.world.device))

    # What an agent knows

    def alpha(self) -> Tensor:
        """Attention α_ij over the closed neighbourhood (eq. 1)."""
        return self.graph.share(self.attention)

    def answers(self) -> Tensor:
        """p_i = softmax η_i(x_i), the opinion that agent i sends (eq. 2)."""
        logits = torch.bmm(self.world.code[:, None], self.embedding).squeeze(1)
        return logits.softmax(1)

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
        self.age = torch.where(fresh, 1, age)

    def sample(self, generator: torch.Generator) -> None:
        """Draw the mini-datasets of the next rounds out of what was heard."""
        graph, world = self.graph, self.world
        self.heard, self.heard_filled = graph.draw(~graph.own, SAMPLE, generator)
        self.taught, self.taught_filled = graph.draw(world.known[graph.col], LABELLED, generator)
        me = torch.arange(graph.n, device=world.device)[:, None].expand_as(self.who)
        self.strangers, self.stranger_said = self.who, self.said
        self.stranger_filled = ~graph.knows(me.ravel(), self.who.ravel()).view(self.who.shape)
        self.stranger_cosine = world.cosine(me, self.who)

    def lessons(self) -> tuple[Tensor, Tensor]:
        """Labelled nodes that each agent heard of, and their weights (N, M) (eq. 5).

        Neighbours share 1 − ρ, labelled witnesses ρ: hearsay keeps far classes in mind.
        """
        rho = self.params.hearsay
        far = self.stranger_filled & self.world.known[self.strangers]
        near = self.taught_filled
        nodes = torch.cat((self.graph.col[self.taught], self.strangers), 1)
        weight = torch.cat(
            (
                (1 - rho) * near / near.sum(1, keepdim=True).clamp(min=1),
                rho * far / far.sum(1, keepdim=True).clamp(min=1),
            ),
            1,
        )
        return nodes, weight

    def learn_embedding(self) -> Tensor:
        """SGD on cross-entropy over the raw features of labelled nodes (eq. 5)."""
        world, params = self.world, self.params
        before = self.embedding
        after = before * (1 - params.lr_embedding * params.decay)
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
