"""The defences on the real Cora, five seeds each, against the rows of the brief (gagn.md 2 and 6).

The rows of its own measuring are held within the bars that it sets; those that it recalls from
Pro-GNN's table within three points of it. The numbers are in docs/results/gagn-defences.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.verify.defence_rows import row

pytestmark = [pytest.mark.slow, pytest.mark.realdata]

GCN = {"0": 0.835, "0.05": 0.770, "0.1": 0.709, "0.15": 0.656, "0.2": 0.574, "0.25": 0.520}
RECALLED = {
    ("rgcn", "0"): 0.831,
    ("rgcn", "0.2"): 0.593,
    ("gat", "0"): 0.840,
    ("gat", "0.2"): 0.599,
    ("prognn", "0"): 0.830,
    ("prognn", "0.2"): 0.733,
}


@pytest.fixture
def cora(shared_data: Path) -> Path:
    return shared_data / "graph/cora"


@pytest.mark.parametrize("rate", GCN)
def test_the_gcn(cora, rate):
    found = row(cora, "gcn", rate, {})
    assert found["test"] == pytest.approx(GCN[rate], abs=0.01 if rate == "0" else 0.025)


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("jaccard", {"threshold": 0.01}, 0.663),
        ("jaccard", {"threshold": 0.03}, 0.737),
        ("svd", {"rank": 20}, 0.628),
    ],
)
def test_filters_with_the_settings_of_the_brief(cora, name, given, expected):
    found = row(cora, name, "0.2", given)
    assert found["test"] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("name", "rate"), RECALLED)
def test_a_row_of_the_literature(cora, name, rate):
    found = row(cora, name, rate, {})
    assert found["test"] >= RECALLED[name, rate] - 0.03
    if name != "prognn":  # above the table is no fault where the settings were chosen anew
        assert found["test"] <= RECALLED[name, rate] + 0.03
