"""GAgN under attack, cell by cell: the last cell is a plain job, and nothing is lost by a stop."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from engine.core.ask import Session
from engine.core.errors import UserError
from engine.core.job import EVENTS
from engine.core.run import Stop
from engine.data.graph import io as graphs
from engine.methods.gagn import arena
from engine.methods.gagn.arena import Cell
from engine.methods.gagn.attacks.adaptive import SAMPLES
from engine.methods.gagn.card import METHOD
from engine.methods.gagn.params import GagnParams

SMALL = {
    "rounds": 6,
    "rounds_after": 3,
    "baseline_epochs": 10,
    "baselines": ["gcn"],
    "exchanges": 2,
}
CELLS = ["given", "dice.rate5", "dice.rate10", "metattack.rate5", "metattack.rate10"]
FIGHT = {**SMALL, "attack": ["dice", "metattack"], "rate": [0.05, 0.1], "attack_exact": False}


@pytest.fixture
def clean(inputs: dict[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in inputs.items() if name != "perturbed"}


def phases(folder: Path) -> list[str]:
    lines = map(json.loads, (folder / EVENTS).read_text().splitlines())
    return list(dict.fromkeys(line["name"] for line in lines if line["t"] == "phase"))


def flips(folder: Path, cell: str, clean: sp.csr_array) -> set[tuple[int, int]]:
    change = sp.triu(abs(sp.load_npz(folder / f"graphs/{cell}.npz") - clean)).tocoo()
    return set(zip(change.row.tolist(), change.col.tolist(), strict=True))


def test_cells_are_named_for_keys_and_for_people():
    params = GagnParams(attack=["metattack", "nettack"], rate=[0.2, 0.125], target_flips=[5, 0])
    grid = arena.cells(params)
    assert [cell.name for cell in grid] == [
        "given",
        "metattack.rate12_5",
        "metattack.rate20",
        "nettack.degree",
        "nettack.flips5",
    ]
    assert grid[1].words == "Metattack 12.5 %"
    assert grid[4].words == "Nettack, 5 per target"
    assert grid[3].budget(400) is None
    assert grid[2].budget(404) == 80
    assert Cell("random", 0.07).name == "random.rate7"


def test_every_cell_is_fought_and_told(attempt, clean, tmp_path):
    summary = attempt("job", given=clean, **FIGHT)
    names = CELLS
    for who in ("", "baseline.gcn."):
        told = [summary[f"cell.{name}.{who}test_accuracy"] for name in names]
        assert summary[f"{who}worst.test_accuracy"] == min(told)
        assert summary[f"{who}test_accuracy"] == told[-1]
    assert summary["cell.given.filter_auc"] is None
    graph = graphs.load(clean["graph"])
    edges = graph.adjacency.nnz // 2
    with (tmp_path / "job/tables/robustness.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["flips"]) for row in rows] == [0, *[edges // 20, edges // 10] * 2]
    assert [float(row["gagn.test_accuracy"]) for row in rows] == [
        summary[f"cell.{name}.test_accuracy"] for name in names
    ]
    for name, row in zip(names[1:], rows[1:], strict=True):
        assert len(flips(tmp_path / "job", name, graph.adjacency)) == int(row["flips"])
    weak = flips(tmp_path / "job", "metattack.rate5", graph.adjacency)
    assert weak < flips(tmp_path / "job", "metattack.rate10", graph.adjacency)
    assert phases(tmp_path / "job")[:2] == ["attack: DICE 5 %", "attack: DICE 10 %"]


def test_the_last_cell_is_a_plain_job_on_the_graph_that_it_exports(
    attempt, series, clean, tmp_path
):
    fought = attempt("fought", given=clean, **FIGHT)
    exported = tmp_path / "fought/graphs/metattack.rate10.npz"
    plain = attempt("plain", given={**clean, "perturbed": exported}, **SMALL)
    assert {key: fought[key] for key in plain} == plain
    own = [(step, told) for step, told in series("fought") if not elsewhere(told)]
    assert own == series("plain")
    for name in ("nodes", "edges", "overview"):
        path = f"inspector/{name}.json"
        assert (tmp_path / "fought" / path).read_text() == (tmp_path / "plain" / path).read_text()
    for question in (("threshold", {"tau": 0.4}), ("node", {"node": 3, "toggle": 9})):
        answers = [Session(tmp_path / name).ask(*question) for name in ("fought", "plain")]
        assert answers[0] == answers[1]


def test_every_cell_meets_the_same_chance(attempt, clean, tmp_path):
    fight = {**FIGHT, "rate": [0.1], "baselines": ["mlp", "gcn"]}
    fought = attempt("fought", given=clean, **fight)
    names = ["given", "dice.rate10", "metattack.rate10"]
    blind = {fought[f"cell.{name}.baseline.mlp.test_accuracy"] for name in names}
    assert len(blind) == 1  # a model that sees no edge is told nothing by an attack on edges
    perturbed = tmp_path / "fought/graphs/dice.rate10.npz"
    few = {**SMALL, "baselines": fight["baselines"]}
    plain = attempt("plain", given={**clean, "perturbed": perturbed}, **few)
    for who in ("", "baseline.gcn."):  # in a cell that is not the last as well
        assert fought[f"cell.dice.rate10.{who}test_accuracy"] == plain[f"{who}test_accuracy"]


def test_the_arena_is_drawn_on_the_first_page_and_every_key_has_a_title(
    attempt, clean, series, tmp_path
):
    summary = attempt("job", given=clean, **FIGHT)
    lines = map(json.loads, (tmp_path / "job" / EVENTS).read_text().splitlines())
    main = [line["path"] for line in lines if line["t"] == "file" and line["role"] == "result"]
    assert main == [
        f"figures/{name}.test_accuracy.json" for name in ("robustness", "dice", "metattack")
    ]
    (heat,) = json.loads((tmp_path / "job" / main[0]).read_text())["data"]
    assert heat["x"] == ["GAgN*", "GCN*"]
    assert heat["y"][0] == "given graph"
    assert [row[0] for row in heat["z"]] == [
        *(summary[f"cell.{name}.test_accuracy"] for name in CELLS),
        summary["worst.test_accuracy"],
    ]
    gagn = json.loads((tmp_path / "job" / main[2]).read_text())["data"][0]
    assert gagn["x"] == [0, 5, 10]
    assert gagn["y"][0] == summary["cell.given.test_accuracy"]
    assert gagn["y"][1:] == [summary[f"cell.{name}.test_accuracy"] for name in CELLS[3:]]
    keys = {*summary, *(key for _, told in series("job") for key in told)}
    assert not [key for key in keys if METHOD.metric(key) is None and ".loss.q" not in key]


def test_every_phase_says_which_cell_it_is_in(attempt, clean, tmp_path):
    attempt("job", given=clean, **FIGHT)
    assert {name.partition(":")[0] for name in phases(tmp_path / "job")} == {"attack", *CELLS}


def elsewhere(told: dict[str, float]) -> bool:
    return next(iter(told)).startswith(("cell.", "attack."))


def test_without_an_attack_there_is_one_cell_and_no_trace_of_an_arena(
    attempt, series, inputs, tmp_path
):
    summary = attempt("job", given=inputs, **SMALL)
    assert not [key for key in summary if key.startswith(("cell.", "attack.")) or "worst" in key]
    assert not [told for _, told in series("job") if elsewhere(told)]
    assert not (tmp_path / "job/graphs").exists()
    assert not (tmp_path / "job/tables/robustness.csv").exists()


@pytest.mark.parametrize("stop", [9, 80, 170])  # in Metattack, in a middle cell, in the last one
def test_a_stopped_arena_goes_on_as_if_it_had_not_been(attempt, series, clean, stop):
    straight = attempt("straight", given=clean, **FIGHT)
    with pytest.raises(Stop):
        attempt("broken", stop_at=stop, given=clean, **FIGHT)
    assert attempt("broken", given=clean, **FIGHT) == straight
    assert series("broken") == series("straight")


@pytest.mark.parametrize("name", ["random", "pgd", "prbcd", "nettack", "fga"])
def test_every_attack_stops_and_goes_on(attempt, series, clean, name):
    fight = {**SMALL, "attack": [name], "rate": [0.05], "target_flips": [2], "rounds": 2}
    fight |= {"rounds_after": 0, "targets": targets(clean)[:2]}
    straight = attempt("straight", given=clean, **fight)
    with pytest.raises(Stop):
        attempt("broken", stop_at=1, given=clean, **fight)
    assert attempt("broken", given=clean, **fight) == straight
    assert series("broken") == series("straight")


ADAPTIVE = {**SMALL, "attack": ["adaptive", "aware"], "rate": [0.1], "baselines": ["mlp", "gcn"]}
ADAPTIVE |= {"attack_steps": 20, "attack_block": 1000, "attack_restarts": 1}
AIMED = ["adaptive-gcn.rate10", "adaptive-gagn.rate10", "aware-gagn.rate10"]


def test_adaptive_attacks_make_a_graph_for_each_model(attempt, clean, series, tmp_path):
    summary = attempt("job", given=clean, **ADAPTIVE)
    names = ["given", *AIMED]
    for who in ("", "baseline.gcn.", "baseline.mlp."):
        for what in ("test_accuracy", "evasion.test_accuracy"):
            told = [summary[f"cell.{name}.{who}{what}"] for name in names]
            assert summary[f"{who}worst.{what}"] == min(told)
    still = [summary[f"cell.{name}.baseline.mlp.evasion.test_accuracy"] for name in names]
    assert set(still) == {summary["baseline.mlp.test_accuracy"]}  # it sees no edge
    given_gcn = summary["cell.given.baseline.gcn.test_accuracy"]
    assert summary["cell.given.baseline.gcn.evasion.test_accuracy"] == given_gcn
    adjacency = graphs.load(clean["graph"]).adjacency
    made = [flips(tmp_path / "job", name, adjacency) for name in AIMED]
    for name in AIMED:
        told = [numbers for _, numbers in series("job") if f"attack.{name}.loss" in numbers]
        assert len(told) == ADAPTIVE["attack_steps"] + SAMPLES
    assert len({frozenset(each) for each in made}) == 3
    assert all(0 < len(each) <= adjacency.nnz // 2 // 10 for each in made)
    (heat,) = json.loads((tmp_path / "job/figures/robustness.test_accuracy.json").read_text())[
        "data"
    ]
    assert heat["x"] == ["GAgN", "MLP", "GCN"]
    assert heat["y"][1:3] == ["PRBCD through GCN 10 %", "PRBCD through GAgN 10 %"]
    keys = {*summary, *(key for _, told in series("job") for key in told)}
    assert not [key for key in keys if METHOD.metric(key) is None and ".loss.q" not in key]
    titles = {METHOD.metric(key).title for key in summary if "evasion" in key}
    assert all("evasion" in title for title in titles)


def test_a_model_that_no_attack_aimed_at_is_marked(attempt, clean, tmp_path):
    attempt("job", given=clean, **{**ADAPTIVE, "attack": ["random", "aware"]})
    (heat,) = json.loads((tmp_path / "job/figures/robustness.test_accuracy.json").read_text())[
        "data"
    ]
    assert heat["x"] == ["GAgN*", "MLP", "GCN*"]
    lines = map(json.loads, (tmp_path / "job" / EVENTS).read_text().splitlines())
    told = [line["title"] for line in lines if line["t"] == "file" and line["role"] == "result"]
    assert told
    assert all(title.endswith("* not attacked adaptively") for title in told)


@pytest.mark.parametrize(
    ("stop", "where"),
    [(115, "attack: PRBCD through GAgN 10 %"), (150, "adaptive-gagn.rate10: ")],
)
def test_an_arena_of_adaptive_attacks_goes_on_from_anywhere(
    attempt, series, clean, tmp_path, stop, where
):
    fight = {**ADAPTIVE, "attack": ["adaptive"], "baselines": ["gcn"]}
    straight = attempt("straight", given=clean, **fight)
    with pytest.raises(Stop):
        attempt("broken", stop_at=stop, given=clean, **fight)
    assert phases(tmp_path / "broken")[-1].startswith(where)
    assert attempt("broken", given=clean, **fight) == straight
    assert series("broken") == series("straight")


def test_an_attack_is_repeated_on_a_perturbed_graph(attempt, inputs, clean, tmp_path):
    fight = {**ADAPTIVE, "attack": ["adaptive"], "baselines": ["gcn"]}
    plain = attempt("plain", given=inputs, **SMALL)
    summary = attempt("job", given=inputs, **fight)
    for key in ("test_accuracy", "filter_auc", "edges_removed", "baseline.gcn.test_accuracy"):
        assert summary[f"cell.given.{key}"] == plain[key]  # they have defended themselves once
    before, after = (graphs.load(inputs[name]).adjacency for name in ("graph", "perturbed"))
    for model in ("gagn", "gcn"):
        second = flips(tmp_path / "job", f"adaptive-{model}.rate10", after)
        assert 0 < len(second) <= after.nnz // 2 // 10
    # The filter is judged by the clean graph, not by the one that was attacked again.
    assert (after != before).nnz > 0
    exported = tmp_path / "job/graphs/adaptive-gagn.rate10.npz"
    alone = attempt("alone", given={**inputs, "perturbed": exported}, **SMALL)
    assert summary["filter_auc"] == alone["filter_auc"]
    assert summary["test_accuracy"] == alone["test_accuracy"]


def targets(clean: dict[str, Path]) -> list[int]:
    return json.loads(clean["split"].read_text())["idx_test"]


def test_targets_are_told_apart_for_agents_and_baselines(attempt, clean, tmp_path):
    chosen = targets(clean)[:5]
    fight = {**SMALL, "attack": ["nettack"], "targets": chosen, "target_flips": [1, 3]}
    summary = attempt("job", given=clean, **fight)
    nodes = json.loads((tmp_path / "job/inspector/nodes.json").read_text())
    right = np.array(nodes["predicted"])[chosen] == np.array(nodes["label"])[chosen]
    assert summary["targets_accuracy"] == pytest.approx(right.mean())
    for who in ("", "baseline.gcn."):
        key = f"{who}targets_accuracy"
        told = [summary[f"cell.{name}.{key}"] for name in ("given", "nettack.flips1")]
        assert summary[f"{who}worst.targets_accuracy"] == min(*told, summary[key])
    adjacency = graphs.load(clean["graph"]).adjacency
    made = flips(tmp_path / "job", "nettack.flips3", adjacency)
    assert len(made) == 15
    assert all(set(pair) & set(chosen) for pair in made)
    with (tmp_path / "job/tables/robustness.csv").open() as file:
        assert float(list(csv.DictReader(file))[-1]["gagn.targets_accuracy"]) == right.mean()


def test_unnamed_targets_are_test_nodes_of_many_neighbours(attempt, clean):
    with pytest.raises(UserError) as fault:
        attempt("job", given=clean, **SMALL, attack=["fga"])
    assert fault.value.where == "targets"
    assert "10 neighbours" in str(fault.value)


def test_an_exported_graph_is_an_input_of_the_field(attempt, clean, tmp_path):
    attempt("job", given=clean, **SMALL, attack=["random"], rate=[0.1])
    path = tmp_path / "job/graphs/random.rate10.npz"
    read = graphs.load(path).adjacency
    assert (read != sp.load_npz(path)).nnz == 0
    assert (read != read.T).nnz == 0
    lines = map(json.loads, (tmp_path / "job" / EVENTS).read_text().splitlines())
    (about,) = [line for line in lines if line["t"] == "file" and line["path"].startswith("graphs")]
    assert about["kind"] == "graph"
    assert about["facts"] == {
        "nodes": 120, "edges": read.nnz // 2, "features": False, "labels": False,
    }  # fmt: skip
    assert about["meta"]["flips"] == graphs.load(clean["graph"]).adjacency.nnz // 20


def test_what_cannot_be_fought_is_refused_before_anything_is_computed(attempt, clean, tmp_path):
    def refusal(given: dict[str, Path], **params) -> UserError:
        with pytest.raises(UserError) as fault:
            attempt("job", given=given, **SMALL, **params)
        assert not (tmp_path / "job/graphs").exists()
        return fault.value

    assert refusal(clean, attack=["dice"], rate=[0.0001]).where == "rate"
    for blocked in ("prbcd", "adaptive", "aware"):
        assert refusal(clean, attack=[blocked], rate=[0.1], attack_block=5).where == "attack_block"
    for off in ({"filter": "off"}, {"confidence": False}, {"witnesses": 0}):
        assert "filter" in str(refusal(clean, attack=["aware"], **off))
    for off in ({"confidence": False}, {"witnesses": 0}):
        cut = {"filter": "multi", "thresholds": [0.9]}
        assert refusal(clean, attack=[], **cut, **off).where == "filter"
    taught = json.loads(clean["split"].read_text())["idx_train"][0]
    for node in (taught, 999):
        fault = refusal(clean, attack=["nettack"], targets=[node])
        assert fault.where == "targets"
        assert str(node) in str(fault)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attack", ["magic"]),
        ("rate", [0]),
        ("rate", [1.5]),
        ("rate", []),
        ("rate", [0.02, 0.020000001]),
        ("target_flips", [-1]),
    ],
)
def test_settings_out_of_bounds_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        GagnParams(**{name: value})


def test_nettack_keeps_the_degrees_plausible_unless_told_otherwise(attempt, clean, tmp_path):
    """A hundred flips on one target of 120 nodes fail its own test long before the last."""

    def told(name: str, **params) -> dict[str, float]:
        asked = {"attack": ["nettack"], "target_flips": [100], "targets": targets(clean)[:1]}
        attempt(name, given=clean, **SMALL, **asked, **params)
        lines = map(json.loads, (tmp_path / name / EVENTS).read_text().splitlines())
        (about,) = [line["meta"] for line in lines if line.get("path", "").startswith("graphs")]
        return about

    kept = told("kept")
    assert kept["degree_statistic"] < kept["degree_cutoff"]
    free = told("free", attack_power_law="none")
    assert free["degree_statistic"] > free["degree_cutoff"]
    assert free["flips"] > kept["flips"] > 0
