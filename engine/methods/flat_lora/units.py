"""Units of work, each done once: a resumed job goes on with the first that is not finished.

`standing` is where the job stands: the `finished` units, the one under way (`unit`), and the
`step` that events count by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.core.run import Run


def once(run: Run, standing: dict[str, Any], name: str, work: Callable[[], Any]) -> Any:
    """What a unit gave, worked out unless a checkpoint has it."""
    if name not in standing["finished"]:
        standing["finished"][name] = work()
        standing["unit"] = None
        if run.checkpoint_due():
            run.checkpoint(standing, step=standing["step"])
    return standing["finished"][name]
