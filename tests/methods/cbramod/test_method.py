"""A whole CBraMod job: its numbers, its files, going on after a stop."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.core import registry
from engine.core.errors import UserError
from engine.methods.cbramod import reconstruction, report, weights
from engine.methods.cbramod.model import PRESETS, CBraMod
from engine.methods.cbramod.pretrain import hidden
from engine.methods.cbramod.windows import Windows
from engine.methods.cbramod.work import probe
from tests.methods.cbramod import uploads


def test_pretraining_comes_below_nothing_and_tells_where_it_stands(attempt, events, tmp_path):
    summary = attempt("job", task="pretrain", pretrain_epochs=12)
    assert summary["masked_mse"] < summary["line.zero"]
    assert summary["line.gaussian"] < summary["line.channel_mean"]
    told = [line["d"] for line in events("job") if line["t"] == "m"]
    assert told[0]["loss"] > told[-1]["loss"]
    assert summary["masked_mse"] == min(one["masked_mse"] for one in told if "masked_mse" in one)
    checks = [line for line in events("job") if line["t"] == "verify"]
    assert len(checks) == 2
    assert all(line["ok"] for line in checks)
    model = CBraMod(PRESETS["small"])
    rows = weights.load(model, load_file(tmp_path / "job/export/weights.safetensors"), "export")
    assert {row.state for row in rows} == {"matched"}


def test_fine_tuning_tests_every_window_once_on_people_it_never_met(attempt, events, tmp_path):
    summary = attempt("job", scratch_beside=True, baselines=["majority", "band_power"], epochs=4)
    for key in ("balanced_accuracy", "auroc", "auc_pr"):
        for prefix in ("", "scratch.", "baseline.band_power."):
            assert 0 <= summary[f"{prefix}{key}"] <= 1, key
    assert summary["baseline.majority.balanced_accuracy"] == 0.5
    assert summary["baseline.band_power.balanced_accuracy"] > 0.9  # alpha is band power
    with (tmp_path / "job/tables/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({(row["recording"], row["start"]) for row in rows}) == 72
    for row in rows:
        assert float(row["pretrained.closed"]) + float(row["pretrained.open"]) == pytest.approx(
            1, abs=2e-4
        )
    right = [
        (row["label"], float(row["pretrained.open"]) > float(row["pretrained.closed"]))
        for row in rows
    ]
    recall = [
        np.mean([says == (label == "open") for name, says in right if name == label])
        for label in ("closed", "open")
    ]
    assert np.mean(recall) == pytest.approx(summary["balanced_accuracy"], abs=0.03)
    checks = [line for line in events("job") if line["t"] == "verify"]
    assert [line["ok"] for line in checks] == [True, True]
    known = registry.method("cbramod")
    unknown = [key for key in summary if known.metric(key) is None]
    for line in events("job"):
        unknown += [key for key in line.get("d", {}) if line["t"] == "m" and not known.metric(key)]
    assert not unknown


def test_windows_of_one_class_alone_are_no_test_of_two(attempt, events):
    few = {"split_by": "recording", "start": "scratch", "epochs": 1, "baselines": []}
    attempt("one", test_units=["S01_open"], **few)
    attempt("two", test_units=["S01_open", "S01_closed"], **few)
    told = {
        name: [line["text"] for line in events(name) if line.get("level") == "warning"]
        for name in ("one", "two")
    }
    assert any("all windows that are tested are labelled 'open'" in line for line in told["one"])
    assert not any("all windows that are tested" in line for line in told["two"])


@pytest.mark.parametrize(
    ("params", "stop"),
    [
        ({"task": "pretrain"}, 7),
        ({}, 9),
        ({}, 15),
        ({"head": "sleep", "sequence": 4, "start": "scratch"}, 5),
    ],
)
def test_a_stopped_job_goes_on_as_if_it_had_not_been(go_on, tmp_path, params, stop):
    go_on(stop, **params, pretrain_batch=8, batch=8)
    for path in ("inspector/overview.json", "inspector/windows.json"):
        first, second = ((tmp_path / name / path).read_text() for name in ("whole", "stopped"))
        assert first == second


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others(attempt):
    first = attempt("first", task="pretrain")
    assert attempt("second", task="pretrain") == first
    assert attempt("third", task="pretrain", seed=1)["masked_mse"] != first["masked_mse"]


def test_what_a_fold_gives_does_not_hang_on_what_ran_before(attempt):
    """With or without baselines and a second arm, CBraMod's own numbers are the same."""
    alone = attempt("alone", baselines=[])
    beside = attempt("beside", baselines=["band_power"], scratch_beside=True)
    own = {key: value for key, value in alone.items() if key in beside}
    assert own == {key: beside[key] for key in own}
    scratch = attempt("scratch", start="scratch", baselines=[])
    assert scratch["balanced_accuracy"] == beside["scratch.balanced_accuracy"]


