"""What can be taken away: an adapter that PEFT reads, and the merged network, each read back."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.core import checkpoint
from engine.data.kind import Report
from engine.data.model import io as models
from engine.methods.flat_lora.tasks import split
from engine.models.export import (
    difference,
    export_adapter,
    export_merged,
    reload_adapter,
    reload_merged,
)

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.flat_lora.case import Case
    from engine.methods.flat_lora.tuning import Start, Tuned

ROUND_TRIP = 1e-5  # largest difference of a logit after a way through files
ROWS = 8  # that both networks are asked
STATE = "inspector/{}.safetensors"  # what a variant trained, for the what-if


def write(run: Run, case: Case, work: Tuned, start: Start) -> dict[str, Any]:
    """The files of a variant; returns by how much what is read back differs in a logit."""
    name = work.variant.name
    run.phase(f"{name}: export")
    about: dict[str, Any] = {"media": "application/octet-stream", "role": "inspector"}
    with run.artifact(STATE.format(name), title=f"{work.variant.title}: trained tensors",
                      **about) as path:  # fmt: skip
        state = [tensor.detach().cpu() for tensor in work.trained]
        checkpoint.save(path, {"trained": state, "start": start})
    some = case.parts["test"].make(np.arange(min(ROWS, len(case.parts["test"]))))
    batch, _ = split(some)
    found: dict[str, Any] = {"adapter": None, "merged": None}
    classes = case.task.names
    if work.layers:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            export_adapter(work.model, folder, base=case.backbone().name, classes=classes)
            back = reload_adapter(folder, case.backbone())
            found["adapter"] = _told(run, f"{name}: adapter read back by PEFT", work, back, batch)
            _pack(
                run, f"export/{name}-adapter.zip", f"{work.variant.title}: adapter (PEFT)", folder
            )
    if run.params.save_model and name == run.params.variants[0]:
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place)
            tokenizer = case.backbone().tokenizer
            export_merged(work.model, folder, tokenizer=tokenizer, classes=classes)
            back = reload_merged(folder, device=run.device)
            found["merged"] = _told(run, f"{name}: merged network read back", work, back, batch)
            title = f"{work.variant.title}: merged network (transformers)"
            _pack(run, f"export/{name}-model.zip", title, folder, kind="model")
    return found


def _told(run: Run, oracle: str, work: Tuned, back: Any, batch: Any) -> float:
    largest = difference(work.model, back, batch)
    run.verify(oracle, 0, largest, ROUND_TRIP)
    return largest


def _pack(run: Run, path: str, title: str, folder: Path, *, kind: str | None = None) -> None:
    """A folder as a zip, stored: weights hardly pack."""
    facts: dict[str, Any] | None = None
    if kind is not None:
        report = Report()
        models.check(folder, report)
        if report.failed:
            raise report.fault()
        facts = report.facts
    about: dict[str, Any] = {"role": "export", "media": "application/zip"}
    with (
        run.artifact(path, title=title, kind=kind, facts=facts, **about) as part,
        zipfile.ZipFile(part, "w") as archive,
    ):
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
