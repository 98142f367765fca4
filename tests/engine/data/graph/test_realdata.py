"""The real data sets, in place. Expected numbers are the published facts of each file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.data.graph import io
from engine.data.graph.export import write_graph
from engine.data.graph.graph import adjacency_of
from engine.data.kind import Report
from engine.data.split import io as split_io
from tests.engine.data.making import zip_of

pytestmark = pytest.mark.realdata

RATES = ("0.05", "0.1", "0.15", "0.2", "0.25")


def facts_of(path) -> dict:
    report = Report()
    io.check(path, report)
    assert report.passed
    return report.facts


@pytest.mark.parametrize(
    ("name", "nodes", "edges", "features", "homophily"),
    [("cora", 2485, 5069, 1433, 0.8041), ("cora_ml", 2810, 7981, 2879, 0.7844)],
)
def test_the_largest_component_is_the_known_one(
    shared_data, name, nodes, edges, features, homophily
):
    graph, _ = io.load(shared_data / f"graph/{name}/{name}.npz").largest_component()
    assert (graph.nodes, graph.edges, graph.features.shape[1]) == (nodes, edges, features)
    assert graph.classes == 7
    assert round(graph.homophily(), 4) == homophily


@pytest.mark.parametrize(
    ("name", "edges", "added", "removed"),
    [
        ("cora", (5322, 5567, 5809, 6040, 6246), (253, 502, 750, 992, 1222), (0, 4, 10, 21, 45)),
        (
            "cora_ml",
            (8374, 8683, 8864, 9019, 9278),
            (396, 750, 1040, 1317, 1646),
            (3, 48, 157, 279, 349),
        ),
    ],
)
def test_attacked_graphs_line_up_with_the_component(shared_data, name, edges, added, removed):
    folder = shared_data / "graph" / name
    clean = io.load(folder / f"{name}.npz").largest_component()[0].adjacency
    for at, rate in enumerate(RATES):
        attacked = io.load(folder / f"meta/{name}_meta_adj_{rate}.npz")
        change = (attacked.adjacency - clean).data
        assert attacked.edges == edges[at]
        assert (change > 0).sum() // 2 == added[at]
        assert (change < 0).sum() // 2 == removed[at]


@pytest.mark.parametrize(
    ("name", "nodes", "sizes"),
    [("cora", 2485, (247, 249, 1988)), ("cora_ml", 2810, (280, 282, 2248))],
)
def test_splits_fit_their_component(shared_data, name, nodes, sizes):
    split = split_io.load(shared_data / f"graph/{name}/{name}_prognn_splits.json")
    assert tuple(part.size for part in split.parts().values()) == sizes
    split.require_within(nodes)
    assert np.unique(np.concatenate(list(split.parts().values()))).size == sum(sizes)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acm", (3025, 13128, 1870, 3, 0.821, 2006, 12628)),
        ("blogcatalog", (5196, 171743, 8189, 6, 0.401, 5196, 171743)),
    ],
)
def test_zips_of_text_have_their_known_facts(shared_data, name, expected):
    facts = facts_of(shared_data / f"graph/{name}/{name}.zip")
    keys = ("nodes", "edges", "feature_count", "classes", "homophily")
    keys += ("largest_component_nodes", "largest_component_edges")
    facts["homophily"] = round(facts["homophily"], 3)
    assert tuple(facts[key] for key in keys) == expected


def test_cora_is_told_to_be_directed_and_its_pickles_stay_shut(shared_data):
    report = Report()
    io.check(shared_data / "graph/cora/cora.npz", report)
    assert report.facts["directed_input"] is True
    assert any("'idx_to_class', 'idx_to_node'" in line.text for line in report.lines)


def planetoid_zip(shared_data: Path, folder: Path) -> Path:
    files = sorted((shared_data / "graph/cora/planetoid").glob("ind.cora.*"))
    return zip_of(folder / "planetoid.zip", {file.name: file.read_bytes() for file in files})


def test_planetoid_s_cora_is_the_cora_of_the_npz(shared_data, tmp_path):
    """Nodes come in another order, so what is compared does not depend on it."""
    raw = io.load(planetoid_zip(shared_data, tmp_path))
    npz = io.load(shared_data / "graph/cora/cora.npz")
    assert (raw.nodes, raw.edges, raw.features.shape) == (2708, 5278, (2708, 1433))
    assert (npz.nodes, npz.edges, npz.features.nnz) == (2708, 5278, raw.features.nnz)
    assert np.sort(raw.degrees).tolist() == np.sort(npz.degrees).tolist()
    sizes = [np.sort(np.bincount(graph.labels)).tolist() for graph in (raw, npz)]
    assert sizes[0] == sizes[1]
    assert raw.homophily() == npz.homophily()
    largest = raw.largest_component()[0]
    assert (largest.nodes, largest.edges) == (2485, 5069)


def test_planetoid_s_cora_is_read_as_torch_geometric_reads_it(shared_data, tmp_path):
    from torch_geometric.io import read_planetoid_data

    peer = read_planetoid_data(str(shared_data / "graph/cora/planetoid"), "cora")
    ours = io.load(planetoid_zip(shared_data, tmp_path))
    pairs = peer.edge_index.numpy()
    assert (ours.adjacency != adjacency_of(2708, *pairs)).nnz == 0
    assert (ours.features.toarray() == peer.x.numpy()).all()
    assert ours.labels.tolist() == peer.y.tolist()

    torch.save(peer, tmp_path / "cora.pt")
    again = io.load(tmp_path / "cora.pt")
    assert (ours.adjacency != again.adjacency).nnz == 0
    assert (ours.features != again.features).nnz == 0
    assert ours.labels.tolist() == again.labels.tolist()


def test_a_real_graph_written_and_read_is_the_same(shared_data, tmp_path):
    one = io.load(shared_data / "graph/cora_ml/cora_ml.npz")
    write_graph(tmp_path / "g.npz", one)
    other = io.load(tmp_path / "g.npz")
    assert (one.adjacency != other.adjacency).nnz == 0
    assert (one.features != other.features).nnz == 0
    assert one.labels.tolist() == other.labels.tolist()


def test_every_real_file_is_known_by_its_own_kind_only(shared_data):
    for path in (shared_data / "graph").rglob("*.*"):
        if path.suffix in (".npz", ".zip"):
            assert io.sniff(path), path.name
            assert not split_io.sniff(path), path.name
        if path.name.endswith("splits.json"):
            assert split_io.sniff(path), path.name
            assert not io.sniff(path), path.name
