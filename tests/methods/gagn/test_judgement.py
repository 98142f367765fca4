"""The pictures of an attacked graph, against plain counting and a dense decomposition."""

from __future__ import annotations

import numpy as np
import pytest

from engine.methods.gagn.judgement import VALUES, reliability, spectrum
from tests.methods.gagn.graphs import planted


def test_reliability_counts_the_clean_edges_in_each_tenth():
    confidence = np.array([0.05, 0.07, 0.55, 0.57, 0.59, 1.0])
    adversarial = np.array([True, True, True, False, False, False])
    edges, just = reliability(confidence, adversarial)["data"]
    assert edges["x"] == pytest.approx([0.06, 0.57, 1.0])
    assert edges["y"] == pytest.approx([0, 2 / 3, 1], abs=1e-4)
    assert edges["text"] == ["2 edges", "3 edges", "1 edge"]
    assert just["x"] == just["y"]


def test_the_spectrum_is_that_of_the_dense_matrix():
    matrix, _, _ = planted()
    dense = np.linalg.svd(matrix.toarray().astype(float), compute_uv=False)
    got = spectrum(matrix, np.random.default_rng(0))
    np.testing.assert_allclose(got, dense[:VALUES], atol=1e-8)
