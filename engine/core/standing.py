"""Where a job stands, for methods that are many units of work one after the other.

A fold's training, a baseline, a measure: each is done once, and a resumed job goes on with the
first that is not finished. `standing` is what the checkpoints of such a method keep: what the
`finished` units gave, the middle of the one under way (`unit`, which is that unit's own business),
and the `step` that events count by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from engine.core.run import Run

Made = TypeVar("Made")
Standing = dict[str, Any]


def standing_of(run: Run) -> Standing:
    """Where the newest checkpoint left the job, or its beginning; called once, as `run.restore`."""
    return run.restore() or {"finished": {}, "unit": None, "step": 0}


def once(run: Run, standing: Standing, name: str, work: Callable[[], Made]) -> Made:
    """What a unit gave, worked out unless a checkpoint has it."""
    if name not in standing["finished"]:
        standing["finished"][name] = work()
        standing["unit"] = None
        if run.checkpoint_due():
            run.checkpoint(standing, step=standing["step"])
    return standing["finished"][name]
