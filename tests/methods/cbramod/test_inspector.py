"""What a job leaves for its inspector, on uploads of every sort."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from engine.core import checkpoint
from engine.core.plain import plain
from engine.methods.cbramod import metrics, questions, report
from tests.methods.cbramod import uploads

PLACED = ("FP1", "FP2", "F3", "F4", "C3", "C4", "P3", "P4", "O1", "O2", "F7", "F8", "T7", "T8")
SIXTY_FOUR = (*(f"E{number}" for number in range(50)), *PLACED)
SORTS = {
    "pretrain": ({}, {"task": "pretrain", "save_windows": True}),
    "finetune": ({}, {"scratch_beside": True, "baselines": ["majority", "band_power"]}),
    "one channel": ({"channels": ("CZ",)}, {}),
    "one channel guessed": ({"channels": ("CZ",)}, {"task": "pretrain", "window": 1}),
    "no place": ({"channels": ("X1", "X2", "X3", "X4", "X5")}, {}),
    "64 channels": ({"channels": SIXTY_FOUR, "seconds": 8}, {"window": 4}),
    "one subject": (
        {"subjects": 1, "parts": ("a_rest", "b_task", "c_rest", "d_task", "e_rest", "f_task")},
        {"split_by": "recording", "label_pattern": "_(rest|task)$"},
    ),
    "cut": (None, {}),
    "cut guessed": (None, {"task": "pretrain"}),
    "cut some classes": (None, {"classes": ["2", "0"], "channels": ["O1", "C3"]}),
    "scratch": ({}, {"start": "scratch"}),
    "frozen": ({}, {"frozen": True, "head": "all_patch"}),
    "one second": ({"seconds": 4}, {"window": 1}),
    "three classes": ({"parts": ("a", "b", "c")}, {}),
    "resampled": ({"sfreq": 256}, {"lowpass": 40.0, "reference": "average"}),
    "scaled": ({}, {"scale": "subject", "head": "time_pool"}),
    "number": (
        {"parts": ("1", "2.5")},
        {"target": "number", "scratch_beside": True, "save_windows": True},
    ),
    "one number tested": (
        {},
        {"target": "number", "label_pattern": r"S0(\d)", "test_units": ["S01"], "epochs": 2},
    ),
    "cut numbers": (None, {"target": "number"}),
    "sleep": ({}, {"head": "sleep", "sequence": 3}),
    "sleep of numbers": (
        {"parts": ("1", "2", "3")},
        {"target": "number", "head": "sleep", "sequence": 4, "frozen": True},
    ),
    "one split": ({}, {"test_units": ["S01"], "reject": 0.0}),
}


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_of_job_leaves_valid_files_and_answers(tmp_path, sort):
    given, values = SORTS[sort]
    upload = tmp_path / ("eeg.npz" if given is None else "eeg.zip")
    if given is None:
        uploads.cut(upload)
    else:
        uploads.recordings(upload, **given)
    whatif = uploads.job(tmp_path / "job", upload, **values)
    overview, windows = read(tmp_path / "job", "overview"), read(tmp_path / "job", "windows")
    check(overview, windows, values)
    state = checkpoint.load(tmp_path / "job/inspector/model.safetensors")
    assert (state["classifier"] is None) == (overview["task"] == "pretrain")
    assert (state["network"] is None) == (overview["reconstruction"] is None)
    last = [at for at, part in enumerate(windows["part"]) if part == 2]
    for window in (0, len(windows["start"]) - 1, *last[-1:]):
        answer(whatif, overview, windows, window)


def read(folder, name):
    def refused(text):
        raise AssertionError(f"{text} is no JSON")

    return json.loads((folder / f"inspector/{name}.json").read_text(), parse_constant=refused)


def check(overview, windows, values):
    channels, seconds = len(overview["channels"]), overview["seconds"]
    n, classes = len(windows["start"]), overview["classes"]
    for name in ("recording", "label", "answer", "probability", "loud", "part", "x", "y"):
        assert len(windows[name]) == n
    assert all(0 <= share <= 1 for share in windows["explained"])
    assert sum(row["windows"] for row in overview["recordings"]) == n
    for number, row in enumerate(overview["recordings"]):
        here = [start for start, of in zip(windows["start"], windows["recording"], strict=True)
                if of == number]  # fmt: skip
        assert len(here) == row["windows"] == len(set(here))
        assert max(here) + seconds <= row["seconds"] + 1e-6
    groups = classes or ["all"]
    assert overview["psd"]["groups"] == groups
    assert np.shape(overview["psd"]["db"]) == (len(groups), channels, len(overview["psd"]["hz"]))
    assert np.shape(overview["bands"]["values"]) == (len(groups), 5, channels)
    head = overview["topography"]
    if head is not None:
        assert np.shape(head["weights"]) == (len(head["inside"]), channels)
        assert max(head["inside"]) < head["size"] ** 2
        assert len(head["unplaced"]) == head["x"].count(None)
    assert (head is None) == (sum(name in PLACED for name in
                                  overview["channels"]) < 4)  # fmt: skip
    told = overview["reconstruction"]
    assert (told is None) == (values.get("start") == "scratch")
    if told is not None:
        assert {len(row) for row in told["by_channel"].values()} == {channels}
        assert {len(row) for row in told["by_second"].values()} == {seconds}
        assert len(told["by_band"]["network"]) == len(told["by_band"]["zero"]) == 5
    if overview["task"] == "pretrain":
        assert overview["models"] == overview["classes"] == []
        assert set(windows["answer"]) == set(windows["label"]) == {None}
        assert overview["goal"] is None
        return
    keys, goal = [model["key"] for model in overview["models"]], overview["goal"]
    assert goal == values.get("target", "class")
    assert overview["measure"] == {"class": "balanced_accuracy", "number": "r2"}[goal]
    value = {model["key"]: model[overview["measure"]] for model in overview["models"]}
    known = [one for one in value.values() if one is not None]
    best = [key for key in keys if known and value[key] == max(known)]
    assert overview["winner"] == (best[0] if len(best) == 1 else None)
    others = [one for one in (value[key] for key in keys[1:]) if one is not None]
    assert (value[overview["rival"]] == max(others)) if others else overview["rival"] is None
    if others:
        leads = [
            row["values"][keys[0]] - row["values"][overview["rival"]]
            for row in overview["folds"]
            if None not in (row["values"][keys[0]], row["values"][overview["rival"]])
        ]
        assert overview["lead"]["n"] == len(leads)
        if leads:
            assert overview["lead"]["mean"] == pytest.approx(np.mean(leads))
        assert (overview["lead"]["ci95"] is None) == (len(leads) < 2)
    tested = [at for at, told in enumerate(windows["answer"]) if told is not None]
    assert sum(row["windows"] for row in overview["subjects"]) == len(tested)
    for row in (*overview["subjects"], *overview["folds"]):
        assert list(row["values"]) == keys
    if goal == "number":
        assert overview["confusion"] == {}
        assert not classes
        labels, told = (np.array([windows[of][at] for at in tested]) for of in ("label", "answer"))
        assert metrics.regression(labels, told)["r2"] == (
            value[keys[0]] if not known else pytest.approx(value[keys[0]], rel=1e-4)
        )
        assert set(windows["probability"]) == {None}
        return
    for key in keys:
        table = np.array(overview["confusion"][key])
        assert table.sum() == len(tested)
        recall = table.diagonal() / np.maximum(table.sum(axis=1), 1)
        assert recall[table.sum(axis=1) > 0].mean() == pytest.approx(value[key])
    for at in tested:
        assert 1 / len(classes) - 1e-4 <= windows["probability"][at] <= 1


def answer(whatif, overview, windows, window):
    channels, seconds = overview["channels"], overview["seconds"]
    asked = questions.WindowParams(
        window=window, channels=channels[:1], share=0.3, order="shuffled"
    )
    found = plain(whatif.window(asked))
    assert np.shape(found["signal"]) == (len(channels), seconds * 200)
    assert np.shape(found["hidden"]) == (len(channels), seconds)
    assert found["label"] == windows["label"][window]
    assert (found["reconstruction"] is None) == (overview["reconstruction"] is None)
    assert (found["after"] is None) == (overview["task"] == "pretrain")
    if found["after"]:
        if overview["goal"] == "class":
            assert sum(found["after"]) == pytest.approx(1)
        else:
            assert len(found["after"]) == 1
        if windows["part"][window] == 2:  # the last fold's network answered it in the job too
            same = metrics.answered(np.array([found["before"]]))[0]
            own = same if overview["goal"] == "class" else found["before"][0]
            assert own == pytest.approx(windows["answer"][window], abs=1e-4)
        hung = plain(whatif.occlusion(questions.OcclusionParams(window=window)))
        assert (len(hung["channels"]), len(hung["seconds"])) == (len(channels), seconds)
    maps = plain(whatif.attention(questions.AttentionParams(window=window, second=0)))
    assert np.shape(maps["spatial"]) == (4, len(channels), len(channels))
    assert np.shape(maps["temporal"]) == (4, seconds, seconds)
    name = overview["recordings"][windows["recording"][window]]["name"]
    (length,) = [row["seconds"] for row in overview["recordings"] if row["name"] == name]
    assert whatif.signal(name).shape == (len(channels), pytest.approx(200 * length, abs=1))
    start = windows["start"][window]
    trace = plain(
        whatif.trace(questions.TraceParams(recording=name, start=start, seconds=float(seconds)))
    )
    assert [one["window"] for one in trace["windows"] if one["start"] == start] == [window]
    plainly = plain(whatif.window(questions.WindowParams(window=window)))
    assert trace["signal"] == plainly["signal"]
    spectrum = plain(whatif.spectrum(questions.SpectrumParams(recording=name)))
    assert np.shape(spectrum["db"]) == (len(channels), len(spectrum["hz"]))
    json.dumps([found, maps, trace, spectrum], allow_nan=False)


def test_the_first_page_says_who_won(tmp_path, events):
    upload = uploads.recordings(tmp_path / "eeg.zip")
    still = {"lr": 1e-9, "lr_head": 1e-9}  # nobody learns
    baselines = ["majority", "band_power"]
    uploads.job(tmp_path / "job", upload, scratch_beside=True, baselines=baselines, **still)
    files = {line["path"]: line for line in events("job") if line["t"] == "file"}
    models = files["figures/models.json"]
    assert models["role"] == "result"
    assert models["title"] == "Band power wins on unseen subjects"
    dots = json.loads((tmp_path / "job/figures/models.json").read_text())["data"][0]
    assert dots["y"][-1] == "Band power"
    assert dots["x"] == sorted(dots["x"])
    assert "Pre-training is worth" in files["figures/pairs.json"]["title"]
    with (tmp_path / "job/tables/folds.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 4
    folds = read(tmp_path / "job", "overview")["folds"]
    for row in rows:
        if row["model"] == "Band power":
            here = next(one for one in folds if one["fold"] == row["fold"])
            assert float(row["balanced_accuracy"]) == here["values"]["band_power"]


@pytest.mark.parametrize(
    ("winner", "title"),
    [
        ("CBraMod, pre-trained", "CBraMod, pre-trained, wins on unseen subjects"),
        ("CBraMod from scratch", "CBraMod from scratch wins on unseen subjects"),
        (None, "No model is ahead on unseen subjects"),
    ],
)
def test_a_headline_names_the_winner(winner, title):
    assert report.headline(winner, "unseen subjects") == title


def test_the_probe_is_drawn_while_pre_training_goes_on(tmp_path, events, monkeypatch):
    monkeypatch.setattr(report, "REST", 0)
    upload = uploads.recordings(tmp_path / "eeg.zip")
    uploads.job(tmp_path / "job", upload, task="pretrain", pretrain_epochs=3, pretrain_batch=4)
    lines = events("job")
    for name in ("probe", "probe_spectrum"):
        drawn = [line for line in lines if line.get("path") == f"figures/{name}.json"]
        steps = [line["step"] for line in drawn]
        assert steps == sorted(steps)
        assert len(steps) > 3
    last = max(at for at, line in enumerate(lines) if line["t"] == "m")
    assert any(line.get("path") == "figures/probe.json" for line in lines[:last])
