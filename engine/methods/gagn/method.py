"""GAgN's job: agents talk, filter, talk on; validation decides; baselines run beside it.

The algorithm itself is in agents.py (a round), filter.py and verdicts.py (the filter) and
readout.py. This file is the order of events, and where it stands after a resume.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.methods.gagn import arena, defences, inspector, oracles
from engine.methods.gagn.agents import Agents, Losses
from engine.methods.gagn.case import Case, prepare
from engine.methods.gagn.defended import Defended
from engine.methods.gagn.filter import added, check_confidence, score, without
from engine.methods.gagn.neighbourhood import Neighbourhood
from engine.methods.gagn.params import MODES
from engine.methods.gagn.prey import Prey
from engine.methods.gagn.readout import FAMILIES, accuracy, family, readouts
from engine.methods.gagn.verdicts import REMOVED, Rule, Scores, area, decide, judged
from engine.methods.gagn.world import World

if TYPE_CHECKING:
    from engine.core.run import Run

LOOK = 5  # rounds between two looks at validation that may choose a snapshot
USEFUL = 0.6  # AUC on held-out edges below which the confidence may not filter
BEHIND = 0.1  # and how far it may stay behind plain cosine
MANY = 0.25  # share of edges whose removal deserves a warning


def run(run: Run) -> dict[str, float | None]:
    case = prepare(
        run.inputs["graph"],
        run.inputs["perturbed"],
        run.inputs["split"],
        params=run.params,
        rng=run.rng("split"),
    )
    defences.refuse_too_large(run.params.baselines, case.nodes)
    arena.refuse(run.params, case)
    case = replace(case, targets=arena.targets(run.params, case))
    describe(run, case)
    standing = run.restore() or {"arena": arena.fresh(), **fresh()}
    prey = Prey(run, case, standing["arena"]["prey"])
    for cell in arena.attacked(run, case, standing, prey):
        arena.keep(run, defend(run, cell, standing, prey) | prey.evasion(cell), standing)
        standing |= fresh()
        run.rewind()  # every cell meets the same chance: what differs is the graph
    return arena.conclude(run, standing)


def fresh() -> dict[str, Any]:
    """Where agents and baselines stand on a graph that they have not seen yet."""
    return {
        "stage": 0,
        "round": 0,
        "step": 0,
        "agents": None,
        "best": None,
        "chosen": [],  # the best snapshot of each finished stage
        "scores": None,
        "proposals": [],
        "check": {},
        "which": None,
        "summary": None,
        "baselines": {"finished": [], "epoch": 0, "fit": None, "stream": None},
    }


def defend(run: Run, case: Case, standing: dict[str, Any], prey: Prey) -> arena.Summary:
    """GAgN and its baselines on one graph."""
    world = case.world(run.params, seed=run.seed, device=run.device)
    if standing["summary"] is None:
        final, chosen = play(run, case, world, standing)
        if case.shown:
            oracles.verify(run, final, case)
        if case.prey:
            prey.keep_agents(attackable(run, case, final, chosen, standing))
        standing["summary"] = report(run, case, final, chosen, standing)
        standing |= {"chosen": [], "proposals": []}  # checkpoints need not carry agents any more
    summary = dict(standing["summary"])
    if run.params.baselines:
        todo = defences.units(run.params.baselines)
        finished = defences.train(run, case, todo, standing=standing, step=standing["step"])
        if case.prey:
            prey.keep_baselines(finished)
        for name in run.params.baselines:
            found = defences.best(finished, name)
            told = [key for key in found if key.endswith("_accuracy")]
            summary |= {f"baseline.{name}.{key}": found[key] for key in told}
            if "threshold" in found["settings"]:
                summary[f"baseline.{name}.threshold"] = found["settings"]["threshold"]
        if case.shown:
            inspector.write_baselines(run, finished)
    return summary


def attackable(
    run: Run, case: Case, final: Agents, chosen: dict[str, Any], standing: dict[str, Any]
) -> Defended:
    rule = None
    if chosen["stage"] > 1:
        cut = standing["proposals"][chosen["stage"] - 2]
        params = run.params
        rule = Rule(cut["mode"], cut["tau"], params.attention_floor, params.allow_isolated)
    return Defended(
        final,
        case.adjacency,
        readout=chosen["readout"],
        rule=rule,
        strictest=max(run.params.thresholds),
    )


def describe(run: Run, case: Case) -> None:
    split = case.split
    run.message(
        f"{case.nodes} agents, {case.adjacency.nnz // 2} edges, {case.features.shape[1]} features, "
        f"{case.classes} classes; {len(split.train)} train, {len(split.val)} validate, "
        f"{len(split.test)} test"
    )
    if case.featureless:
        run.message(
            "the graph has no features: each node gets one of its own, so no two are alike, and "
            "agents know one another by their neighbourhoods alone",
            level="warning",
        )
    if case.drawn:
        counts = np.bincount(case.labels[case.labels >= 0])
        for value in np.flatnonzero((counts > 0) & (counts < 3)):
            name = value if case.class_names is None else case.class_names[value]
            run.message(
                f"class {name} has too few nodes for every part ({counts[value]}; 3 are needed)",
                level="warning",
            )
    alone = int((np.diff(case.adjacency.indptr) == 0).sum())
    if alone:
        run.message(f"{alone} nodes have no neighbour and hear nothing", level="warning")


def play(run: Run, case: Case, world: World, standing: dict[str, Any]) -> tuple[Agents, dict]:
    """Phases 1 to 3; returns the agents that validation chose, and how."""
    whole = Neighbourhood(case.adjacency, run.device)
    generator = run.torch_rng("talk")
    agents = Agents(world, whole, run.params)
    if standing["stage"] == 0:
        if standing["agents"] is None:
            agents.begin(generator)
        talk(run, case, agents, standing, rounds=run.params.rounds, phase="talk")
        standing["chosen"].append(standing["best"])
        agents.restore(standing["best"]["agents"])
        run.phase(case.phase("filter"))
        propose(run, case, agents, standing)
        standing |= {"stage": 1, "round": 0, "agents": None, "best": None}
    scores = Scores(**standing["scores"])
    graphs = [whole] + [
        Neighbourhood(without(case.adjacency, scores, np.asarray(proposal["verdict"])), run.device)
        for proposal in standing["proposals"]
    ]
    for stage in range(standing["stage"], len(graphs) + 1):
        agents.restore(standing["chosen"][0]["agents"])
        if standing["agents"] is None:
            moved = agents.move_to(graphs[stage - 1], generator)
        else:  # resumed in the middle: `talk` restores them
            moved = Agents(world, graphs[stage - 1], run.params)
        what = "uncut" if stage == 1 else standing["proposals"][stage - 2]["words"]
        talk(run, case, moved, standing, rounds=run.params.rounds_after, phase=f"go on {what}")
        standing["chosen"].append(standing["best"])
        standing |= {"stage": stage + 1, "round": 0, "agents": None, "best": None}
    if standing["which"] is None:
        standing["which"] = choose(run, standing)
    which = standing["which"]
    final = Agents(world, graphs[which - 1], run.params)
    final.restore(standing["chosen"][which]["agents"])
    return final, {**standing["chosen"][which], "stage": which}


def talk(
    run: Run, case: Case, agents: Agents, standing: dict[str, Any], *, rounds: int, phase: str
) -> None:
    """Rounds of communication; the best snapshot by validation goes to standing["best"]."""
    generator = run.torch_rng("talk")
    if standing["agents"] is not None:
        agents.restore(standing["agents"])
    nodes = {
        name: torch.from_numpy(part).to(run.device) for name, part in case.split.parts().items()
    }
    labels = torch.from_numpy(case.labels).to(run.device)
    offset = 0 if standing["stage"] == 0 else run.params.warm  # attention is warm by now
    if standing["best"] is None and standing["stage"]:
        look(run, agents, labels, nodes, standing)
    run.phase(case.phase(phase), total=rounds, done=standing["round"])
    for number in range(standing["round"], rounds):
        losses = agents.round(number + offset, generator)
        numbers = measure(agents, losses)
        standing["round"] = number + 1
        accuracies = look(run, agents, labels, nodes, standing, last=number + 1 == rounds)
        told = {case.key(name): value for name, value in (numbers | accuracies).items()}
        run.log(standing["step"], **told)
        run.advance(1)
        standing["step"] += 1
        if run.checkpoint_due():
            standing["agents"] = agents.state()
            run.checkpoint(standing, step=standing["step"])
        patience = run.params.patience
        if patience and number + 1 - standing["best"]["round"] >= patience:
            break


def look(
    run: Run,
    agents: Agents,
    labels: torch.Tensor,
    nodes: dict[str, torch.Tensor],
    standing: dict[str, Any],
    *,
    last: bool = False,
) -> dict[str, float]:
    """Accuracies of the readouts, and now and then the choice of a snapshot."""
    found = readouts(agents)
    scores = {name: accuracy(shares, labels, nodes["val"]) for name, shares in found.items()}
    allowed = [name for name in scores if run.params.readout in ("auto", family(name))]
    top = max(allowed, key=scores.__getitem__)  # the first of equals
    best, number = standing["best"], standing["round"]
    first = standing["stage"] == 0 and best is not None and best["round"] < LOOK
    better = best is None or first or scores[top] > best["val_accuracy"]
    if best is None or ((number % LOOK == 0 or last) and better):
        standing["best"] = {
            "val_accuracy": scores[top],
            "readout": top,
            "round": number,
            "agents": agents.state(),
        }
    report = {"val_accuracy": scores[top]}
    for kind in FAMILIES:
        report[f"{kind}.val_accuracy"] = max(v for k, v in scores.items() if family(k) == kind)
    for kind in ("self", "neighbour"):  # the vote is told the training labels
        report[f"{kind}.train_accuracy"] = accuracy(found[kind], labels, nodes["train"])
    return report


def measure(agents: Agents, losses: Losses) -> dict[str, float]:
    """Losses over the agents, entropy of attention, traffic."""
    numbers: dict[str, float] = {}
    for name in ("embedding", "degree", "confidence"):
        values = getattr(losses, name)
        values = values[~values.isnan()]
        if len(values):
            numbers[f"{name}.loss"] = values.mean().item()
            for share in (10, 50, 90):
                numbers[f"{name}.loss.q{share}"] = values.quantile(share / 100).item()
    alpha, graph = agents.alpha(), agents.graph
    entropy = graph.total(-alpha * alpha.clamp(min=1e-12).log())
    social = graph.degree > 0
    if social.any():
        uniform = (graph.degree[social] + 1).float().log()
        numbers["attention.entropy"] = (entropy[social] / uniform).mean().item()
    messages = int(graph.degree.sum())
    numbers["messages"] = messages
    numbers["bytes"] = messages * message_bytes(agents)
    return numbers


def message_bytes(agents: Agents) -> int:
    """One message: opinion, degree, label, parameters and the witness list (README).

    Features and their mixtures are sent before the first round, and are not counted here; a witness
    brings its state, opinion, label and degree.
    """
    classes = agents.world.classes
    functions = agents.embedding[0].numel() + agents.delta.size + agents.phi.size
    witness = agents.params.witnesses * (classes + agents.world.code.shape[1] + 2)
    return 4 * (classes + 2 + functions + witness)


def propose(run: Run, case: Case, agents: Agents, standing: dict[str, Any]) -> None:
    """Score the edges, check the confidence, and rank cuts by validation without retraining."""
    generator = run.torch_rng("jury")
    scores = score(agents, generator)
    standing["scores"] = scores.as_state()
    params = run.params
    if params.filter == "off" or not (params.witnesses and params.confidence):
        return
    told, plain = check_confidence(agents, generator)
    standing["check"] = {"confidence": told, "cosine": plain}
    doubt = "the cut is made as asked" if params.fixed_cut else "nothing is cut"
    if told is None or plain is None:
        run.message(
            f"no held-out edges, or no witnesses yet at round {standing['best']['round']}, which "
            f"validation chose: the confidence cannot be checked, and {doubt}",
            level="warning",
        )
        useful = False
    else:
        run.message(f"AUC on held-out edges: confidence {told:.3f}, plain cosine {plain:.3f}")
        useful = told >= max(USEFUL, plain - BEHIND)
        if not useful:
            run.message(f"the confidence is no better than a guess: {doubt}", level="warning")
    if not (useful or params.fixed_cut):
        return
    labels = torch.from_numpy(case.labels).to(run.device)
    val = torch.from_numpy(case.split.val).to(run.device)
    seen: dict[bytes, dict[str, Any]] = {}
    for mode in MODES if params.filter == "auto" else (params.filter,):
        for tau in params.thresholds:
            run.stop_here()
            rule = Rule(mode, tau, params.attention_floor, params.allow_isolated)
            verdict = decide(scores, rule, case.nodes)
            cut = int((verdict == REMOVED).sum())
            if not cut or verdict.tobytes() in seen:
                continue
            graph = Neighbourhood(without(case.adjacency, scores, verdict), run.device)
            found = readouts(agents.move_to(graph, torch.Generator().manual_seed(0)))
            allowed = [name for name in found if params.readout in ("auto", family(name))]
            value = max(accuracy(found[name], labels, val) for name in allowed)
            seen[verdict.tobytes()] = {
                "mode": mode,
                "tau": tau,
                "words": rule.words(),
                "val_accuracy": value,
                "removed": cut,
                "verdict": verdict,
            }
    ranked = sorted(seen.values(), key=lambda found: (-found["val_accuracy"], found["removed"]))
    standing["proposals"] = ranked[: params.candidates]


def choose(run: Run, standing: dict[str, Any]) -> int:
    """The stage to keep: a cut is asked for, or gains enough over the same rounds without it."""
    uncut, cuts = standing["chosen"][1], standing["chosen"][2:]
    if not cuts:
        return 1
    top = max(range(len(cuts)), key=lambda k: cuts[k]["val_accuracy"])
    gain = cuts[top]["val_accuracy"] - uncut["val_accuracy"]
    words = standing["proposals"][top]["words"]
    if run.params.fixed_cut:
        run.message(f"cut by {words}, as asked: gains {gain:+.4f} on validation")
        return top + 2
    if gain < run.params.min_gain or gain <= 0:
        run.message(f"no cut: the best one ({words}) gains {gain:+.4f} on validation")
        return 1
    run.message(f"cut by {words}: gains {gain:+.4f} on validation")
    return top + 2


def report(
    run: Run, case: Case, final: Agents, chosen: dict[str, Any], standing: dict[str, Any]
) -> dict[str, float | None]:
    """The summary, and of the cell that the inspector shows everything that it needs."""
    found = readouts(final)
    labels = torch.from_numpy(case.labels).to(run.device)
    test = torch.from_numpy(case.split.test).to(run.device)
    scores = Scores(**standing["scores"])
    verdict = np.zeros(len(scores), np.int8)
    proposal = None
    if chosen["stage"] > 1:
        proposal = standing["proposals"][chosen["stage"] - 2]
        verdict = np.asarray(proposal["verdict"])
    removed = verdict == REMOVED
    if removed.mean() > MANY:
        run.message(
            f"{removed.mean():.0%} of the edges were removed: check that neighbours of this graph "
            "are alike at all",
            level="warning",
        )
    summary: dict[str, float | None] = {
        "test_accuracy": accuracy(found[chosen["readout"]], labels, test),
        "val_accuracy": chosen["val_accuracy"],
        "edges_removed": int(removed.sum()),
        "filter_auc": None,
        "filter_precision": None,
        "filter_recall": None,
        "confidence_auc": standing["check"].get("confidence"),
        "cosine_auc": standing["check"].get("cosine"),
        **degree_errors(final),
    }
    adversarial = None
    if case.clean is not None:
        adversarial = added(case.clean, scores)
        truth = judged(removed, adversarial)
        summary |= {
            "filter_auc": area(-scores.c_uv, adversarial),
            "filter_precision": truth["precision"],
            "filter_recall": truth["recall"],
        }
    for kind in FAMILIES:
        same = [name for name in found if family(name) == kind]
        val = torch.from_numpy(case.split.val).to(run.device)
        top = max(same, key=lambda name: accuracy(found[name], labels, val))
        summary[f"{kind}.test_accuracy"] = accuracy(found[top], labels, test)
    if case.targets is not None:
        hit = torch.from_numpy(case.targets).to(run.device)
        summary["targets_accuracy"] = accuracy(found[chosen["readout"]], labels, hit)
    if case.shown:
        inspector.write(
            run,
            case,
            final,
            found=found,
            chosen=chosen,
            proposal=proposal,
            scores=scores,
            verdict=verdict,
            adversarial=adversarial,
        )
    return summary


def degree_errors(agents: Agents) -> dict[str, float | None]:
    """Mean |error| of the inferred log degree, beside that of the best constant."""
    social = agents.graph.degree > 0
    if not agents.params.degree or not social.any():
        return {"degree_error": None, "degree_error_constant": None}
    truth = (agents.graph.degree[social] + 1).double().log()
    told = inferred(agents)[social].double()
    return {
        "degree_error": (told - truth).abs().mean().item(),
        "degree_error_constant": (truth - truth.median()).abs().mean().item(),
    }


def inferred(agents: Agents) -> torch.Tensor:
    """The log degree that an agent's neighbours infer of it, on average; 0 without any."""
    total, _ = agents.inferred_degree(agents.answers())
    return total / agents.graph.degree.clamp(min=1)
