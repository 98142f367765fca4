"""Mice and elephants as the threshold moves: who is judged again, how well, at what load."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engine.methods.kaleidoscope import metrics
from engine.methods.kaleidoscope.stimulus import Settings

if TYPE_CHECKING:
    from engine.methods.kaleidoscope.report import Work

THRESHOLDS = (2, 4, 8, 16, 32)


def elephants(work: Work) -> dict[str, Any] | None:
    """Of the first fold's tested flows; an elephant has as many packets as the threshold, and as
    many payloads as its job waits for. Both verdicts are judged on elephants alone. Null without a
    network for elephants."""
    large = work.coprocessor.elephant
    if large is None or work.coprocessor.mouse is None:
        return None
    params, case, part = work.run.params, work.case, work.part
    labels = case.samples.labels[part.test]
    answers = {
        name: np.asarray(work.finished[f"fold.{part.name}.{name}"]["answers"][params.quantisation])
        for name in (params.model, params.elephant)
    }
    mouse, second = answers[params.model], answers[params.elephant]
    known = case.traffic.flows
    flows = case.samples.flows[part.test]
    enough = known.payload_packets[flows] >= Settings().least_stored
    cycles, cores = work.trials["replay"]["cycles"], work.coprocessor.machine.hpe
    rows = []
    for threshold in THRESHOLDS:
        which = (known.packets[flows] >= threshold) & enough
        final = np.where(which, second, mouse)
        rows.append(
            {
                "threshold": threshold,
                "elephants": int(which.sum()),
                "accuracy_mouse": _share(mouse[which] == labels[which]),
                "accuracy_elephant": _share(second[which] == labels[which]),
                "accuracy": float((final == labels).mean()),
                "hpe_load": float(which.sum() * large.compiled.cycles / (cycles * cores)),
            }
        )
    which = (known.packets[flows] >= params.threshold) & enough
    table = metrics.confusion(mouse[which], second[which], classes=len(case.samples.classes))
    return {
        "model": params.elephant,
        "latency_cycles": int(work.trials["elephant.idle"]["latency"].max()),
        "thresholds": list(THRESHOLDS),
        "rows": rows,
        "upgrade": {"classes": list(case.samples.classes), "table": table.tolist()},
    }


def _share(right: np.ndarray) -> float | None:
    return float(right.mean()) if len(right) else None
