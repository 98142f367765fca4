"""Flat-LoRA's job: every variant trains on the same batches, then all are measured alike.

The noise is in perturbation.py, a step in training.py, what is measured in flatness.py. This file
is the order of events, and where it stands after a resume.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.core.standing import Standing, once, standing_of
from engine.methods.flat_lora import export, flatness, inspector, report
from engine.methods.flat_lora.prepare import prepare
from engine.methods.flat_lora.tuning import built, refuse, starts, tuned
from engine.methods.flat_lora.variants import Variant, chosen

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.flat_lora.case import Case


def run(run: Run) -> dict[str, float | None]:
    run.phase("read")
    case = prepare(run)
    standing = standing_of(run)
    variants = chosen(run.params.variants, run.params.flat_on)
    refuse(run, case, variants)
    for variant in variants:
        if f"{variant.name}.found" not in standing["finished"]:
            one(run, case, variant, standing)
    found = {one.name: standing["finished"][f"{one.name}.found"] for one in variants}
    inspector.write(run, case, variants, found)
    return report.conclude(run, case, variants, found)


def one(run: Run, case: Case, variant: Variant, standing: Standing) -> None:
    """Train a variant and measure it. Of its weights only what is exported stays."""
    name = variant.name
    start = once(run, standing, f"{name}.start", lambda: starts(run, case, variant))
    before = once(run, standing, f"{name}.before", lambda: report.before(run, case, variant, start))
    trained = once(
        run, standing, f"{name}.train", lambda: tuned(run, case, variant, start, standing)
    )
    work = built(run, case, variant, start, trained["trained"])
    found: dict[str, Any] = {"training": {"summary": trained["summary"] | before}}
    found["answers"] = once(run, standing, f"{name}.answers", lambda: report.judge(run, case, work))
    found |= flatness.measure(run, case, work, standing)
    found["export"] = once(
        run, standing, f"{name}.export", lambda: export.write(run, case, work, start)
    )
    for key in [key for key in standing["finished"] if key.startswith(f"{name}.")]:
        del standing["finished"][key]
    standing["finished"][f"{name}.found"] = found
    if run.checkpoint_due():
        run.checkpoint(standing, step=standing["step"])
