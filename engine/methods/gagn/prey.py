"""The models that the given graph has trained, kept for attacks on themselves and for evasion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.methods.gagn import defences
from engine.methods.gagn.defended import Defended

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.gagn.attacks.adaptive import Model
    from engine.methods.gagn.case import Case


class Prey:
    """`kept`, what is known of them, is a part of the job's state."""

    def __init__(self, run: Run, case: Case, kept: dict[str, Any]):
        self.run, self.case, self.kept = run, case, kept
        self._made: dict[str, Model] = {}
        self._ground: defences.Ground | None = None

    def keep_agents(self, defended: Defended) -> None:
        self.kept["gagn"] = defended.state()

    def keep_baselines(self, finished: list[dict[str, Any]]) -> None:
        for name in self.run.params.baselines:
            row = defences.best(finished, name)
            self.kept[name] = {"settings": row["settings"], "snapshot": row["snapshot"]}

    def __call__(self, name: str) -> Model:
        if name not in self._made:
            self._made[name] = self._agents() if name == "gagn" else self._baseline(name)
        return self._made[name]

    def evasion(self, case: Case) -> dict[str, float | None]:
        """Test accuracy of every kept model, as it is, on the graph of this cell."""
        test, found = case.split.test, dict[str, float | None]()
        for name in self.kept:
            told = self(name).logits(case.adjacency).argmax(1).cpu().numpy()
            before = "" if name == "gagn" else f"baseline.{name}."
            right = told[test] == case.labels[test]
            found[f"{before}evasion.test_accuracy"] = float(np.mean(right))
        return found

    def _agents(self) -> Model:
        case = self.case
        run = self.run
        world = case.world(run.params, seed=run.seed, device=run.device)
        return Defended.stored(self.kept["gagn"], world, case.adjacency, run.params)

    def _baseline(self, name: str) -> Model:
        kept = self.kept[name]
        self._ground = self._ground or defences.Ground(self.case, self.run.device)
        unit = defences.Unit(name, kept["settings"])
        fit = defences.begin(unit, self._ground, generator=torch.Generator().manual_seed(0))
        fit.kept = kept["snapshot"]
        return defences.Trained(fit)
