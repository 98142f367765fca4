"""Embeddings of windows, and the plane they are shown on."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.cbramod.embedding import embed, plane
from tests.methods.cbramod import synthetic


def test_an_embedding_is_the_mean_of_the_features():
    model, x = synthetic.model(2), torch.randn(3, 2, 4, 200)
    with torch.no_grad():
        wanted = model.features(x).mean(dim=(1, 2))
    np.testing.assert_allclose(embed(model.train(), x), wanted.numpy(), atol=2e-5)


def test_a_plane_in_space_is_found_again():
    draws = np.random.default_rng(0)
    axes = np.linalg.qr(draws.normal(size=(200, 2)))[0]
    inner = draws.normal(size=(40, 2)) * [5, 2]
    inner -= inner.mean(axis=0)
    at, explained = plane(inner @ axes.T + 3)
    assert explained.sum() == pytest.approx(1)
    assert explained[0] > explained[1]
    distances = ((at[:, None] - at) ** 2).sum(-1)
    np.testing.assert_allclose(distances, ((inner[:, None] - inner) ** 2).sum(-1), atol=1e-8)


def test_one_window_lies_in_the_middle():
    at, explained = plane(np.ones((1, 200), np.float32))
    assert at.tolist() == [[0, 0]]
    assert explained.tolist() == [0, 0]
