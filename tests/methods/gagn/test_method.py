"""A whole GAgN job: its numbers, its files, going on after a stop, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from engine.core.ask import Session
from engine.core.errors import UserError
from engine.core.job import EVENTS
from engine.core.run import Stop
from engine.data.graph.graph import Graph
from engine.data.split.split import Split
from engine.methods.gagn.case import prepare, stratified
from engine.methods.gagn.params import GagnParams
from tests.methods.gagn.graphs import planted, write_graph


def test_a_job_tells_its_accuracy_its_cuts_and_its_baselines(attempt, series):
    summary = attempt("job", baselines=["mlp", "gcn", "jaccard"])
    for key in ("test_accuracy", "val_accuracy", "baseline.gcn.test_accuracy"):
        assert 0.5 < summary[key] <= 1, key
    assert summary["baseline.mlp.val_accuracy"] > 0.5
    assert summary["baseline.jaccard.threshold"] >= 0
    assert 0.5 < summary["filter_auc"] <= 1
    assert summary["edges_removed"] == int(summary["edges_removed"])
    logged = series("job")
    rounds = [step for step, numbers in logged if "self.val_accuracy" in numbers]
    assert rounds == list(range(len(rounds)))
    assert len(rounds) >= 18
    assert sum("baseline.gcn.val_accuracy" in numbers for _, numbers in logged) == 30


def test_without_a_clean_graph_the_filter_is_not_judged(attempt, inputs):
    given = {"graph": inputs["graph"], "split": inputs["split"]}
    summary = attempt("job", given=given, baselines=[])
    assert summary["filter_auc"] is None
    assert summary["filter_precision"] is None


def test_the_files_of_a_job_agree_with_its_summary(attempt, tmp_path):
    summary = attempt("job", baselines=[], filter="confidence", thresholds=[0.6])
    folder = tmp_path / "job"
    nodes = json.loads((folder / "inspector/nodes.json").read_text())
    edges = json.loads((folder / "inspector/edges.json").read_text())
    test = np.array(nodes["part"]) == 3
    right = np.array(nodes["predicted"]) == np.array(nodes["label"])
    assert right[test].mean() == pytest.approx(summary["test_accuracy"])
    assert sum(verdict == 2 for verdict in edges["verdict"]) == summary["edges_removed"]
    purified = sp.load_npz(folder / "export/purified.npz")
    assert purified.nnz / 2 == len(edges["u"]) - summary["edges_removed"]
    assert (abs(purified - purified.T)).nnz == 0
    table = (folder / "tables/edges.csv").read_text().splitlines()
    assert len(table) == len(edges["u"]) + 1


def test_the_one_cut_that_is_asked_for_is_made_whatever_validation_says(attempt, tmp_path):
    """As a what-if is kept: a cut of every fifth edge that gains nothing is no accident."""
    asked = {"filter": "confidence", "thresholds": [0.9], "min_gain": 1.0, "baselines": []}
    cut = attempt("asked", **asked)["edges_removed"]
    session = Session(tmp_path / "asked")
    told = session.ask("threshold", {"mode": "confidence", "tau": 0.9})
    assert cut == told["removed"] > 0
    assert attempt("picked", **{**asked, "thresholds": [0.8, 0.9]})["edges_removed"] == 0


def test_a_split_or_perturbed_graph_of_the_whole_upload_is_told_the_way_out():
    lonely = graph()
    matrix = lonely.adjacency.tolil()
    matrix[119, :] = matrix[:, 119] = 0
    lonely = graph(adjacency=sp.csr_array(matrix))
    split = Split(np.arange(10), np.array([10]), np.array([119]))
    fault = str(refused(lonely, None, split))
    assert "test names node 119; expected nodes 0 to 118 of the largest component" in fault
    assert "switch off largest_component" in fault
    assert "switch off largest_component" in str(refused(lonely, graph()))


def test_every_verification_of_a_job_holds(attempt, tmp_path):
    attempt("job", baselines=[])
    lines = (tmp_path / "job" / EVENTS).read_text().splitlines()
    found = [line for line in map(json.loads, lines) if line["t"] == "verify"]
    assert len(found) >= 5
    assert all(line["ok"] for line in found), found


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(attempt, series):
    first, second = attempt("one", baselines=["mlp"]), attempt("two", baselines=["mlp"])
    assert first == second
    assert series("one") == series("two")
    attempt("three", seed=1, baselines=["mlp"])
    assert series("one") != series("three")


@pytest.mark.parametrize("stops", [(3, 9), (14, 2), (22, 60)])
def test_a_resumed_job_equals_an_undisturbed_one_to_the_last_bit(attempt, series, stops):
    straight = attempt("straight", baselines=["gcn"])
    for stop in stops:
        with pytest.raises(Stop):
            attempt("broken", stop_at=stop, baselines=["gcn"])
    assert attempt("broken", baselines=["gcn"]) == straight
    assert series("broken") == series("straight")


def test_a_missing_split_is_drawn_by_class_and_kept(attempt, inputs, tmp_path):
    attempt("job", given={"graph": inputs["graph"]}, baselines=[])
    drawn = json.loads((tmp_path / "job/export/split.json").read_text())
    labels = planted()[2]
    for value in range(3):
        count = (labels == value).sum()
        assert (labels[drawn["idx_train"]] == value).sum() == round(0.1 * count)
    everything = sorted(drawn["idx_train"] + drawn["idx_val"] + drawn["idx_test"])
    assert everything == list(range(120))


def test_questions_are_answered_from_the_files_of_a_job(attempt, tmp_path):
    summary = attempt("job", baselines=[])
    asked = Session(tmp_path / "job")
    edges = json.loads((tmp_path / "job/inspector/edges.json").read_text())
    nothing = asked.ask("threshold", {"tau": 0.0})
    assert nothing["removed"] == 0
    for mode in ("confidence", "strict"):  # the curve is that of the mode that is asked about
        told = asked.ask("threshold", {"tau": 0.5, "mode": mode})
        (there,) = (row for row in told["thresholds"] if row["tau"] == 0.5)
        assert there["removed"] == told["removed"]
        assert there["recall"] == told["recall"]
    assert nothing["kept"] == len(edges["u"])
    if summary["edges_removed"] == 0:
        assert nothing["test_accuracy"] == pytest.approx(summary["test_accuracy"])
    much = asked.ask("threshold", {"tau": 1.0, "mode": "confidence"})
    assert much["removed"] > len(edges["u"]) / 3
    assert much["recall"] == 1 or much["spared"] > 0
    agent = asked.ask("node", {"node": 7})
    assert agent["own_attention"] + sum(n["attention"] for n in agent["neighbours"]) == (
        pytest.approx(1, abs=1e-5)
    )
    friend = agent["neighbours"][0]["node"]
    parted = asked.ask("node", {"node": 7, "toggle": friend})
    assert parted["changed"]["degree"] == agent["degree"] - 1
    assert friend not in [n["node"] for n in parted["changed"]["neighbours"]]
    assert parted["changed"]["shares"]["neighbour"] != agent["shares"]["neighbour"]
    changed = asked.ask("node", {"node": 7, "flip_features": list(range(30))})
    assert changed["changed"]["shares"]["self"] != agent["shares"]["self"]


def test_questions_and_answers_number_nodes_as_the_upload_does(attempt, tmp_path):
    adjacency, words, labels = planted()
    stray = sp.csr_array((2, 2), dtype=adjacency.dtype)  # two nodes before all, without an edge
    given = {"graph": tmp_path / "shifted.npz"}
    write_graph(
        given["graph"],
        sp.block_diag([stray, adjacency], format="csr"),
        sp.vstack([words[:2], words], format="csr"),
        np.r_[labels[:2], labels],
    )
    attempt("job", given=given, baselines=[], rounds=4, rounds_after=2, filter="off")
    asked = Session(tmp_path / "job")
    friends = {2 + int(k) for k in adjacency[[5]].indices}
    agent = asked.ask("node", {"node": 7})
    assert (agent["node"], agent["label"]) == (7, labels[5])
    assert {row["node"] for row in agent["neighbours"]} == friends
    friend = min(friends)
    parted = asked.ask("node", {"node": 7, "toggle": friend})
    assert not parted["added"]
    assert {row["node"] for row in parted["changed"]["neighbours"]} == friends - {friend}
    stranger = next(k for k in range(2, 122) if k not in friends | {7})
    joined = asked.ask("node", {"node": 7, "toggle": stranger})
    assert joined["added"]
    assert stranger in {row["node"] for row in joined["changed"]["neighbours"]}
    with pytest.raises(UserError, match=r"120 nodes of this job \(2 to 121\), got 1$"):
        asked.ask("node", {"node": 1})


def test_the_inspector_calls_nodes_and_classes_as_the_upload_does(attempt, tmp_path):
    adjacency, words, labels = planted()
    folder = tmp_path / "named"
    folder.mkdir()
    people = [f"person {k}" for k in range(120)]
    upper = sp.triu(adjacency).tocoo()
    tables = {
        "edges": [(people[u], people[v]) for u, v in zip(upper.row, upper.col, strict=True)],
        "features": [
            (people[k], *row) for k, row in enumerate(words.toarray().astype(int).tolist())
        ],
        "labels": [(people[k], "xyz"[label] * 80) for k, label in enumerate(labels)],
    }
    for name, rows in tables.items():
        text = "".join(",".join(map(str, row)) + "\n" for row in rows)
        (folder / f"{name}.csv").write_text(text)
    attempt("job", given={"graph": folder}, baselines=[], rounds=2, rounds_after=0, filter="off")
    nodes = json.loads((tmp_path / "job/inspector/nodes.json").read_text())
    assert nodes["name"] == [people[k] for k in nodes["id"]]
    assert nodes["class_name"] == ["x" * 60, "y" * 60, "z" * 60]


@pytest.mark.parametrize(
    ("question", "values", "where"),
    [
        ("node", {"node": 120}, "node"),
        ("node", {"node": 1, "toggle": 500}, "toggle"),
        ("node", {"node": 1, "toggle": 1}, "toggle"),
        ("node", {"node": 1, "flip_features": [60]}, "flip_features"),
        ("threshold", {"tau": 2}, "tau"),
    ],
)
def test_a_bad_question_is_refused_by_name(attempt, tmp_path, question, values, where):
    attempt("job", baselines=[], rounds=2, rounds_after=0, filter="off")
    with pytest.raises(UserError) as refused:
        Session(tmp_path / "job").ask(question, values)
    assert refused.value.where == where


def graph(**changes: Any) -> Graph:
    matrix, words, labels = planted()
    return Graph(**{"adjacency": matrix, "features": words, "labels": labels, **changes})


def refused(given: Any, perturbed: Any = None, split: Split | None = None) -> UserError:
    with pytest.raises(UserError) as fault:
        prepare(given, perturbed, split, params=GagnParams(), rng=np.random.default_rng(0))
    return fault.value


def test_inputs_that_do_not_fit_are_refused_by_name():
    assert refused(graph(labels=None)).where == "graph"
    smaller = graph().subgraph(np.arange(100))
    fault = refused(graph(), smaller)
    assert fault.where == "perturbed"
    assert "100" in str(fault)
    assert "120" in str(fault)
    ok = np.arange(10)
    for split, text in (
        (Split(ok, np.array([10]), np.array([120])), "120"),
        (Split(ok, np.array([10]), np.zeros(0, np.int64)), "empty"),
        (Split(np.array([0, 3]), np.array([10]), np.array([11])), "two classes"),
    ):
        fault = refused(graph(), None, split)
        assert fault.where == "split"
        assert text in str(fault)
    unknown = planted()[2]
    unknown[5] = -1
    fault = refused(graph(labels=unknown), None, Split(ok, np.array([10]), np.array([11])))
    assert "5" in str(fault)


def test_a_graph_of_one_class_and_features_beyond_single_precision_are_named():
    fault = refused(graph(labels=np.zeros(len(planted()[2]), np.int64)))
    assert fault.where == "graph"
    assert "two classes" in str(fault)
    fault = refused(graph(features=planted()[1] * np.float32(1e30)))
    assert fault.where == "graph"
    assert "scale them" in str(fault)


def test_a_class_too_small_for_every_part_trains_first_then_tests():
    labels = np.array([0] * 10 + [1] * 2 + [2])
    split = stratified(labels, np.random.default_rng(0))
    assert [sorted(labels[part]) for part in split.parts().values()] == [
        [0, 1, 2],
        [0],
        [0] * 8 + [1],
    ]


def messages(folder: Path) -> str:
    lines = map(json.loads, (folder / EVENTS).read_text().splitlines())
    return "\n".join(line["text"] for line in lines if line["t"] == "log")


def test_a_class_too_small_for_every_part_is_named(attempt, tmp_path):
    matrix, words, labels = planted()
    labels[np.flatnonzero(labels == 2)[1:]] = 0
    write_graph(tmp_path / "rare.npz", matrix, words, labels)
    given = {"graph": tmp_path / "rare.npz"}
    assert attempt("job", given=given, baselines=[])["test_accuracy"] > 0
    assert "class 2 has too few nodes for every part (1; 3 are needed)" in messages(
        tmp_path / "job"
    )


def test_a_graph_without_features_runs_with_a_warning(attempt, tmp_path):
    """By their neighbourhoods alone agents are far above chance here."""
    matrix, _, labels = planted(nodes=240, degree=8)
    parts = {
        f"adj_{part}": getattr(matrix, part) for part in ("data", "indices", "indptr", "shape")
    }
    np.savez(tmp_path / "bare.npz", labels=labels, **parts)
    given = {"graph": tmp_path / "bare.npz"}
    summary = attempt("job", given=given, baselines=["mlp", "gcn", "jaccard"])
    assert summary["test_accuracy"] > 0.6
    assert "has no features" in messages(tmp_path / "job")
    told = Session(tmp_path / "job").ask("node", {"node": 5})
    assert told["degree"] == matrix.indptr[6] - matrix.indptr[5]


def test_the_first_round_is_no_snapshot(attempt, tmp_path):
    """Where validation is content from the start it was chosen, and the confidence, which had
    met no witness then, could never filter."""
    matrix, words, labels = planted()
    told = sp.csr_array(sp.hstack([words, 9 * sp.eye_array(3).tocsr()[labels]]), dtype=np.float32)
    write_graph(tmp_path / "easy.npz", matrix, told, labels)
    summary = attempt("job", given={"graph": tmp_path / "easy.npz"}, baselines=[])
    assert summary["val_accuracy"] == 1
    assert summary["confidence_auc"] is not None
    assert "at round 1," not in messages(tmp_path / "job")


def test_a_perturbed_graph_of_the_component_meets_the_component():
    whole = graph()
    n = whole.nodes
    padded = sp.csr_array((whole.adjacency.data, whole.adjacency.indices,
                           np.r_[whole.adjacency.indptr, [whole.adjacency.nnz] * 2]),
                          shape=(n + 2, n + 2))  # fmt: skip
    bigger = graph(
        adjacency=padded,
        features=sp.csr_array(sp.vstack([whole.features, whole.features[:2]])),
        labels=np.r_[whole.labels, [0, 0]],
    )
    case = prepare(bigger, whole, None, params=GagnParams(), rng=np.random.default_rng(0))
    assert case.nodes == n
    assert case.kept.tolist() == list(range(n))


def test_parameters_out_of_bounds_are_refused():
    with pytest.raises(ValueError, match="fusion"):
        GagnParams(fusion=1.5)
    with pytest.raises(ValueError, match="threshold"):
        GagnParams(thresholds=[1.5])
    with pytest.raises(ValueError, match="baselines"):
        GagnParams(baselines=["magic"])
