"""Which case a job is: by the inputs that it was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.methods.flat_lora.case import Case
from engine.methods.flat_lora.pictures import of_pictures
from engine.methods.flat_lora.texts import of_texts

if TYPE_CHECKING:
    from engine.core.run import Run


def prepare(run: Run) -> Case:
    return of_texts(run) if run.inputs["images"] is None else of_pictures(run)