def test_a_batch_of_which_chance_hides_nothing_is_drawn_anew():
    draws = torch.Generator().manual_seed(0)
    assert all(hidden(1, 1, 1, draws).all() for _ in range(20))
    assert hidden(0, 1, 1, draws).shape == (0, 1, 1)


def test_what_only_a_later_fold_lacks_is_refused_before_the_first_trains(attempt, events, tmp_path):
    """One subject's recordings are all loud, and some fold has it alone to validate."""
    path = tmp_path / "loud.zip"
    uploads.recordings(path, subjects=5, loud="S02")
    with pytest.raises(UserError) as fault:
        attempt("job", recordings=path, folds=5)
    assert str(fault.value).startswith("reject: fold ")
    assert ": no window of S02 is left to validate on below 100 µV" in str(fault.value)
    assert not [line for line in events("job") if line["t"] == "m"]
    attempt("scratch", recordings=path, folds=5, start="scratch")


def test_windows_without_a_signal_are_refused(attempt, tmp_path):
    path = tmp_path / "flat.npz"
    names, who = np.array(["C3", "C4"]), np.array([f"P{at % 4}" for at in range(16)])
    x, y = np.full((16, 2, 1000), 7, np.float32), np.arange(16) // 4 % 2
    np.savez(path, x=x, y=y, sfreq=200.0, ch_names=names, subject=who)
    with pytest.raises(UserError, match="recordings: every channel of every window is flat"):
        attempt("job", recordings=path)


@pytest.mark.parametrize(("task", "field"), [("pretrain", "pretrain_lr"), ("finetune", "lr")])
def test_a_training_that_diverges_is_told_by_its_step_size(attempt, monkeypatch, task, field):
    """The network's own gradient, too large for a number of 32 bits."""
    plain = torch.nn.utils.clip_grad_norm_

    def grown(parameters, most):
        parameters = list(parameters)
        for one in parameters:
            if one.grad is not None:
                one.grad *= 1e30
        return plain(parameters, most)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", grown)
    with pytest.raises(UserError) as fault:
        attempt("job", task=task, start="scratch", **{field: 0.25})
    assert str(fault.value).startswith(f"{field}: the gradient of step 1 is inf: training diverged")
    assert "expected a smaller step size than 0.25" in str(fault.value)


@pytest.mark.parametrize("patches", range(1, 40))
def test_of_the_smallest_set_too_something_is_hidden(patches):
    assert probe(1, torch.zeros(1, 1, patches, 200)).any()


def test_a_channel_of_which_nothing_was_hidden_has_no_error():
    class Told:
        rows: tuple = ()

        def table(self, name, columns, rows, **about):
            self.rows = tuple(rows)

        def figure(self, name, figure, **about):
            json.dumps(figure, allow_nan=False)

    torch.manual_seed(0)
    x, mask = torch.randn(1, 2, 3, 200), torch.zeros(1, 2, 3, dtype=torch.bool)
    mask[0, 0, 1] = True
    many = {"y": None, "classes": (), "subject": None, "recording": None, "start": None}
    windows = Windows(x.flatten(2).numpy(), **many, channels=("C3", "C4"))
    told = Told()
    guess = reconstruction.guessed(CBraMod(PRESETS["small"]), x, mask)
    found = reconstruction.judged(guess, x, mask, torch.eye(2).double())
    report.reconstruction(told, windows, found)
    (first, *errors), second = told.rows
    assert first == "C3"
    assert errors[0] == pytest.approx(x[0, 0, 1].square().mean().item(), rel=1e-4)
    assert second == ("C4", None, None, None)
