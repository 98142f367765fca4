"""Whole jobs on the cycle model: their numbers, their badge, going on after a stop, refusals."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from engine.core import registry
from engine.core.errors import UserError
from engine.core.params import parse
from engine.core.run import Stop
from engine.methods.kaleidoscope import hardware, rig
from engine.methods.kaleidoscope.simulator import tools
from tests.methods.kaleidoscope import jobs

ASKED = {  # of the summary, by the issue
    "accuracy", "macro_f1", "accuracy_int8", "rtl_mismatches", "latency_cycles", "latency_ns",
    "throughput_gbps", "drops", "cycles_per_second", "baseline.random_forest.accuracy",
}  # fmt: skip


def predicted(folder):
    with (folder / "predictions.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_summary_has_what_it_must_and_the_card_knows_all_of_it(modelled, summary):
    assert summary.keys() >= ASKED
    card = registry.method("kaleidoscope")
    told = {key for event in jobs.events(modelled, "m") for key in event["d"]}
    assert not [key for key in told | summary.keys() if card.metric(key) is None]
    assert 0.8 < summary["accuracy"] <= 1
    assert summary["baseline.random_forest.accuracy"] > 0.9
    assert summary["latency_ns"] == summary["latency_cycles"] * 4


def test_what_a_model_says_is_never_told_as_rtl(modelled, summary):
    assert summary["rtl_mismatches"] is summary["cycles_per_second"] is None
    assert summary["model_mismatches"] == 0
    told = {}
    for event in jobs.events(modelled, "env"):
        told |= event["environment"]
    assert told["backend"] == "model"
    assert "rtl" not in told
    lines = [e["text"] for e in jobs.events(modelled, "log") if e["level"] == "warning"]
    assert any(line.startswith("model, not RTL") for line in lines)
    oracles = [event["oracle"] for event in jobs.events(modelled, "verify")]
    assert not [one for one in oracles if "the RTL" in one]
    titles = {e["path"]: e["title"] for e in jobs.events(modelled, "file")}
    assert "model, not RTL" in titles["figures/latency.json"]
    assert "wave.vcd" not in titles


def test_cores_and_queues_are_told_while_they_run(modelled, summary):
    told = [event["d"] for event in jobs.events(modelled, "m")]
    moments = [values for values in told if "sim.busy.fpe0" in values]
    cores = [key for key in moments[0] if key.startswith("sim.busy.")]
    assert cores == [f"sim.busy.fpe{core}" for core in range(8)]
    assert len(moments) > 50  # of the parity and the replay
    for moment in moments:
        assert all(0 <= moment[key] <= 1 for key in cores)
        assert 0 <= moment["sim.mouse_depth"] <= 64
    assert moments[-1]["sim.drops"] == summary["drops"]
    assert max(moment["sim.busy.fpe0"] for moment in moments) > 0.5
    assert not [values for values in told if "sim.cycles_per_second" in values]  # no RTL steps


def test_bytes_that_lie_on_both_sides_of_a_split_are_told(modelled):
    lines = [event["text"] for event in jobs.events(modelled, "log")]
    assert [line for line in lines if "another capture has the same bytes" in line]


def test_no_rate_is_more_than_the_bus_brings(tmp_path, sample):
    """512 bits a cycle; the 20 bytes between frames are on the line, not on the bus."""
    slow = {"gbps": 100, "clock_mhz": 20, "packet_length": 1500, "epochs": 1}
    told = jobs.run(tmp_path / "slow", sample, **slow, baselines=[], replay_packets=500)
    assert told["throughput_gbps"] == pytest.approx(8 * 1520 * 20 / 24 / 1e3)
    assert told["served_gbps"] < 0.512 * 20 * 1.6
    load = jobs.read(tmp_path / "slow", "inspector/overview.json")["load"]
    assert load["offered_gbps"] < 0.512 * 20 * 1.6
    assert load["stalls"] is None


def test_every_oracle_holds_and_no_capture_is_on_both_sides(modelled):
    found = jobs.events(modelled, "verify")
    assert len(found) == 5
    assert all(event["ok"] for event in found)


def test_without_a_simulator_the_model_is_taken_and_another_is_refused(monkeypatch):
    monkeypatch.setattr(rig, "find", lambda: [tools.MODEL])
    assert rig.choose("auto").badge
    with pytest.raises(UserError, match=r"backend: icarus is not .* expected one of model"):
        rig.choose("icarus")


def test_predictions_are_of_every_sample_once_in_a_capture_that_did_not_train(modelled, summary):
    rows = predicted(modelled)
    assert len({(row["capture"], row["flow"]) for row in rows}) == len(rows)
    tested = {}
    for row in rows:
        tested.setdefault(row["capture"], set()).add(row["fold"])
    assert all(len(folds) == 1 for folds in tested.values())
    folds = {fold for (fold,) in tested.values()}
    right = [
        np.mean([row["label"] == row["qat"] for row in rows if row["fold"] == fold])
        for fold in folds
    ]
    assert np.mean(right) == pytest.approx(summary["accuracy_int8"])


def test_a_stopped_job_goes_on_with_the_same_numbers_and_trains_no_fold_again(
    tmp_path,
    sample,
    summary,
):
    folder = tmp_path / "stopped"
    with pytest.raises(Stop):
        jobs.run(folder, sample, stop_at=3)
    before = [event["name"] for event in jobs.events(folder, "phase")]
    assert "train mlp, fold 1.2" in before
    assert jobs.run(folder, sample) == summary
    after = [event["name"] for event in jobs.events(folder, "phase")][len(before) :]
    assert not [name for name in after if name.startswith("train")]


def test_another_simulator_than_before_repeats_the_trials_alone(tmp_path, sample, monkeypatch):
    folder = tmp_path / "moved"
    with pytest.raises(Stop):
        jobs.run(folder, sample, stop_at=6)
    elsewhere = tools.Backend("model", "another model", badge="model, not RTL")
    monkeypatch.setattr(rig, "choose", lambda wanted: elsewhere)
    jobs.run(folder, sample)
    told = [event["text"] for event in jobs.events(folder, "log")]
    assert any("another simulator than before" in text for text in told)
    names = [event["name"] for event in jobs.events(folder, "phase")]
    assert names.count("parity") == 2
    assert names.count("train mlp, fold 1.1") == 1


def test_the_seed_changes_the_network_and_not_the_folds(tmp_path, sample, modelled, summary):
    other = jobs.run(tmp_path / "other", sample, seed=1)
    assert other["accuracy"] != summary["accuracy"] or other["macro_f1"] != summary["macro_f1"]
    folds = [
        {tuple(row[name] for name in ("fold", "capture", "flow")) for row in predicted(folder)}
        for folder in (modelled, tmp_path / "other")
    ]
    assert folds[0] == folds[1]


def test_an_autoencoder_tells_captures_that_are_not_normal(tmp_path, sample):
    found = jobs.run(
        tmp_path / "job", sample, model="autoencoder", anomalous=["DNS"], classes=["HTTP", "DNS"],
        epochs=80,
    )  # fmt: skip
    assert found["auroc_int8"] > 0.9
    assert found["baseline.random_forest.auroc"] > 0.9
    assert found["model_mismatches"] == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"label": "nope"}, r"label: no labels are called 'nope'; there are: protocol"),
        ({"classes": ["nope"]}, r"classes: no flow is labelled 'nope'"),
        ({"classes": ["HTTP"]}, r"labels: expected two classes"),
        ({"folds": 20}, r"captures: expected 20 with labelled flows"),
        ({"contexts": 2}, r"contexts: expected 1, since this is the cycle model, not RTL"),
        (
            {"model": "autoencoder", "anomalous": ["nope"]},
            r"anomalous: no capture and no class is called 'nope'",
        ),
        (
            {"model": "autoencoder", "anomalous": ["DNS"], "classes": ["HTTP"]},
            r"all are normal; classes keeps no others",
        ),
    ],
)
def test_what_cannot_be_learnt_is_refused_in_one_line(tmp_path, sample, params, message):
    with pytest.raises(UserError, match=message):
        jobs.run(tmp_path / "job", sample, **{"epochs": 1, **params})


@pytest.mark.parametrize(
    ("values", "given", "where"),
    [
        ({"model": "autoencoder"}, {}, "anomalous"),
        ({"anomalous": ["x"]}, {}, "anomalous"),
        ({"model": "gru", "elephant": "gru"}, {}, "elephant"),
        ({}, {"captures": {"labels": False}}, "labels"),
        ({"label": "x"}, {"captures": {"labels": True, "label_columns": ["y"]}}, "label"),
    ],
)
def test_parameters_that_do_not_go_together_are_told_before_a_start(values, given, where):
    card = registry.method("kaleidoscope")
    found = card.conflict(parse(card.params, values), given)
    assert found is not None
    assert found[0] == where
    assert card.conflict(parse(card.params, {}), {"captures": {"labels": True}}) is None


def test_icarus_gets_less_to_do():
    assert hardware.SLOW.packets < 1000 < hardware.FAST.packets
    assert hardware.SLOW.flows == 32
