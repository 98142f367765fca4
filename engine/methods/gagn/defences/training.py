"""Defences by name, the settings that validation chooses from, and their training inside a job."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

from engine.core.errors import UserError
from engine.methods.gagn.defences.fit import Fit, Trained
from engine.methods.gagn.defences.ground import Ground
from engine.methods.gagn.defences.unit import Unit

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.gagn.case import Case

# Each in the module of its name. Loaded when one is trained, and not when a job begins: PyG takes
# 110 MB, and by then the agents have given back theirs.
DEFENCES = {
    "mlp": "MlpFit",
    "gcn": "GcnFit",
    "gat": "GatFit",
    "jaccard": "JaccardFit",
    "svd": "SvdFit",
    "rgcn": "RgcnFit",
    "gnnguard": "GuardFit",
    "prognn": "ProGnnFit",
}
MOST = {"prognn": 5000}  # nodes that a defence can take which is dense by nature


def fit_of(name: str) -> type[Fit]:
    return getattr(import_module(f"{__package__}.{name}"), DEFENCES[name])


def units(names: list[str]) -> list[Unit]:
    """Every setting of these defences that validation chooses from."""
    return [Unit(name, settings) for name in names for settings in fit_of(name).grid]


def key(unit: Unit) -> str:
    return unit.key(units([unit.name])[0])


def refuse_too_large(names: list[str], nodes: int) -> None:
    """Dense defences take so many nodes; asked before anything is computed."""
    for name in names:
        most = MOST.get(name, nodes)
        if nodes > most:
            raise UserError(
                "baselines",
                f"{name} keeps a dense graph of {nodes} × {nodes} numbers; expected at most {most} "
                "nodes: leave it out",
            )


def begin(unit: Unit, ground: Ground, *, generator: torch.Generator) -> Fit:
    refuse_too_large([unit.name], ground.nodes)
    return fit_of(unit.name)(ground, unit.settings, generator=generator)


def trained(unit: Unit, ground: Ground, *, generator: torch.Generator, epochs: int) -> Trained:
    """One whole training in one go, for what attacks a defence."""
    fit = begin(unit, ground, generator=generator)
    for epoch in range(epochs):
        fit.epoch(epoch)
    return Trained(fit)


def train(run: Run, case: Case, todo: list[Unit], *, standing: dict[str, Any], step: int) -> list:
    """Train every unit; `standing` is the whole job's state and is kept up to date."""
    finished: list[dict[str, Any]] = standing["baselines"]["finished"]
    epochs = run.params.baseline_epochs
    ground = Ground(case, run.device)
    run.phase(case.phase("baselines"), total=epochs * len(todo), done=epochs * len(finished))
    for unit in todo[len(finished) :]:
        began = time.monotonic()
        told = case.key(key(unit))
        generator = run.torch_rng(key(unit))
        fit = begin(unit, ground, generator=generator)
        first = standing["baselines"]["epoch"]
        if first:
            fit.restore(standing["baselines"]["fit"])
            generator.set_state(standing["baselines"]["stream"])
        run.advance(first)
        for epoch in range(first, epochs):
            scores = fit.epoch(epoch)
            run.log(epoch, **{f"{told}.{name}": value for name, value in scores.items()})
            run.advance(1)
            if run.checkpoint_due():
                standing["baselines"] |= {
                    "epoch": epoch + 1,
                    "fit": fit.state(),
                    "stream": generator.get_state(),
                }
                run.checkpoint(standing, step=step)
        spent = time.monotonic() - began
        row = {"name": unit.name, "settings": fit.settings, **fit.best, "seconds": spent}
        if case.prey:
            row["snapshot"] = fit.kept
        finished.append(row)
        standing["baselines"] |= {"epoch": 0, "fit": None, "stream": None}
    return finished


def best(finished: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """Of one defence's trainings the one that validation prefers; the first of equals."""
    return max(
        (row for row in finished if row["name"] == name), key=lambda row: row["val_accuracy"]
    )
