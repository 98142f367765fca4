"""How the numbers of each layer are spread: weights and activations, real and as the core has them.

Both networks are the deployed one's family: the one in real numbers, and the one in integers, whose
whole numbers are shown as the reals that they stand for.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from engine.methods.kaleidoscope.arithmetic import HIGHEST, LOWEST
from engine.methods.kaleidoscope.families.base import Family
from engine.methods.kaleidoscope.quantise import Affine, Embedding, Signal

BINS = 63  # odd, so that zero lies within one
WEIGHTS, ACTIVATIONS = "weights", "activations"


def distributions(floating: Family, integer: Family, data: np.ndarray) -> list[dict[str, Any]]:
    """Of two settled families over bytes (n, inputs), one entry for each layer's weights and each
    activation, in the order in which they run.

    {"name", "of", "low", "high", "float", "int8", "saturated"}: counts in BINS equal bins from
    `low` to `high`, and the share of the int8 that are at an end of their range: of weights ±127,
    of activations 127 or -128. Raw logits are not int8: of them `saturated` is None.
    """
    bytes_ = torch.from_numpy(data.copy())
    real_weights, real_taps = _seen(floating, bytes_)
    weights, taps = _seen(integer, bytes_)
    raw = {one.name for one in integer.modules() if isinstance(one, Affine) and one.out is None}
    found = []
    for name, (whole, step) in weights.items():
        ends = np.isin(whole, (-HIGHEST, HIGHEST))
        found.append(_entry(name, WEIGHTS, real_weights[name][0], whole * step, ends))
    for name, signal in taps.items():
        real, whole = real_taps[name].values.numpy(), signal.values.numpy()
        ends = None if name in raw else np.isin(whole, (LOWEST, HIGHEST))
        found.append(_entry(name, ACTIVATIONS, real, whole * signal.step, ends))
    return found


Weights = dict[str, tuple[np.ndarray, Any]]  # numbers, and the real value of a step of each


def _seen(family: Family, data: torch.Tensor) -> tuple[Weights, dict[str, Signal]]:
    """Of a forward pass: the weights that were used, and the activations."""
    weights: Weights = {}

    def note(module: torch.nn.Module, sources: tuple[Any, ...], _: Any) -> None:
        if isinstance(module, Embedding):
            rows, step = module.integers() if module.integer else (module.weight, 1.0)
            weights[module.name] = rows.numpy(), step
        elif isinstance(module, Affine) and module.integer:
            shapes = [(one.step, one.values.shape[-1]) for one in sources]
            whole = module.integers(*shapes)
            columns = np.concatenate([np.full(width, step) for step, width in shapes])
            weights[module.name] = whole.weight.numpy(), whole.step / columns
        elif isinstance(module, Affine):
            weights[module.name] = module.weight.numpy(), 1.0

    hooks = [module.register_forward_hook(note) for module in family.modules()]
    try:
        return weights, family.layers(data)
    finally:
        for hook in hooks:
            hook.remove()


def _entry(
    name: str, of: str, real: np.ndarray, rounded: np.ndarray, ends: np.ndarray | None
) -> dict[str, Any]:
    low = float(min(real.min(), rounded.min()))
    high = float(max(real.max(), rounded.max()))
    if low == high:  # a layer that is dead: one bin that holds it all
        low, high = low - 0.5, high + 0.5
    counts = [np.histogram(values, BINS, (low, high))[0].tolist() for values in (real, rounded)]
    return {
        "name": name,
        "of": of,
        "low": low,
        "high": high,
        "float": counts[0],
        "int8": counts[1],
        "saturated": None if ends is None else float(ends.mean()),
    }
