"""What GAgN and the questions to its jobs can be set to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

from pydantic import Field, field_validator

from engine.core.params import Params, param

MODES = ("confidence", "multi", "strict")
N = TypeVar("N", int, float)


def _ascending(values: list[N], fits: Callable[[N], bool], expected: str) -> list[N]:
    """Each once, in order, where all fit."""
    if not all(map(fits, values)):
        raise ValueError(f"expected {expected}, got {values}")
    return sorted(set(values))


class GagnParams(Params):
    rounds: int = param(
        80,
        "Rounds before the filter",
        "Communication rounds of phase 1, on the graph as it is given (T1).",
        source="tuned by us on validation",
        ge=1,
        le=2000,
    )
    rounds_after: int = param(
        40,
        "Rounds after the filter",
        "Communication rounds of phase 3, for each graph that the filter proposes (T3).",
        source="tuned by us on validation",
        ge=0,
        le=2000,
    )
    exchanges: int = param(
        2,
        "Feature exchanges",
        "Before the first round neighbours mix their features so often, the more of another's the "
        "more alike they are; an agent then learns from its features beside their mixture. 0: from "
        "features alone.",
        paper="individual function: an aggregation of neighbours' features",
        source="form is ours, tuned on validation",
        ge=0,
        le=5,
        advanced=True,
    )
    fusion: float = param(
        0.8,
        "Fusion β",
        "Share of an agent's parameters that a round replaces by its neighbours' average.",
        source="our reconstruction",
        ge=0,
        le=1,
    )
    decay: float = param(
        0.0,
        "Weight decay λ",
        "Share of its embedding function that an agent forgets in a round.",
        source="our reconstruction, tuned on validation",
        ge=0,
        le=0.5,
    )
    lr_embedding: float = param(
        200.0,
        "Step of the embedding function",
        "Step size of the SGD on the labels that an agent hears. Single steps overdo what they "
        "teach; fusion with the neighbours evens that out. 0 teaches nothing, as an ablation.",
        source="our reconstruction, tuned on validation",
        ge=0,
        le=1000,
    )
    lr_degree: float = param(
        0.3,
        "Step of the degree inference",
        "Step size of the SGD on the degrees that an agent hears.",
        source="our reconstruction",
        gt=0,
        le=10,
        advanced=True,
    )
    lr_confidence: float = param(
        3.0,
        "Step of the neighbour confidence",
        "Step size of the SGD that tells neighbours from witnesses.",
        source="our reconstruction",
        gt=0,
        le=10,
        advanced=True,
    )
    lr_attention: float = param(
        1.0,
        "Step of the attention",
        "Step size of the ascent on an agent's attention over its neighbours; 0 keeps it uniform.",
        source="our reconstruction",
        ge=0,
        le=50,
        advanced=True,
    )
    warm: int = param(
        10,
        "Rounds of uniform attention",
        "Attention stays uniform until labels and confidence mean something.",
        unit="rounds",
        source="our reconstruction",
        ge=0,
        le=1000,
        advanced=True,
    )
    hidden: int = param(
        16,
        "Hidden units H",
        "Width of the single hidden layer of degree inference and confidence.",
        paper="one hidden layer suffices",
        source="our reconstruction",
        ge=2,
        le=128,
        advanced=True,
    )
    witnesses: int = param(
        16,
        "Witness slots",
        "Strangers that an agent remembers from forwarded lists, half of them with known labels; "
        "they are the negatives of the confidence. 0 switches confidence and filter off.",
        source="ours, tuned on validation",
        ge=0,
        le=64,
        advanced=True,
    )
    hearsay: float = param(
        0.9,
        "Hearsay ρ",
        "Share of an agent's lessons that comes from labelled witnesses instead of neighbours.",
        source="ours, tuned on validation",
        ge=0,
        le=1,
        advanced=True,
    )
    projection: int = param(
        512,
        "Width of the projection",
        "Where exact storage would be larger than this per class, features pass a public seeded "
        "signed projection of this width.",
        source="our reconstruction",
        ge=16,
        le=4096,
        advanced=True,
    )
    degree: bool = param(
        True,
        "Degree inference",
        "Off: the filter's second level passes nothing on, as an ablation.",
        source="paper",
    )
    confidence: bool = param(
        True,
        "Neighbour confidence",
        "Off: trust and filter know no confidence, as an ablation.",
        source="paper",
    )
    filter: Literal["auto", "off", "confidence", "multi", "strict"] = param(
        "auto",
        "Filter",
        "confidence: level 3 alone; multi: level 3 and one of 1 and 2; strict: all three; auto: "
        "the mode that validation likes best, or none.",
        paper="multi-level",
        source="rules are our reconstruction",
    )
    thresholds: list[float] = param(
        [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
        "Confidence thresholds τ",
        "Validation picks one, or none. With one filter mode and one threshold there is nothing to "
        "pick: that cut is made.",
        source="our reconstruction",
        min_length=1,
        max_length=20,
    )
    attention_floor: float = param(
        1.0,
        "Attention floor κ",
        "Level 1 suspects an edge that gets less than κ times the uniform share.",
        source="our reconstruction",
        ge=0,
        le=10,
        advanced=True,
    )
    candidates: int = param(
        2,
        "Filters tried",
        "How many proposed cuts go on to phase 3 beside the uncut graph.",
        source="ours",
        ge=1,
        le=20,
        advanced=True,
    )
    min_gain: float = param(
        0.01,
        "Least gain of a cut",
        "Validation picks a cut only if it raises the accuracy there by this much over the uncut "
        "graph.",
        source="ours",
        ge=0,
        le=1,
        advanced=True,
    )
    allow_isolated: bool = param(
        False,
        "May isolate nodes",
        "Off: the last edge of a node is never cut.",
        source="our reconstruction",
        advanced=True,
    )
    readout: Literal["auto", "self", "neighbour", "vote"] = param(
        "auto",
        "Readout",
        "self: an agent classifies its own state; neighbour: its attention's mixture of states; "
        "vote: agents exchange opinions weighted by trust; auto: validation picks.",
        paper="embedding function of the agent itself",
        source="vote is our reconstruction",
    )
    largest_component: bool = param(
        True,
        "Largest component only",
        "Work on the largest connected component of the graph, as the literature does.",
        source="literature",
    )
    patience: int = param(
        0,
        "Patience",
        "Phase 1 ends early after so many rounds without a better validation accuracy; 0: never.",
        unit="rounds",
        source="ours",
        ge=0,
        le=2000,
        advanced=True,
    )
    attack: list[
        Literal[
            "random", "dice", "metattack", "pgd", "prbcd", "nettack", "fga", "adaptive", "aware"
        ]
    ] = param(
        [],
        "Attacks",
        "Attacks made in this job on the given graph; where that is a perturbed one they are a "
        "second attack. Agents and baselines are trained anew on it and on every attacked "
        "one; the last is the one that the inspector shows. adaptive attacks each model of this "
        "job through its own gradient, a graph for each; aware does so to GAgN with edges only "
        "that its filter would keep.",
        source="ours",
    )
    rate: list[float] = param(
        [0.2],
        "Rates of the attacks",
        "Share of the undirected edges that an attack on the whole graph flips; each a run of its "
        "own.",
        paper=[0.05, 0.1, 0.15, 0.2, 0.25],
        source="literature",
        min_length=1,
        max_length=20,
    )
    target_flips: list[int] = param(
        [5],
        "Flips per target",
        "Flips of Nettack and FGA for each target; 0 is the target's degree + 2.",
        unit="flips",
        source="literature",
        min_length=1,
        max_length=20,
    )
    targets: list[int] = param(
        [],
        "Targets",
        "Test nodes, by their number in the upload, whose accuracy is told apart and which Nettack "
        "and FGA attack. Empty: for those two, the test nodes of more than 10 neighbours.",
        source="literature",
        max_length=1000,
    )
    attack_truth: bool = param(
        True,
        "Nettack knows the classes",
        "Off: it goes by the classes that its surrogate sees, and may put right what that gets "
        "wrong.",
        source="code of the attack",
        advanced=True,
    )
    attack_exact: bool = param(
        True,
        "Metattack through the training",
        "Off: gradients along the training instead, the approximate form A-Meta.",
        source="paper of the attack",
        advanced=True,
    )
    attack_train_share: float = param(
        0.0,
        "Metattack's λ",
        "Weight of the training nodes in what Metattack raises; 0 aims at all others (Self).",
        source="paper of the attack",
        ge=0,
        le=1,
        advanced=True,
    )
    attack_per_step: int = param(
        1,
        "Flips per meta step",
        "Metattack takes so many of the best flips before it looks at the graph anew.",
        unit="flips",
        paper=1,
        source="paper of the attack",
        ge=1,
        le=1000,
        advanced=True,
    )
    attack_steps: int = param(
        0,
        "Steps of a relaxed attack",
        "Gradient steps of PGD, PRBCD and the adaptive attacks before they sample flips. 0 is 200, "
        "for an adaptive attack 60: take more to see whether it has converged.",
        unit="steps",
        source="literature",
        ge=0,
        le=10_000,
        advanced=True,
    )
    attack_block: int = param(
        0,
        "Pairs in a block",
        "Pairs that PRBCD and the adaptive attacks weigh at once; their memory follows it. 0 is "
        "200,000, for an adaptive attack 20,000 or four times its budget.",
        unit="pairs",
        source="literature",
        ge=0,
        le=10_000_000,
        advanced=True,
    )
    attack_restarts: int = param(
        3,
        "Restarts of an adaptive attack",
        "Its runs, each with a random block of its own; the first begins with the flips of earlier "
        "attacks of this job, where they hurt the model. The best sample of all runs is taken.",
        source="literature",
        ge=1,
        le=100,
        advanced=True,
    )
    attack_power_law: Literal["nettack", "all", "none"] = param(
        "nettack",
        "Keep the degrees plausible",
        "Which attacks make no flip after which the degrees fail Nettack's likelihood-ratio test.",
        source="paper of Nettack",
        advanced=True,
    )
    baselines: list[
        Literal["mlp", "gcn", "gat", "jaccard", "svd", "rgcn", "gnnguard", "prognn"]
    ] = param(
        ["mlp", "gcn", "jaccard"],
        "Baselines",
        "Trained in this job on the same graph, split and seed.",
        source="ours",
    )

    baseline_epochs: int = param(
        200,
        "Epochs of the baselines",
        "Passes over the graph in each training of a baseline.",
        unit="epochs",
        paper=200,
        source="literature",
        ge=1,
        le=5000,
        advanced=True,
    )

    @property
    def fixed_cut(self) -> bool:
        """Whether one cut is asked for, and nothing is left for validation to pick."""
        return self.filter in MODES and len(self.thresholds) == 1

    @field_validator("thresholds")
    @classmethod
    def _inside(cls, value: list[float]) -> list[float]:
        return _ascending(value, lambda item: 0 <= item <= 1, "thresholds from 0 to 1")

    @field_validator("rate")
    @classmethod
    def _shares(cls, value: list[float]) -> list[float]:
        rates = _ascending(value, lambda item: 0 < item <= 1, "rates above 0, up to 1")
        if len({f"{100 * rate:g}" for rate in rates}) < len(rates):  # cells are called by them
            raise ValueError(f"expected rates that differ in six digits, got {rates}")
        return rates

    @field_validator("target_flips")
    @classmethod
    def _counts(cls, value: list[int]) -> list[int]:
        return _ascending(value, lambda item: 0 <= item <= 1000, "numbers of flips from 0 to 1000")

    @field_validator("targets")
    @classmethod
    def _nodes(cls, value: list[int]) -> list[int]:
        if any(item < 0 for item in value):
            raise ValueError(f"expected node numbers of 0 or more, got {min(value)}")
        return sorted(set(value))

    @field_validator("attack", "baselines")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        return list(dict.fromkeys(value))


class ThresholdParams(Params):
    tau: float = Field(0.3, ge=0, le=1, title="Confidence threshold τ")
    kappa: float = Field(1.0, ge=0, le=10, title="Attention floor κ")
    mode: Literal["confidence", "multi", "strict"] = Field("multi", title="Filter mode")
    allow_isolated: bool = Field(False, title="May isolate nodes")


class NodeParams(Params):
    node: int = Field(ge=0, title="Node", description="By its number in the upload.")
    toggle: int | None = Field(
        None, ge=0, title="Other node", description="Adds or removes the edge to it."
    )
    tau: float = Field(0.3, ge=0, le=1, title="Confidence threshold τ")
    flip_features: list[int] = Field(
        [], max_length=100, title="Features to flip", description="Columns set to 1 or back to 0."
    )


class InfluenceParams(Params):
    node: int = Field(ge=0, title="Liar", description="A training node, by its number.")
    claims: int | None = Field(
        None,
        ge=0,
        title="Claimed class",
        description="Left out: the class that it finds likeliest but for its own.",
    )
    rounds: int = Field(10, ge=1, le=50, title="Rounds, and epochs of the GCN")
