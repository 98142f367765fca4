"""A job that is given weights: where it starts, what it says of them, and of whom they saw."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from engine.core import checkpoint, registry
from engine.core.errors import UserError
from engine.data.model import io
from engine.methods.cbramod import start, weights
from engine.methods.cbramod.model import CBraMod, Shape
from tests.engine.data.making import npz, report_on
from tests.methods.cbramod import synthetic

ONE = {"folds": 2, "epochs": 1, "baselines": []}


@pytest.fixture
def three(tmp_path):
    """A file of three blocks, as no preset has, named as official ones are."""
    torch.manual_seed(4)
    path = tmp_path / "three.pth"
    torch.save(CBraMod(Shape(layers=3)).state_dict(), path)
    return path


@pytest.fixture
def exported(attempt, tmp_path):
    """What a pre-training on all subjects leaves."""
    attempt("before", task="pretrain", pretrain_epochs=1)
    return tmp_path / "before/export/weights.safetensors"


def said(events, name: str, level: str | None = None) -> str:
    lines = [line for line in events(name) if line["t"] == "log"]
    return "\n".join(line["text"] for line in lines if level in (None, line["level"]))


def file_of(events, name: str) -> dict:
    wanted = "export/weights.safetensors"
    return next(e for e in events(name) if e["t"] == "file" and e["path"] == wanted)


def test_every_fold_starts_from_the_file_and_none_pretrains(attempt, events, three, tmp_path):
    summary = attempt("job", weights=three, frozen=True, scratch_beside=True, **ONE)
    assert {"balanced_accuracy", "scratch.balanced_accuracy"} <= set(summary)
    told = [key for line in events("job") if line["t"] == "m" for key in line["d"]]
    assert not [key for key in told if "pretrain.loss" in key]
    text = said(events, "job")
    assert "starts from three.pth: 67 of 67 tensors, 3 blocks" in text
    assert "the network follows the weights, not preset=small: 3 blocks, dropout 0" in text
    assert "whose recordings these weights have seen is not known here" in text
    made = io.load(tmp_path / "job/export/weights.safetensors")
    given = io.load(three).tensors
    for key, value in weights.official(made).items():  # frozen: as they came, bit for bit
        if not key.startswith("classifier."):
            assert torch.equal(value, given[key]), key
    with (tmp_path / "job/tables/load_report.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["state"] for row in rows} == {"matched"}
    assert rows[0] == {
        "key": "patch_embedding.mask_encoding",
        "expected": "200",
        "found": "200",
        "state": "matched",
    }


def test_the_inspector_gets_the_given_network_where_it_can_guess(attempt, three, tmp_path):
    kept = {}
    given = io.load(three).tensors
    for name, limit in (("job", 100.0), ("loud", 1e-6)):
        attempt(name, weights=three, reject=limit, **ONE)
        kept[name] = json.loads((tmp_path / name / "inspector/overview.json").read_text())
        assert kept[name]["layers"] == 3
        found = checkpoint.load(tmp_path / name / "inspector/model.safetensors")["network"]
        assert found.keys() == given.keys()
        assert all(torch.equal(found[key], value) for key, value in given.items())
    assert kept["job"]["reconstruction"]["hidden"] > 0
    assert kept["loud"]["reconstruction"] is None  # nothing is below the limit to judge it on


def test_pretraining_goes_on_from_the_file(attempt, events, tmp_path, three):
    """With a step too small to matter it ends where it began: no fast start, no fresh weights."""
    attempt("job", task="pretrain", weights=three, pretrain_lr=1e-12, warmup=10_000, weight_decay=0)
    made = weights.official(io.load(tmp_path / "job/export/weights.safetensors"))
    given = io.load(three).tensors
    assert made.keys() == given.keys()
    for key, value in made.items():
        torch.testing.assert_close(value, given[key], atol=1e-4, rtol=0)


def test_what_one_job_exports_is_an_input_of_another(attempt, events, exported, tmp_path):
    about = file_of(events, "before")
    assert about["kind"] == "model"
    assert about["facts"] == report_on(io, exported).facts
    assert registry.method("cbramod").input("weights").refusal(about["facts"]) is None
    assert about["facts"]["head"] is False
    attempt("after", weights=exported, **ONE)
    warned = said(events, "after", "warning")
    assert "pre-trained on 6 of the 6 subjects tested here, as their names say (" in warned
    assert file_of(events, "after")["facts"]["head"] is True
    attempt("again", weights=tmp_path / "after/export/weights.safetensors", **ONE)
    text = said(events, "again")
    assert "starts from weights.safetensors: 49 of 51 tensors, 2 blocks" in text
    assert "the head of another task is left aside (2 tensors)" in text


def test_subjects_that_were_not_met_are_no_warning(attempt, events, tmp_path):
    with_people = [f"sub-{at:02d}" for at in range(6)]
    windows(tmp_path / "others.npz", with_people)
    attempt("before", task="pretrain", pretrain_epochs=1, recordings=tmp_path / "others.npz")
    made = tmp_path / "before/export/weights.safetensors"
    attempt("after", weights=made, **ONE)
    assert "pre-trained on 6 subjects, none of whose names is tested here" in said(events, "after")
    assert "pre-trained on" not in said(events, "after", "warning")


def test_lineage_goes_through_every_job(attempt, exported, three, tmp_path):
    windows(tmp_path / "others.npz", [f"sub-{at:02d}" for at in range(6)])
    given = {"recordings": tmp_path / "others.npz", "task": "pretrain", "pretrain_epochs": 1}
    attempt("known", weights=exported, **given)
    attempt("unknown", weights=three, **given)
    known, unknown = (
        start.origin.read(io.load(tmp_path / name / "export/weights.safetensors"))
        for name in ("known", "unknown")
    )
    assert known.complete
    assert not unknown.complete
    assert len({*known.train, *known.val}) == 6 + 6
    assert {*unknown.train, *unknown.val} == {f"sub-{at:02d}" for at in range(6)}


def test_a_fine_tuned_file_lacks_the_reconstruction_layer_and_gets_a_new_one(
    attempt, events, tmp_path
):
    content = synthetic.model(2).state_dict()
    tuned = {f"backbone.{key}": v for key, v in content.items() if "proj_out" not in key}
    save_file(tuned, tmp_path / "tuned.safetensors")
    summary = attempt(
        "job", task="pretrain", weights=tmp_path / "tuned.safetensors", pretrain_epochs=1
    )
    assert "the weights have no reconstruction layer: it starts anew" in said(events, "job")
    assert summary["masked_mse"] > 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("encoder.layers.1.norm1.bias"), r"encoder.layers.1.norm1.bias is missing"),
        (lambda c: c.update({"proj_out.0.bias": torch.ones(3)}), r"proj_out.0.bias is \(3,\)"),
        (lambda c: c.update({"extra": torch.ones(3)}), "extra is no tensor of CBraMod"),
    ],
)
def test_weights_that_fit_in_part_are_refused_by_the_key(attempt, tmp_path, change, message):
    content = dict(synthetic.model(2).state_dict())
    change(content)
    torch.save(content, tmp_path / "part.pth")
    with pytest.raises(UserError, match=f"part.pth: {message}"):
        attempt("job", weights=tmp_path / "part.pth", **ONE)


def test_other_networks_and_contradictions_are_refused(attempt, tmp_path, three):
    torch.save({"a": torch.ones(2)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match="input weights: expected weights of CBraMod"):
        attempt("other", weights=tmp_path / "other.pth", **ONE)
    with pytest.raises(UserError, match=r"^start: scratch, but weights are given"):
        attempt("scratch", weights=three, start="scratch", **ONE)


def test_a_note_that_is_none_of_ours_is_refused(attempt, tmp_path):
    save_file(
        dict(synthetic.model(2).state_dict()),
        tmp_path / "w.safetensors",
        metadata={"tenfold": '{"train": 3}'},
    )
    with pytest.raises(UserError, match="its note 'tenfold' on how it was trained cannot be read"):
        attempt("job", weights=tmp_path / "w.safetensors", **ONE)
    with pytest.raises(UserError, match="its note 'tenfold' on how it was trained cannot be read"):
        attempt("pretrain", task="pretrain", weights=tmp_path / "w.safetensors", stop_at=1)


@pytest.mark.parametrize(("task", "stop"), [("pretrain", 5), ("finetune", 6)])
def test_a_stopped_job_with_weights_goes_on_as_if_it_had_not_been(go_on, events, three, task, stop):
    go_on(stop, task=task, weights=three, batch=8, scratch_beside=True)
    assert file_of(events, "whole")["facts"] == file_of(events, "stopped")["facts"]


def test_the_card_offers_weights_of_cbramod_alone():
    entry = registry.method("cbramod").input("weights")
    assert entry.optional
    assert entry.kind == "model"
    assert "another network" in entry.refusal({"architecture": "LlamaForCausalLM"})
    assert entry.refusal({"architecture": "cbramod"}) is None


def windows(path, people: list[str]) -> None:
    """Cut windows of noise, four of each."""
    x = np.random.default_rng(1).normal(0, 10, (4 * len(people), 3, 1000)).astype(np.float32)
    arrays = {
        "x": x, "sfreq": np.array(200.0), "ch_names": np.array(["C3", "Cz", "C4"]),
        "subject": np.repeat(people, 4),
    }  # fmt: skip
    npz(path, arrays)


def test_windows_of_nobody_are_told_what_is_missing(attempt, tmp_path):
    x = np.random.default_rng(1).normal(0, 10, (12, 3, 1000)).astype(np.float32)
    arrays = {"x": x, "sfreq": np.array(200.0), "ch_names": np.array(["C3", "Cz", "C4"])}
    npz(tmp_path / "nobody.npz", arrays | {"y": np.arange(12) % 2})
    for task in ("finetune", "pretrain"):
        with pytest.raises(UserError, match="expected an array subject beside x, a name for each"):
            attempt(task, task=task, recordings=tmp_path / "nobody.npz")
