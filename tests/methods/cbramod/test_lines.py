"""The reference lines against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.cbramod import lines
from engine.methods.cbramod.pretrain import hidden


def mixed(windows: int = 6, channels: int = 5, patches: int = 3) -> torch.Tensor:
    draws = torch.Generator().manual_seed(0)
    sources = torch.randn(windows, 2, patches, 200, generator=draws, dtype=torch.float64)
    own = torch.randn(windows, channels, patches, 200, generator=draws, dtype=torch.float64)
    mix = torch.randn(channels, 2, generator=draws, dtype=torch.float64)
    return torch.einsum("cs,wspt->wcpt", mix, sources) + 0.3 * own


def test_lines_are_what_a_loop_finds():
    x = mixed()
    mask = hidden(6, 5, 3, torch.Generator().manual_seed(1))
    mask[0, :, 0] = True  # nothing is visible there
    spread = lines.covariance(x)
    np.testing.assert_allclose(spread, np.cov(x.transpose(0, 1).flatten(1), bias=True), atol=0.05)
    totals, count = np.zeros(3), 0
    for window, patch in np.ndindex(6, 3):
        hid = mask[window, :, patch].numpy()
        truth, seen = x[window, hid, patch].numpy(), x[window, ~hid, patch].numpy()
        k = spread.numpy()
        gauss = np.zeros_like(truth)
        if len(seen):
            gauss = k[np.ix_(hid, ~hid)] @ np.linalg.solve(k[np.ix_(~hid, ~hid)], seen)
        mean = seen.mean(0) if len(seen) else 0
        totals += [(truth**2).sum(), ((truth - mean) ** 2).sum(), ((truth - gauss) ** 2).sum()]
        count += truth.size
    got = lines.zero(x, mask), lines.channel_mean(x, mask), lines.gaussian(x, mask, spread)
    assert got == pytest.approx(totals / count, rel=1e-4)
    assert got[2] < got[0]


def test_no_linear_guess_beats_the_conditional_on_its_own_covariance():
    x = mixed(40)
    mask = hidden(40, 5, 3, torch.Generator().manual_seed(2))
    mask[:] = mask[:1, :, :1]  # one pattern, so that least squares is the best there is
    hid = mask[0, :, 0].numpy()
    flat = x.transpose(0, 1).flatten(1).numpy()
    weights, *_ = np.linalg.lstsq(flat[~hid].T, flat[hid].T, rcond=None)
    best = ((flat[hid].T - flat[~hid].T @ weights) ** 2).mean()
    assert lines.gaussian(x, mask, lines.covariance(x)) == pytest.approx(best, rel=1e-4)
