"""The arena: GAgN and its baselines on the same graph under attack, cell by cell.

A cell is one attack at one strength; the first cell is the clean graph. All attacks are made
first, then agents and baselines are trained anew in each cell (poisoning). The last cell is the
one that the inspector shows: its numbers are those of a plain job on the graph that it exports.

The attacks know the clean graph and surrogates trained on it; they do not know the defences. So
what a defence withstands here it withstands without being attacked itself.
"""

from __future__ import annotations

from collections.abc import Iterator
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
    from engine.methods.gagn.card import GagnParams
    from engine.methods.gagn.case import Case

NESTED = ("random", "metattack")  # their first k flips are an attack of k flips
POPULAR = 10  # targets have more neighbours than this, as the Nettack graphs of the field
TOLD = ("test_accuracy", "targets_accuracy", "edges_removed", "filter_auc")  # of every cell

Summary = dict[str, float | None]


@dataclass(frozen=True)
class Cell:
    attack: str = ""  # none: the clean graph
    strength: float = 0  # share of the edges, or flips per target (0: its degree + 2)

    @property
    def targeted(self) -> bool:
        return self.attack in attacks.TARGETED

    @property
    def name(self) -> str:
        """As metric keys and files have it."""
        if not self.attack:
            return "clean"
        if not self.targeted:
            return f"{self.attack}.rate{f'{100 * self.strength:g}'.replace('.', '_')}"
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
            return "clean graph"
        title = attacks.TITLES[self.attack]
        return f"{title}, {self.many} per target" if self.targeted else f"{title} {self.many}"

    def budget(self, edges: int) -> int | None:
        """Flips of undirected edges, in all or for each target."""
        if self.targeted:
            return int(self.strength) or None
        return budget(self.strength, edges)


def cells(params: GagnParams) -> list[Cell]:
    """The clean graph, then attack by attack with growing strength."""
    found = [Cell()]
    for name in params.attack:
        strengths = params.target_flips if name in attacks.TARGETED else params.rate
        found += [Cell(name, strength) for strength in strengths]
    return found


def refuse(params: GagnParams, case: Case) -> None:
    """What cannot be fought, said before anything is computed."""
    if not params.attack:
        return
    attacks.refuse_too_large(params.attack, case.nodes)
    edges = case.adjacency.nnz // 2
    for cell in cells(params)[1:]:
        if cell.budget(edges) == 0:
            raise UserError("rate", f"{cell.strength:g} of {edges} edges is less than one flip")


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
    return {"attack": None, "done": 0, "flips": {}, "told": {}, "cells": []}


def attacked(run: Run, case: Case, standing: dict[str, Any]) -> Iterator[Case]:
    """The cells that are still to be fought, each as a case of its own."""
    arena, grid = standing["arena"], cells(run.params)
    edges = case.adjacency.nnz // 2
    victim = Victim(
        case.adjacency, case.features, case.labels, case.split, case.classes, case.targets
    )
    for cell in grid[1:]:
        if cell.name not in arena["told"]:
            flips = _flips(run, victim, cell, grid, standing)
            _keep_graph(run, victim, cell, flips, arena)
    for cell in grid[len(arena["cells"]) :]:
        if cell.attack:
            flips = _flips(run, victim, cell, grid, standing)
            run.message(f"{cell.words}: {len(flips)} of {edges} edges flipped")
            adjacency = flipped(case.adjacency, flips)
            fought = replace(case, adjacency=adjacency, clean=case.adjacency)
        else:
            fought = case
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


def _flips(
    run: Run, victim: Victim, cell: Cell, grid: list[Cell], standing: dict[str, Any]
) -> np.ndarray:
    """(k, 2) The flips of a cell. Nested attacks run once, for their strongest cell."""
    flips = standing["arena"]["flips"]
    source = cell
    if cell.attack in NESTED:
        same = [other for other in grid if other.attack == cell.attack]
        source = max(same, key=lambda other: other.strength)
    if source.name not in flips:
        flips[source.name] = _strike(run, victim, source, standing)
    made = np.asarray(flips[source.name], np.int64).reshape(-1, 2)
    return made if source == cell else made[: cell.budget(victim.adjacency.nnz // 2)]


def _strike(run: Run, victim: Victim, cell: Cell, standing: dict[str, Any]) -> np.ndarray:
    """One attack, step by step; goes on where a checkpoint left it."""
    arena = standing["arena"]
    made = attacks.attack(
        cell.attack,
        victim,
        cell.budget(victim.adjacency.nnz // 2),
        rng=run.rng(f"attack.{cell.name}"),
        **_options(cell.attack, run.params),
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


def _options(name: str, params: GagnParams) -> dict[str, Any]:
    found: dict[str, Any] = {"law": params.attack_power_law}
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
    titles = {"gagn": "GAgN"} | {baseline.name: baseline.title for baseline in BASELINES}
    parts = ["test_accuracy"] + ["targets_accuracy"] * ("targets_accuracy" in found[0])
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
        what = {"test_accuracy": "Test accuracy", "targets_accuracy": "Accuracy on the targets"}
        run.figure(
            f"robustness.{part}",
            _map(grid, {titles[name]: [n[p + part] for n in found] for name, p in names.items()}),
            title=f"{what[part]} in every cell; the last one is what this job's inspector shows",
            main=True,
        )
        for attack in run.params.attack:
            if part == "targets_accuracy" and attack not in attacks.TARGETED:
                continue
            fought = [
                (cell, numbers)
                for cell, numbers in zip(grid, found, strict=True)
                if cell.attack in ("", attack)
            ]
            curves = {titles[name]: [n[p + part] for _, n in fought] for name, p in names.items()}
            run.figure(
                f"{attack}.{part}",
                _curves([cell for cell, _ in fought], curves, what[part]),
                title=f"{what[part]} under {attacks.TITLES[attack]}",
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
        "colorbar": {"title": {"text": "accuracy"}},
    }
    return {"data": [heat], "layout": {"yaxis": {"autorange": "reversed"}}}


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
    layout = {"xaxis": axis, "yaxis": {"title": {"text": what}}}
    return {"data": lines, "layout": layout}
