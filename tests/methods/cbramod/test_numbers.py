"""Labels that are numbers: read, learnt, judged; by the network and by the baselines."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from engine.core import registry
from engine.core.errors import UserError
from engine.core.run import Stop
from engine.methods.cbramod.baselines import NETWORKS, Labelled, band_power, fit, majority, train
from engine.methods.cbramod.finetune import Classifier, Tuning, answers
from engine.methods.cbramod.goal import Numbers, learnt, settled
from engine.methods.cbramod.labels import numbers
from engine.methods.cbramod.model import CBraMod, Shape
from engine.methods.cbramod.params import CBraModParams
from tests.methods import attempts
from tests.methods.cbramod import uploads
from tests.methods.cbramod.baselines.sets import RATE, stream

CARD = registry.method("cbramod")
JOB = {**uploads.QUICK, "target": "number", "baselines": ["majority", "band_power"]}


def loud(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Noise (n, 2, 400) in µV, and its amplitude in a unit of its own."""
    draws = np.random.default_rng(seed)
    y = draws.uniform(0, 1, count)
    x = draws.normal(size=(count, 2, 400)) * (10 + 40 * y[:, None, None])
    return x.astype(np.float32), 1000 + 50 * y


def test_amplitudes_are_learnt_and_settled_weights_answer_in_the_labels_unit():
    torch.manual_seed(0)
    model = Classifier(
        CBraMod(Shape(layers=1, dropout=0.0)), "avg_pool", channels=2, patches=2, outputs=1,
        dropout=0.0,
    )  # fmt: skip
    x, y = loud(64, 0)
    goal = learnt(y, 0)
    assert (goal.mean, goal.deviation) == (pytest.approx(y.mean()), pytest.approx(y.std()))
    x = torch.from_numpy(x).view(-1, 2, 2, 200) / 100
    work = Tuning(model, goal, lr=1e-3, lr_head=1e-2, weight_decay=0.0, steps=40)
    for _ in range(40):
        work.step(x, torch.from_numpy(y))
    rows = np.arange(64)[:, None]
    found = work.judge(x, rows, y)
    assert found["r2"] > 0.8
    before = answers(model, goal, x, rows)
    after = answers(work.finish(), settled(0), x, rows)
    np.testing.assert_allclose(after, before, atol=1e-2)
    fresh, truth = loud(64, 1)
    fresh = torch.from_numpy(fresh).view(-1, 2, 2, 200) / 100
    assert r2_score(truth, answers(model, settled(0), fresh, rows)) > 0.5


def test_the_loss_is_the_squared_error_of_standardised_labels():
    goal = Numbers(mean=10.0, deviation=4.0)
    outputs, y = torch.tensor([[0.5], [-1.0]]), torch.tensor([12.0, 2.0], dtype=torch.float64)
    assert goal.loss(outputs, y).item() == pytest.approx((0.0**2 + 1.0**2) / 2)
    assert goal.answers(outputs).tolist() == [12.0, 6.0]


def test_the_least_error_is_chosen_also_where_all_labels_are_one():
    goal, y = settled(0), np.full(3, 5.0)
    near, far = (goal.scores(y, y + by) for by in (0.1, 2.0))
    assert near["r2"] is None
    assert near["pearson_r"] is None
    assert goal.choice(near) > goal.choice(far)
    assert learnt(np.full(3, 0.1), 0).deviation == 1


def test_labels_that_are_no_numbers_are_refused_by_their_place():
    def where(at: int) -> str:
        return f"row {at}"

    assert numbers(np.array(["1", "-2.5e1", " 3 "]), where).tolist() == [1, -25, 3]
    for text in ("rest", "nan", "inf", "1_0", ""):
        with pytest.raises(UserError, match="no number") as fault:
            numbers(np.array(["1", text]), where)
        assert fault.value.where == "row 1"
    with pytest.raises(UserError, match="all windows are labelled 2; expected two numbers"):
        numbers(np.array(["2", "2.0"]), where)


@pytest.mark.parametrize(
    ("where", "values"), [("baselines", {"baselines": ["csp"]}), ("classes", {"classes": ["1"]})]
)
def test_what_tells_classes_apart_has_no_place(where, values):
    assert CARD.conflict(CBraModParams(target="number", **values), {})[0] == where
    assert CARD.conflict(CBraModParams(**values), {}) is None


def part(count: int, seed: int) -> Labelled:
    x, y = loud(count, seed)
    return Labelled(x, y, RATE, 0)


