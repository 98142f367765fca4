"""Weights that a job was given: the network that fits them, and what there is to say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.core.units import counted
from engine.methods.cbramod import origin, weights
from engine.methods.cbramod.model import PRESETS, CBraMod, Shape

if TYPE_CHECKING:
    from engine.core.run import Run
    from engine.methods.cbramod.split import Part
    from engine.methods.cbramod.weights import Row
    from engine.methods.cbramod.windows import Windows

SHOWN = 5  # names of subjects in a message


def shape(run: Run) -> Shape:
    """As deep as the given weights; the preset where there are none."""
    preset = PRESETS[run.params.preset]
    found = run.inputs["weights"]
    if found is None:
        return preset
    layers = weights.layers_of(weights.official(found), found.name)
    same = (one for one in PRESETS.values() if one.layers == layers)
    return next(same, Shape(layers, preset.dropout))


def match(run: Run) -> list[Row] | None:
    """Every tensor beside what the network expects; refused where one does not fit, or where the
    note on whom they saw cannot be read, which is asked for only after the training."""
    found = run.inputs["weights"]
    if found is None:
        return None
    origin.read(found)
    with torch.device("meta"):
        model = CBraMod(shape(run))
    return weights.match(model, weights.official(found), found.name)


def fill(run: Run, model: CBraMod) -> bool:
    """Put the given weights in; whether they have a reconstruction layer."""
    found = run.inputs["weights"]
    if found is None:
        return False
    content = weights.official(found)
    weights.load(model, content, found.name)
    return weights.reconstructs(content)


def complete(run: Run, model: CBraMod) -> dict[str, Tensor] | None:
    """The given weights for a whole network; what they lack is as the model was born."""
    if run.inputs["weights"] is None:
        return None
    fill(run, model)
    return model.state_dict()


def reconstructing(run: Run, model: CBraMod) -> dict[str, Tensor] | None:
    """The given weights, where they can guess what is hidden."""
    return model.state_dict() if fill(run, model) else None


def tell(run: Run, rows: list[Row], windows: Windows, parts: list[Part]) -> None:
    found = run.inputs["weights"]
    run.table(
        "load_report",
        ("key", "expected", "found", "state"),
        [(row.key, _sides(row.expected), _sides(row.found), row.state) for row in rows],
        title="What was loaded of the weights",
    )
    states = [row.state for row in rows if row.expected is not None]
    made = shape(run)
    run.message(
        f"starts from {found.name}: {states.count('matched')} of {counted(len(states), 'tensor')}, "
        f"{counted(made.layers, 'block')}"
    )
    preset = PRESETS[run.params.preset]
    if made != preset:
        run.message(
            f"the network follows the weights, not preset={run.params.preset}: "
            f"{counted(made.layers, 'block')}, dropout {made.dropout:g}"
        )
    aside = sum(row.state == "left aside" for row in rows)
    if aside:
        run.message(f"the head of another task is left aside ({counted(aside, 'tensor')})")
    if "missing" in states and run.params.task == "pretrain":
        run.message("the weights have no reconstruction layer: it starts anew")
    if run.params.task == "finetune":
        _tell_whom_they_saw(run, windows, parts)


def _tell_whom_they_saw(run: Run, windows: Windows, parts: list[Part]) -> None:
    found = origin.read(run.inputs["weights"])
    if found is None or not found.complete:
        known = "in part" if found else "not"
        run.message(
            f"whose recordings these weights have seen is {known} known here: where a tested "
            "subject was among them, the numbers are too good"
        )
    if found is None:
        return
    seen, tested = origin.met(found, windows, parts)
    if seen:
        more = ", …" if len(seen) > SHOWN else ""
        run.message(
            f"pre-trained on {len(seen)} of the {counted(tested, 'subject')} tested here, as their "
            f"names say ({', '.join(seen[:SHOWN])}{more}): the numbers may be too good",
            level="warning",
        )
    else:
        people = counted(len({*found.train, *found.val}), "subject")
        run.message(f"pre-trained on {people}, none of whose names is tested here")


def _sides(shape: tuple[int, ...] | None) -> str | None:
    return None if shape is None else " x ".join(map(str, shape))
