"""The arena: GAgN and its baselines on the same graph under attack, cell by cell.

A cell is one attack at one strength; the first cell is the graph as it was given. Agents and
baselines are trained anew in each cell (poisoning). The last cell is the one that the inspector
shows: its numbers are those of a plain job on the graph that it exports.

Most attacks are made first; they know the given graph and surrogates trained on it, and no
defence. Adaptive ones are made against one model each, through the agents or the baseline trained
on the given graph, and begin with what attacks before them found; every other model meets their
graphs too, as transfer. With them each cell also tells evasion: what the models of the given
graph, not trained anew, answer on the changed one. A model that no cell aimed at is marked: it
withstands only what was not made for it. Where the given graph is a perturbed one, the models have
defended themselves once already, and all this is the attack repeated with a budget of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.errors import UserError
from engine.data.graph.export import write_adjacency
from engine.methods.gagn import attacks
from engine.methods.gagn.attacks.report import imperceptibility
from engine.methods.gagn.attacks.victim import Victim, budget, flipped
from engine.methods.gagn.card import BASELINES

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.gagn.attacks.adaptive import Model
    from engine.methods.gagn.case import Case
    from engine.methods.gagn.params import GagnParams

MODELS = {"gagn": "GAgN"} | {baseline.name: baseline.title for baseline in BASELINES}
BLIND = ("mlp",)  # sees no edge: there is nothing to attack
UNAIMED = "*"  # beside the name of a model in figures
UNAIMED_NOTE = "; * not attacked adaptively"
NESTED = ("random", "metattack")  # their first k flips are an attack of k flips
POPULAR = 10  # targets have more neighbours than this, as the Nettack graphs of the field
EVASION = "evasion.test_accuracy"
TOLD = ("test_accuracy", EVASION, "targets_accuracy", "edges_removed", "filter_auc")  # of a cell

Summary = dict[str, float | None]


@dataclass(frozen=True)
class Cell:
    attack: str = ""  # none: the graph as it was given
    strength: float = 0  # share of the edges, or flips per target (0: its degree + 2)
    model: str = ""  # that an adaptive attack is made against

    @property
    def targeted(self) -> bool:
        return self.attack in attacks.TARGETED

    @property
    def name(self) -> str:
        """As metric keys and files have it."""
        if not self.attack:
            return "given"
        if not self.targeted:
            aimed = f"{self.attack}-{self.model}" if self.model else self.attack
            return f"{aimed}.rate{f'{100 * self.strength:g}'.replace('.', '_')}"
        return f"{self.attack}.flips{self.strength:g}" if self.strength else f"{self.attack}.degree"

    @property
    def many(self) -> str:
        """The strength, for people."""
        if not self.attack:
            return "none"
        if not self.targeted:
            return f"{100 * self.strength:g} %"
        return f"{self.strength:g}" if self.strength else "degree + 2"

    @property
    def words(self) -> str:
        if not self.attack:
            return "given graph"
        if self.targeted:
            return f"{self.title}, {self.many} per target"
        return f"{self.title} {self.many}"

    @property
    def title(self) -> str:
        """The attack, for people."""
        title = attacks.TITLES[self.attack]
        return f"{title} {MODELS[self.model]}" if self.model else title

    def budget(self, edges: int) -> int | None:
        """Flips of undirected edges, in all or for each target."""
        if self.targeted:
            return int(self.strength) or None
        return budget(self.strength, edges)


def cells(params: GagnParams) -> list[Cell]:
    """The given graph, then attack by attack with growing strength."""
    found = [Cell()]
    for name in params.attack:
        strengths = params.target_flips if name in attacks.TARGETED else params.rate
        for model in aims(name, params):
            found += [Cell(name, strength, model) for strength in strengths]
    return found


def aims(attack: str, params: GagnParams) -> list[str]:
    """The models that an attack is made against, GAgN last, since it then knows the flips against
    all others; one without a name where it is against none."""
    if attack == "adaptive":
        return [*(name for name in params.baselines if name not in BLIND), "gagn"]
    return ["gagn"] if attack == "aware" else [""]


def refuse(params: GagnParams, case: Case) -> None:
    """What cannot be fought, said before anything is computed."""
    if not params.attack:
        return
    attacks.refuse_too_large(params.attack, case.nodes)
    filtered = params.filter != "off" and params.confidence and params.witnesses
    if "aware" in params.attack and not filtered:
        raise UserError("attack", "aware goes past the filter, which is off here: leave it out")
    edges = case.adjacency.nnz // 2
    for cell in cells(params)[1:]:
        if cell.budget(edges) == 0:
            raise UserError("rate", f"{cell.strength:g} of {edges} edges is less than one flip")
        if cell.attack in attacks.BLOCKS and 0 < params.attack_block < (cell.budget(edges) or 0):
            raise UserError(
                "attack_block",
                f"expected 0 or at least the {cell.budget(edges)} flips that {cell.name} may make",
            )


def targets(params: GagnParams, case: Case) -> np.ndarray | None:
    """[T] The nodes that targeted attacks are after, as the case numbers them.

    Named ones, else, where a targeted attack asks, the test nodes of more than 10 neighbours.
    """
    if params.targets:
        place = {int(node): k for k, node in enumerate(case.kept)}
        known = set(case.split.test.tolist())
        for node in params.targets:
            if place.get(node) not in known:
                raise UserError("targets", f"expected test nodes of the graph in use, got {node}")
        return np.array([place[node] for node in params.targets])
    if not set(params.attack) & set(attacks.TARGETED):
        return None
    degree = np.diff(case.adjacency.indptr)
    found = case.split.test[degree[case.split.test] > POPULAR]
    if not len(found):
        raise UserError("targets", f"no test node has more than {POPULAR} neighbours: name targets")
    return found


def fresh() -> dict[str, Any]:
    """Where the arena stands: what the running attack has done, and what is finished."""
    return {"attack": None, "done": 0, "flips": {}, "told": {}, "cells": [], "prey": {}}


def attacked(
    run: Run, case: Case, standing: dict[str, Any], prey: Callable[[str], Model]
) -> Iterator[Case]:
    """The cells that are still to be fought, each as a case of its own. `prey`: the model of that
    name as the given graph has trained it, asked for once that is done."""
    arena, grid = standing["arena"], cells(run.params)
    edges = case.adjacency.nnz // 2
    victim = Victim(
        case.adjacency, case.features, case.labels, case.split, case.classes, case.targets
    )
    for cell in grid[1:]:
        if not cell.model:
            _strike_once(run, victim, cell, grid, standing)
    for cell in grid[len(arena["cells"]) :]:
        if cell.attack:
            model = prey(cell.model) if cell.model else None
            flips = _strike_once(run, victim, cell, grid, standing, model)
            run.message(f"{cell.words}: {len(flips)} of {edges} edges flipped")
            allowed = cell.budget(edges) or 0
            if not cell.targeted and len(flips) < allowed:
                run.message(f"{allowed} were allowed; the search ended with fewer", level="warning")
            adjacency = flipped(case.adjacency, flips)
            clean = case.adjacency if case.clean is None else case.clean
            fought = replace(case, adjacency=adjacency, clean=clean)
        else:
            fought = replace(case, prey=any(cell.model for cell in grid))
        if len(grid) > 1:
            fought = replace(fought, cell=cell.name, shown=cell == grid[-1])
        yield fought


def keep(run: Run, summary: Summary, standing: dict[str, Any]) -> None:
    """A cell is finished."""
    standing["arena"]["cells"].append(summary)


def conclude(run: Run, standing: dict[str, Any]) -> Summary:
    """The last cell's numbers as a plain job has them; beside them each cell's, and the worst."""
    found, grid = standing["arena"]["cells"], cells(run.params)
    if len(grid) == 1:
        return found[0]
    summary = dict(found[-1])
    named = [key for key in summary if key.removeprefix(_baseline(key)) in TOLD]
    for cell, numbers in zip(grid, found, strict=True):
        summary |= {f"cell.{cell.name}.{key}": numbers[key] for key in named}
    for key in named:
        if key.endswith("_accuracy"):
            who = _baseline(key)
            least = min(numbers[key] for numbers in found)
            summary[f"{who}worst.{key.removeprefix(who)}"] = least
    _write(run, grid, found, standing["arena"]["told"])
    return summary


def _baseline(key: str) -> str:
    """`baseline.gcn.` of `baseline.gcn.test_accuracy`."""
    head, _, rest = key.partition(".")
    return f"{head}.{rest.partition('.')[0]}." if head == "baseline" else ""


def _strike_once(
    run: Run,
    victim: Victim,
    cell: Cell,
    grid: list[Cell],
    standing: dict[str, Any],
    model: Model | None = None,
) -> np.ndarray:
    """(k, 2) The flips of a cell; the first time its graph is kept."""
    flips = _flips(run, victim, cell, grid, standing, model)
    if cell.name not in standing["arena"]["told"]:
        _keep_graph(run, victim, cell, flips, standing["arena"])
    return flips


def _flips(
    run: Run,
    victim: Victim,
    cell: Cell,
    grid: list[Cell],
    standing: dict[str, Any],
    model: Model | None,
) -> np.ndarray:
    """(k, 2) The flips of a cell. Nested attacks run once, for their strongest cell."""
    flips = standing["arena"]["flips"]
    source = cell
    if cell.attack in NESTED:
        same = [other for other in grid if other.attack == cell.attack]
        source = max(same, key=lambda other: other.strength)
    if source.name not in flips:
        flips[source.name] = _strike(run, victim, source, standing, model)
    made = np.asarray(flips[source.name], np.int64).reshape(-1, 2)
    return made if source == cell else made[: cell.budget(victim.adjacency.nnz // 2)]


def _strike(
    run: Run, victim: Victim, cell: Cell, standing: dict[str, Any], model: Model | None
) -> np.ndarray:
    """One attack, step by step; goes on where a checkpoint left it."""
    arena = standing["arena"]
    made = attacks.attack(
        cell.attack,
        victim,
        cell.budget(victim.adjacency.nnz // 2),
        rng=run.rng(f"attack.{cell.name}"),
        **_options(cell.attack, run.params),
        **(_aim(cell, model, victim, standing["arena"]) if model else {}),
    )
    if arena["attack"] is not None:
        made.restore(arena["attack"])
    run.phase(f"attack: {cell.words}", total=made.total, done=arena["done"])
    for step in range(arena["done"], made.total):
        numbers = made.step()
        run.log(step, **{f"attack.{cell.name}.{what}": value for what, value in numbers.items()})
        run.advance(1)
        if run.checkpoint_due():
            arena |= {"attack": made.state(), "done": step + 1}
            run.checkpoint(standing, step=step + 1)
    arena |= {"attack": None, "done": 0}
    return made.flips


def _aim(cell: Cell, model: Model, victim: Victim, arena: dict[str, Any]) -> dict[str, Any]:
    """What an adaptive attack knows: its model, and what attacks before it did with as much."""
    most = cell.budget(victim.adjacency.nnz // 2)
    made = [np.asarray(flips, np.int64).reshape(-1, 2) for flips in arena["flips"].values()]
    starts = [flips[:most] for flips in made if len(flips)]
    return {"model": model, "aware": cell.attack == "aware", "starts": starts}


def _options(name: str, params: GagnParams) -> dict[str, Any]:
    found: dict[str, Any] = {"law": params.attack_power_law in ("all", name)}
    if name in attacks.RELAXED and params.attack_steps:
        found["steps"] = params.attack_steps
    if name in attacks.BLOCKS and params.attack_block:
        found["block"] = params.attack_block
    if name in attacks.ADAPTIVE:
        found["restarts"] = params.attack_restarts
    if name == "nettack":
        found["truth"] = params.attack_truth
    if name == "metattack":
        found |= {
            "exact": params.attack_exact,
            "train_share": params.attack_train_share,
            "per_step": params.attack_per_step,
        }
    return found


def _keep_graph(
    run: Run, victim: Victim, cell: Cell, flips: np.ndarray, arena: dict[str, Any]
) -> None:
    """The attacked graph, for other jobs and other tools."""
    told = imperceptibility(victim, flips)
    adjacency = flipped(victim.adjacency, flips)
    facts = {"nodes": victim.nodes, "edges": adjacency.nnz // 2, "features": False, "labels": False}
    with run.artifact(
        f"graphs/{cell.name}.npz",
        title=f"Attacked graph: {cell.words}",
        role="export",
        media="application/octet-stream",
        kind="graph",
        facts=facts,
        meta=told,
    ) as path:
        write_adjacency(path, adjacency)
    arena["told"][cell.name] = told


def _write(
    run: Run, grid: list[Cell], found: list[Summary], told: dict[str, dict[str, float]]
) -> None:
    """Tables and figures of the whole arena."""
    names = {"gagn": ""} | {name: f"baseline.{name}." for name in run.params.baselines}
    parts = ["test_accuracy", *(part for part in (EVASION, "targets_accuracy") if part in found[0])]
    aimed = {cell.model for cell in grid if cell.attack == "adaptive"} | set(BLIND)
    titles = {name: MODELS[name] if name in aimed else f"{MODELS[name]}{UNAIMED}" for name in names}
    note = "" if aimed >= set(names) else UNAIMED_NOTE
    run.table(
        "robustness",
        ("cell", "flips", *(f"{name}.{part}" for part in parts for name in names)),
        [
            (
                cell.words,
                int(told[cell.name]["flips"]) if cell.attack else 0,
                *(numbers[prefix + part] for part in parts for prefix in names.values()),
            )
            for cell, numbers in zip(grid, found, strict=True)
        ],
        title="Accuracy in every cell",
    )
    columns = list(next(iter(told.values())))
    run.table(
        "attacks",
        ("cell", *columns),
        [(cell.words, *(told[cell.name][column] for column in columns)) for cell in grid[1:]],
        title="How conspicuous the attacks are",
    )
    for part in parts:
        what = {
            "test_accuracy": "Test accuracy",
            EVASION: "Test accuracy by evasion",
            "targets_accuracy": "Accuracy on the targets",
        }
        run.figure(
            f"robustness.{part}",
            _map(grid, {titles[name]: [n[p + part] for n in found] for name, p in names.items()}),
            title=f"{what[part]} in every cell; the last one is what this job's inspector shows"
            f"{note}",
            main=True,
        )
        for attack, model in dict.fromkeys((cell.attack, cell.model) for cell in grid[1:]):
            if part == "targets_accuracy" and attack not in attacks.TARGETED:
                continue
            fought = [
                (cell, numbers)
                for cell, numbers in zip(grid, found, strict=True)
                if (cell.attack, cell.model) in (("", ""), (attack, model))
            ]
            curves = {titles[name]: [n[p + part] for _, n in fought] for name, p in names.items()}
            run.figure(
                f"{attack}-{model}.{part}" if model else f"{attack}.{part}",
                _curves([cell for cell, _ in fought], curves, what[part]),
                title=f"{what[part]} under {fought[-1][0].title}{note}",
                main=True,
            )


def _map(grid: list[Cell], rows: dict[str, list[float]]) -> dict[str, Any]:
    """Who withstands what: a column for each model, a row for each cell, and the worst."""
    columns = [[*row, min(row)] for row in rows.values()]
    values = [list(row) for row in zip(*columns, strict=True)]
    heat = {
        "type": "heatmap",
        "x": list(rows),
        "y": [*(cell.words for cell in grid), "worst"],
        "z": values,
        "text": [[f"{value:.3f}" for value in row] for row in values],
        "texttemplate": "%{text}",
        "showscale": False,  # each field says its number
    }
    layout = {
        "xaxis": {"showgrid": False},
        "yaxis": {"showgrid": False, "autorange": "reversed"},
        "height": 110 + 28 * len(values),  # px: the names of the models, and a line for each cell
    }
    return {"data": [heat], "layout": layout}


def _curves(cells: list[Cell], curves: dict[str, list[float]], what: str) -> dict[str, Any]:
    """How accuracy falls with the strength of one attack."""
    targeted = cells[-1].targeted
    places = [cell.many for cell in cells] if targeted else [100 * c.strength for c in cells]
    lines = [
        {"type": "scatter", "mode": "lines+markers", "name": name, "x": places, "y": row}
        for name, row in curves.items()
    ]
    across = "Flips per target" if targeted else "Edges flipped (%)"
    axis = {"title": {"text": across}, "type": "category" if targeted else "linear"}
    layout = {
        "xaxis": axis,
        "yaxis": {"title": {"text": what}},
        "legend": {"yref": "container", "y": 0, "yanchor": "bottom"},  # of many lines: below
        "height": 260 + 18 * len(curves),  # px
    }
    return {"data": lines, "layout": layout}
