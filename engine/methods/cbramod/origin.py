"""What exported weights tell of how they came about: above all, whose recordings they have seen.

A network that was pre-trained on somebody is no stranger to that person's windows, so fine-tuning
compares names. They may coincide between sets and differ within one: a warning, not a proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from engine.core.errors import UserError
from engine.methods.cbramod.windows import RATE

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.data.model.weights import Weights
    from engine.methods.cbramod.split import Part
    from engine.methods.cbramod.windows import Windows

NOTE = "tenfold"  # the text beside the tensors that holds it


class Origin(BaseModel):
    model_config = ConfigDict(frozen=True)

    method: str
    task: str
    seed: int
    preset: str
    window: int  # s
    train: list[str]  # subjects, those of the weights that it started from included
    val: list[str]
    complete: bool  # False where some of whom it saw are not known by name

    def texts(self) -> dict[str, str]:
        return {NOTE: self.model_dump_json()}


def read(found: Weights) -> Origin | None:
    """None where the file tells nothing."""
    text = (found.metadata or {}).get(NOTE)
    if text is None:
        return None
    try:
        return Origin.model_validate_json(text)
    except ValidationError as fault:
        raise UserError(
            found.name, f"its note {NOTE!r} on how it was trained cannot be read; expected one as "
            "CBraMod's jobs write it"
        ) from fault  # fmt: skip


def of(run: Run, windows: Windows, part: Part) -> Origin:
    """Of the weights that this job makes from a fold."""
    given = run.inputs["weights"]
    before = None if given is None else read(given)
    own = {side: set(windows.subject[getattr(part, side)].tolist()) for side in ("train", "val")}
    named = windows.named
    names = {side: (own[side] if named else set()) | set(getattr(before, side, ())) for side in own}
    return Origin(
        method=run.method.slug,
        task=run.params.task,
        seed=run.seed,
        preset=run.params.preset,
        window=windows.x.shape[2] // RATE,
        train=sorted(names["train"]),
        val=sorted(names["val"]),
        complete=named and (given is None or (before is not None and before.complete)),
    )


def met(origin: Origin, windows: Windows, parts: list[Part]) -> tuple[list[str], int]:
    """The tested subjects whose names the weights have seen, and how many are tested."""
    tested = np.unique(windows.subject[np.concatenate([part.test for part in parts])])
    return np.intersect1d(tested, [*origin.train, *origin.val]).tolist(), len(tested)