def test_the_majority_of_numbers_is_their_mean():
    some = part(8, 0)
    np.testing.assert_allclose(majority.fit(some, None).answers(some.x[:3]), some.y.mean())


def test_band_power_is_a_ridge_whose_strength_validation_chooses():
    some, val = part(60, 0), part(30, 1)
    chosen = band_power.fit(some, val)
    scale = StandardScaler().fit(band_power.log_powers(some.x, sfreq=RATE))
    seen, asked = (scale.transform(band_power.log_powers(x, sfreq=RATE)) for x in (some.x, val.x))
    tried = {alpha: Ridge(alpha=alpha).fit(seen, some.y).predict(asked)
             for alpha in band_power.RIDGES}  # fmt: skip
    best = min(tried, key=lambda alpha: np.square(tried[alpha] - val.y).mean())
    assert chosen.settings == {"alpha": best}
    np.testing.assert_allclose(chosen.answers(val.x), tried[best])
    assert r2_score(val.y, chosen.answers(val.x)) > 0.9


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_answer_in_the_labels_unit(name, monkeypatch):
    monkeypatch.setattr(train, "EPOCHS", 2)
    some = part(32, 0)
    found = fit(name, some, some, generator=stream()).answers(some.x)
    assert found.shape == (32,)
    assert np.abs(found - some.y.mean()).max() < 10 * some.y.std()
    alone = Labelled(some.x, np.full(32, 3.0), RATE, 0)
    with pytest.raises(UserError, match="one number only"):
        fit(name, alone, None, generator=stream())


def test_a_whole_job_is_judged_by_its_numbers(tmp_path, events):
    upload = uploads.recordings(tmp_path / "eeg.zip", parts=("10", "12.5"))
    given = {"recordings": upload}
    summary = attempts.attempt(tmp_path / "job", "cbramod", given, JOB)
    assert summary["baseline.band_power.r2"] > 0.5
    assert summary["baseline.majority.pearson_r"] is None
    assert "balanced_accuracy" not in summary
    unknown = [key for key in summary if CARD.metric(key) is None]
    for line in events("job"):
        unknown += [key for key in line.get("d", {}) if line["t"] == "m" and not CARD.metric(key)]
    assert not unknown
    with (tmp_path / "job/tables/predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 2 * 4
    y, told = (np.array([float(row[name]) for row in rows]) for name in ("label", "pretrained"))
    assert set(y) == {10, 12.5}
    assert summary["r2"] == pytest.approx(r2_score(y, told), abs=1e-3)
    assert summary["rmse"] == pytest.approx(np.sqrt(np.square(y - told).mean()), abs=1e-3)
    fold = np.array([row["fold"] for row in rows])
    each = [stats.pearsonr(y[fold == one], told[fold == one]).statistic for one in set(fold)]
    assert summary["pearson_r"] == pytest.approx(np.mean(each), abs=1e-3)
    dots, _ = json.loads((tmp_path / "job/figures/answers.json").read_text())["data"]
    assert sorted(dots["x"]) == sorted(y)
    assert not (tmp_path / "job/figures/confusion.json").exists()
    with pytest.raises(Stop):
        attempts.attempt(tmp_path / "stopped", "cbramod", given, JOB, stop_at=9)
    assert attempts.attempt(tmp_path / "stopped", "cbramod", given, JOB) == summary
    with pytest.raises(UserError, match="'rest' is no number") as fault:
        attempts.attempt(tmp_path / "bad", "cbramod", {"recordings": uploads.recordings(
            tmp_path / "bad.zip", parts=("1", "rest"))}, JOB)  # fmt: skip
    assert fault.value.where == "S01_rest at 0 s"


@pytest.mark.parametrize(
    ("labels", "where", "words"),
    [
        (["1", "1e300"], "row 1", "the label '1e300'; expected at most ±1e+30"),
        (["1000000000", "1000000000.5"], "labels", "which weights of 32 bits cannot tell apart"),
        (["1e-40", "2e-40"], "labels", "which weights of 32 bits cannot tell apart"),
    ],
)
def test_labels_that_weights_cannot_hold_are_refused(labels, where, words):
    with pytest.raises(UserError) as fault:
        numbers(np.array(labels), "row {}".format)
    assert (fault.value.where, words in fault.value.expected) == (where, True)


def test_labels_far_from_zero_are_taken():
    assert numbers(np.array(["1013.2", "1013.9"]), "row {}".format).tolist() == [1013.2, 1013.9]
