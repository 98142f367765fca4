"""The deployed network, layer by layer: shapes, tiles, cycles, and what rounding costs each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from engine.methods.kaleidoscope.deployed import Deployed
from engine.methods.kaleidoscope.families import FAMILIES, Family
from engine.methods.kaleidoscope.integer import Dense, Elementwise, Gather, Logits, Product, Score
from engine.methods.kaleidoscope.proof import prove
from engine.methods.kaleidoscope.work import FLOAT, restored

if TYPE_CHECKING:
    from engine.methods.kaleidoscope.integer import Step
    from engine.methods.kaleidoscope.report import Work

COMPARED = 256  # flows


def family(main: Deployed) -> type[Family]:
    return FAMILIES[str(main.network.meta["family"])]


def title(main: Deployed) -> str:
    """The family's, with the widths of a plain chain of dense layers."""
    network = main.network
    dense = [step for step in network.steps if isinstance(step, Dense | Logits)]
    chain = [dense[0].weight.shape[1], *(len(step.weight) for step in dense)]
    plain = len(dense) == len(network.steps) - int(main.detects)
    alike = all(step.weight.shape[1] == width for step, width in zip(dense, chain, strict=False))
    words = family(main).title
    return f"{words}: {'→'.join(map(str, chain))}" if plain and alike else words


def table(work: Work) -> list[dict[str, Any]]:
    main = work.coprocessor.main
    bounds, errors = prove(main.network), _errors(work)
    rows = []
    for step, layer in zip(main.network.steps, main.compiled.layers, strict=True):
        rows.append(
            {
                "name": step.name,
                "kind": kind_of(step),
                "shape": _shape(step),
                "tiles": layer.tiles,
                "skipped": layer.skipped,
                "issues": layer.issues,
                "first": layer.first,
                "last": layer.last,
                "multiplier": getattr(step, "multiplier", None),
                "shift": getattr(step, "shift", None),
                "macs": _macs(step),
                "error": errors.get(step.name),
                "bound": bounds.get(step.name),
            }
        )
    return rows


def kind_of(step: Step) -> str:
    return step.kind if isinstance(step, Elementwise) else type(step).__name__.lower()


def reals(found: Family, data: np.ndarray) -> dict[str, np.ndarray]:
    """Activations (n, …) of each layer as real numbers."""
    taps = found.layers(torch.from_numpy(data.copy()))
    return {
        name: (signal.values * signal.step).reshape(len(data), -1).numpy()
        for name, signal in taps.items()
    }


def both(work: Work) -> tuple[Family, Family, np.ndarray]:
    """The network in real numbers, the deployed one, and bytes of the first tested flows."""
    params, case = work.run.params, work.case
    made = work.finished[f"fold.{work.part.name}.{params.model}"]
    floating, integer = (
        restored(params.model, made, which, case, params) for which in (FLOAT, params.quantisation)
    )
    return floating, integer, work.data[params.model][work.part.test[:COMPARED]]


def _errors(work: Work) -> dict[str, dict[str, float | None]]:
    """Of the int8 layers against those in real numbers, over the first tested flows."""
    *families, data = both(work)
    floating, integer = (reals(one, data) for one in families)
    found = {}
    for name, real in floating.items():
        if name not in integer:
            continue
        off = integer[name] - real
        power, noise = float((real**2).mean()), float((off**2).mean())
        clean = power > 0 and noise > 0
        found[name] = {
            "max": float(np.abs(off).max()),
            "mean": float(np.abs(off).mean()),
            "snr_db": float(10 * np.log10(power / noise)) if clean else None,
        }
    return found


def _shape(step: Step) -> list[int] | None:
    match step:
        case Dense() | Logits():
            return list(step.weight.shape)
        case Product():
            return [step.target.rows, step.target.columns]
        case Gather():
            return [step.target.length, step.source.length]
        case Score():
            return [1, step.a.length]
    return [step.target.length]


def _macs(step: Step) -> int:
    """Multiplications by weights that are not zero, or of activations."""
    match step:
        case Dense() | Logits():
            return int(np.count_nonzero(step.weight))
        case Product():
            return step.a.rows * step.a.columns * step.target.columns
    return 0
