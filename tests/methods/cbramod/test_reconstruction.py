"""Errors by channel, band and second: closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.cbramod import lines, reconstruction
from engine.methods.cbramod.model import masked_error


def some():
    torch.manual_seed(0)
    x = torch.randn(6, 3, 4, 200)
    return x, torch.rand(6, 3, 4) < 0.5


def test_errors_of_places_make_the_whole_by_how_much_is_hidden():
    residual, mask = some()
    whole = masked_error(residual, torch.zeros_like(residual), mask).item()
    assert reconstruction.overall(residual, mask) == pytest.approx(whole, rel=1e-5)
    for errors, over in ((reconstruction.by_channel, (0, 2)), (reconstruction.by_second, (0, 1))):
        share = mask.sum(over) / mask.sum()
        found = errors(residual, mask)
        assert np.dot(found, share.numpy()) == pytest.approx(whole, rel=1e-5)


@pytest.mark.parametrize(("rate", "band"), [(2, 0), (6, 1), (10, 2), (20, 3), (40, 4)])
def test_the_error_of_a_wave_is_all_in_its_band(rate, band):
    wave = 3 * torch.sin(2 * torch.pi * rate * torch.arange(200) / 200)
    residual, mask = wave.expand(1, 2, 3, 200), torch.ones(1, 2, 3, dtype=torch.bool)
    found = reconstruction.by_band(residual, mask)
    assert found[band] == pytest.approx(4.5, rel=1e-5)
    assert sum(found) == pytest.approx(4.5, rel=1e-5)


def test_where_nothing_was_hidden_is_no_error():
    residual, mask = some()
    mask[:, 1], mask[..., 2] = False, False
    assert reconstruction.by_channel(residual, mask)[1] is None
    assert reconstruction.by_second(residual, mask)[2] is None
    assert reconstruction.by_band(residual, torch.zeros_like(mask)) == [None] * 5
    assert reconstruction.overall(residual, torch.zeros_like(mask)) is None


def test_a_guess_of_nothing_is_as_bad_as_the_line_of_nothing():
    x, mask = some()
    spread = lines.covariance(x)
    found = reconstruction.judged(torch.zeros_like(x), x, mask, spread)
    for part in ("by_channel", "by_band", "by_second"):
        assert found[part]["network"] == found[part]["zero"]
    share = mask.sum((0, 2)) / mask.sum()
    gaussian = np.dot(found["by_channel"]["gaussian"], share.numpy())
    assert gaussian == pytest.approx(lines.gaussian(x, mask, spread), rel=1e-4)
    assert found["hidden"] == pytest.approx(mask.float().mean().item(), abs=1e-6)
