"""What is guessed for hidden patches, and by how much it is wrong: where, when, in which band.

Residuals are (n, C, S, P) in 100 µV, masks (n, C, S), true where hidden. Every error is a mean
square over hidden samples alone, None where nothing was hidden.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.methods.cbramod import lines
from engine.methods.cbramod.model import PATCH, CBraMod
from engine.methods.cbramod.spectra import BANDS, inside

BATCH = 64  # windows at a time
DIGITS = 6
Errors = list[float | None]


@torch.no_grad()
def guessed(model: CBraMod, x: Tensor, mask: Tensor) -> Tensor:
    """(n, C, S, P) in evaluation mode."""
    model.eval()
    pairs = zip(x.split(BATCH), mask.split(BATCH), strict=True)
    return torch.cat([model(some, hid) for some, hid in pairs])


def judged(guess: Tensor, x: Tensor, mask: Tensor, spread: Tensor) -> dict[str, Any]:
    """The errors of a guess beside those of guessing nothing, and of a Gaussian with the channels'
    covariance `spread`."""
    network, nothing = guess - x, x
    gaussian = lines.conditional(x, mask, spread) - x
    channels = {"network": network, "zero": nothing, "gaussian": gaussian}
    both = {"network": network, "zero": nothing}
    bands = {name: by_band(residual, mask) for name, residual in both.items()}
    return {
        "hidden": round(mask.float().mean().item(), DIGITS),
        "by_channel": {name: by_channel(residual, mask) for name, residual in channels.items()},
        "by_band": {"names": list(BANDS), **bands},
        "by_second": {name: by_second(residual, mask) for name, residual in both.items()},
    }


def overall(residual: Tensor, mask: Tensor) -> float | None:
    return _means(residual.square().mean(-1), mask, (0, 1, 2))[0]


def by_channel(residual: Tensor, mask: Tensor) -> Errors:
    return _means(residual.square().mean(-1), mask, (0, 2))


def by_second(residual: Tensor, mask: Tensor) -> Errors:
    return _means(residual.square().mean(-1), mask, (0, 1))


def by_band(residual: Tensor, mask: Tensor) -> Errors:
    """What a band contributes to the error: the squares of its bins, by Parseval's theorem."""
    if not mask.any():
        return [None] * len(BANDS)
    bins = torch.fft.rfft(residual[mask], norm="forward").abs().square().mean(0).double().cpu()
    hz = torch.fft.rfftfreq(PATCH, 1 / PATCH).numpy()
    return _rounded(2 * torch.from_numpy(inside(hz)).double() @ bins)


def _means(square: Tensor, mask: Tensor, over: tuple[int, ...]) -> Errors:
    hidden = mask.double()
    return _rounded((square * hidden).sum(over) / hidden.sum(over))


def _rounded(values: Tensor) -> Errors:
    """nan is 0 / 0: nothing was hidden there."""
    return [round(v, DIGITS) if v == v else None for v in values.reshape(-1).tolist()]
