"""Kaleidoscope's job: captures become samples, networks learn them fold by fold, one is compiled
and runs in simulated hardware.

The units of work are in work.py, the hardware's in hardware.py. This file is the order of events.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core.standing import Standing, once, standing_of
from engine.core.units import counted
from engine.data.traffic.headers import FIELDS
from engine.methods.kaleidoscope import hardware, inspector, leakage, report, rig
from engine.methods.kaleidoscope.case import Case, case_of, rare_classes, replaced
from engine.methods.kaleidoscope.deployed import Coprocessor, Deployed, assembled, deploy
from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.folds import FOLDS
from engine.methods.kaleidoscope.judgement import FOREST, judge
from engine.methods.kaleidoscope.work import forested, integers, restored, trained

if TYPE_CHECKING:
    from engine.core.run import Run


def run(run: Run) -> dict[str, float | None]:
    params = run.params
    backend = rig.choose(params.backend)  # refused before anything is read
    rig.require(backend, contexts=params.contexts)
    run.phase("read")
    case = case_of(run)
    describe(run, case)
    run.stop_here()
    standing = standing_of(run)
    data = {params.model: case.samples.data}
    for part in case.parts:
        learn(run, standing, case, part, params.model, data[params.model])
        if FOREST in params.baselines:
            unit = f"fold.{part.name}.{FOREST}"
            once(run, standing, unit, lambda part=part: forested(run, case, part))
    first = case.parts[0]
    if params.elephant != "none":
        data[params.elephant] = replaced(case, FAMILIES[params.elephant]).data
        learn(run, standing, case, first, params.elephant, data[params.elephant])
    found = judge(case, standing["finished"], name=params.model, params=params)
    leaks = leaked(run, standing, case)
    run.phase("compile")
    coprocessor = loaded(run, standing, case)
    rtl = hardware.tell(run, backend, coprocessor)
    told = hardware.trial(run, standing, backend, case, first, coprocessor, data)
    run.phase("report")
    verify(run, case, coprocessor, told, data, standing, real=not backend.badge)
    work = report.Work(
        run=run, case=case, part=first, judged=found, leaks=leaks, backend=backend, rtl=rtl,
        coprocessor=coprocessor, trials=told, data=data, finished=standing["finished"],
    )  # fmt: skip
    inspector.write(work)
    return report.conclude(work)


def describe(run: Run, case: Case) -> None:
    samples = case.samples
    run.message(
        f"{counted(len(samples), 'sample')} of {counted(len(samples.classes), 'class')} in "
        f"{counted(len(np.unique(samples.captures)), 'capture')}, by {case.labels.name}; "
        f"left out: {', '.join(f'{count:,} {why}' for why, count in samples.left_out.items())}"
    )
    alike = int(samples.elsewhere.sum())
    if alike:
        run.message(
            f"of {counted(alike, 'sample')} another capture has the same bytes, so no split by "
            "capture keeps them apart"
        )
    rare = rare_classes(case)
    if rare:
        run.message(
            f"of one capture alone, so never both trained on and tested: {', '.join(rare)}",
            level="warning",
        )


def learn(
    run: Run, standing: Standing, case: Case, part: Any, name: str, data: np.ndarray
) -> dict[str, Any]:
    """A fold's networks. Weights are kept of the first fold alone, whose network is deployed."""

    def work() -> dict[str, Any]:
        made = trained(run, standing, case, part, name=name, data=data)
        if part is not case.parts[0]:
            del made["weights"]
        return made

    return once(run, standing, f"fold.{part.name}.{name}", work)


def leaked(run: Run, standing: Standing, case: Case) -> dict[str, Any] | None:
    if case.detects or not run.params.leakage:
        return None

    def work() -> dict[str, Any]:
        run.phase("leakage meter", total=2 * FOLDS * (2 + len(FIELDS)))

        def tick() -> None:
            run.stop_here()
            run.advance()

        return leakage.leakage(case.traffic, case.samples, tick=tick)

    return once(run, standing, "leakage", work)


def loaded(run: Run, standing: Standing, case: Case) -> Coprocessor:
    """The first fold's networks, compiled."""
    params = run.params
    one = deployed(run, standing, case, params.model)
    if one.large:
        return assembled(params, None, one)
    second = None if params.elephant == "none" else deployed(run, standing, case, params.elephant)
    return assembled(params, one, second)


def deployed(run: Run, standing: Standing, case: Case, name: str) -> Deployed:
    made = standing["finished"][f"fold.{case.parts[0].name}.{name}"]
    family = restored(name, made, run.params.quantisation, case, run.params)
    return deploy(family.network(name, family=name))


def verify(
    run: Run,
    case: Case,
    coprocessor: Coprocessor,
    told: dict[str, Any],
    data: dict[str, np.ndarray],
    standing: Standing,
    *,
    real: bool,
) -> None:
    """The oracles; where no RTL ran, they say that it is the model that they hold for."""
    what = "the RTL" if real else "the model, not RTL,"
    main, parity, idle = coprocessor.main, told["parity"], told["idle"]
    run.verify("captures on both sides of a split", 0, case.shared, 0)
    made = standing["finished"][f"fold.{case.parts[0].name}.{run.params.model}"]
    family = restored(run.params.model, made, run.params.quantisation, case, run.params)
    some = case.parts[0].test[: run.params.parity_flows]
    rows = data[main.network.name][some]
    trained_outcome = integers(family, rows)
    golden = main.golden(rows).outcome.reshape(len(rows), -1)
    run.verify(
        "integers of training that the golden model has otherwise",
        0,
        int((trained_outcome != golden).sum()),
        0,
    )
    run.verify(f"logits of {what} that the golden model has otherwise", 0, parity["mismatches"], 0)
    run.verify(
        f"activations of {what} that the golden model has otherwise",
        0,
        told["steps"]["mismatches"],
        0,
    )
    replay = told["replay"]
    lost = replay["jobs"] - sum(replay["drops"].values()) - len(replay["verdicts"]["packet"])
    run.verify("jobs without a verdict and without a count as dropped", 0, lost, 0)
    if not real:
        return  # what follows would compare the models with themselves
    for name, extreme in (("fewest", np.min), ("most", np.max)):
        cycles = int(extreme(idle["core"]))
        run.verify(f"{name} cycles of an idle core, as compiled", main.compiled.cycles, cycles, 0)
    off = int((idle["latency"] != idle["predicted"]).sum())
    run.verify("packets whose latency is not the predicted one, to the cycle", 0, off, 0)
    wrong = replay["table"]["wrong"]
    run.verify("packets that the flow table decides otherwise than its model", 0, wrong, 0)
    off, *others = told["bypass"]
    for row in others:
        same = row["hash"] == off["hash"] and row["delay"] == off["delay"]
        run.verify(f"data plane changed with the engine {row['engine']}", 0, int(not same), 0)
    stalls = sum(row["stalls"] for row in told["bypass"])
    run.verify("stalls of the data plane", 0, stalls, 0)
