"""Majority, band power and CSP: by closed form, and on what they were made for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.methods.cbramod import metrics
from engine.methods.cbramod.baselines import band_power, csp, majority
from engine.methods.cbramod.baselines.labelled import Labelled
from tests.methods.cbramod.baselines.sets import RATE, alphas, noise
from tests.methods.cbramod.recordings import imagery, mental_arithmetic


def test_the_majority_answers_with_the_shares_of_training():
    some = noise(6, 2, 200)
    uneven = Labelled(some.x, np.array([0, 0, 0, 1, 0, 1]), RATE, 3)
    found = majority.fit(uneven, None).answers(some.x[:2])
    np.testing.assert_allclose(found, [[4 / 6, 2 / 6, 0]] * 2)


def test_band_powers_of_a_sine_are_in_its_band_and_its_channel():
    """A sine of amplitude A has A² / 2 µV² in all: over the 5 Hz of the alpha band, A² / 10."""
    seconds = np.arange(1000) / RATE
    x = np.zeros((1, 2, 1000), np.float32)
    x[0, 1] = 20 * np.sin(2 * np.pi * 10 * seconds)
    found = band_power.log_powers(x, sfreq=RATE).reshape(2, 5)
    assert found[0] == pytest.approx(np.log(band_power.LEAST))  # flat, and still a number
    assert found[1].argmax() == 2
    assert np.exp(found[1, 2]) == pytest.approx(20**2 / 10, rel=1e-3)


def test_a_tenfold_amplitude_adds_ln_100_to_every_band():
    x = noise(3, 2, 400).x
    small, large = (band_power.log_powers(x * scale, sfreq=RATE) for scale in (1, 10))
    np.testing.assert_allclose(large - small, np.log(100), atol=1e-4)


def test_many_windows_are_taken_in_batches(monkeypatch):
    x = noise(7, 2, 400).x
    whole = band_power.log_powers(x, sfreq=RATE)
    monkeypatch.setattr(band_power, "BATCH", 3)
    np.testing.assert_array_equal(band_power.log_powers(x, sfreq=RATE), whole)
    assert band_power.log_powers(x[:0], sfreq=RATE).shape == (0, 10)


def test_validation_chooses_the_strength_and_without_it_the_briefs_is_taken():
    train, val = alphas(0), alphas(1)
    chosen = band_power.fit(train, val)
    tried = [band_power.fit(train, None, strengths=(c,)) for c in band_power.GRID]
    best = max(tried, key=lambda one: val.goal.verdict(val.y, one.answers(val.x)))
    assert chosen.settings == best.settings
    assert band_power.fit(train, None).settings == {"C": 0.05}


def test_validation_prefers_more_right_and_of_equals_the_surer():
    part = Labelled(np.zeros((3, 1, 1), np.float32), np.array([0, 0, 1]), RATE, 2)
    unsure = np.array([[0.6, 0.4], [0.6, 0.4], [0.4, 0.6]])
    sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9]])
    wrong = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]])
    assert (
        part.goal.verdict(part.y, sure)
        > part.goal.verdict(part.y, unsure)
        > part.goal.verdict(part.y, wrong)
    )
    assert part.goal.verdict(part.y, wrong)[0] == 0.5


@pytest.mark.parametrize("name", [band_power, csp])
def test_an_alpha_rhythm_is_found(name):
    train, test = alphas(0), alphas(1)
    found = metrics.binary(test.y, name.fit(train, None).answers(test.x))
    assert found["balanced_accuracy"] > 0.95


def test_csp_sees_its_band_and_its_span_only():
    """A rhythm of 10 Hz is nothing to a filter of 16-24 Hz, nor what lies outside of the span."""
    x = alphas(0).x
    low, high = (
        csp.filtered(x, sfreq=RATE, band=band, span=(0.5, 1.5)) for band in ((8, 12), (16, 24))
    )
    assert low.shape == high.shape == (160, 4, 200)
    assert low[:, 0].std() > 3 * high[:, 0].std()


def test_csp_leaves_half_a_second_at_either_end_or_a_quarter_of_a_short_window():
    assert csp.fit(noise(24, 3, 1000), None).settings["span"] == (0.5, 4.5)
    assert csp.fit(noise(24, 3, 200), None).settings["span"] == (0.25, 0.75)


def test_csp_answers_uneven_classes_alike():
    """Of three to one: with the shares as priors, whatever is unclear would be the first class."""
    some = noise(200, 3, 200)
    uneven = Labelled(some.x, (np.arange(200) % 4 == 0).astype(int), RATE, 2)
    answers = metrics.answered(csp.fit(uneven, None).answers(some.x))
    assert 0.3 < answers.mean() < 0.7


def test_after_an_average_reference_rounding_does_not_choose_csps_patterns():
    """It takes a rank away. Not shrunk, these probabilities differ by up to 0.99."""
    given, asked = (windows - windows.mean(axis=1, keepdims=True) for windows in many_channels())
    labels = np.arange(len(given)) % 2
    found = [
        csp.fit(Labelled(given * unit, labels, RATE, 2), None).answers(asked * unit)
        for unit in (np.float32(1), np.float32(1.1))
    ]
    np.testing.assert_allclose(found[0], found[1], atol=1e-4)


def many_channels() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    return tuple(rng.normal(scale=10, size=(n, 32, 400)).astype(np.float32) for n in (16, 40))


@pytest.fixture(scope="module")
def eeg(shared_data: Path) -> Path:
    return shared_data / "eeg"


@pytest.mark.realdata
def test_band_power_on_the_official_split_of_mental_arithmetic(eeg):
    """Bar 11 of the brief."""
    x, y, subjects = mental_arithmetic(eeg)
    assert x.shape == (1515, 20, 1000)
    assert np.bincount(y).tolist() == [1131, 384]
    of = subjects < 28
    trained = band_power.fit(Labelled(x[of], y[of], RATE, 2), None)
    assert metrics.binary(y[~of], trained.answers(x[~of])) == {
        "balanced_accuracy": pytest.approx(0.8854, abs=0.005),
        "auroc": pytest.approx(0.9908, abs=0.005),
        "auc_pr": pytest.approx(0.9822, abs=0.005),
    }


@pytest.mark.realdata
@pytest.mark.parametrize(("runs", "expected"), [((4, 8), 0.638), ((6, 10), 0.969)])
def test_csp_on_the_imagery_of_subject_1(eeg, runs, expected):
    """Bar 10 of the brief: left or right fist, and fists or feet, each run in turn tests."""
    one, other = (imagery(eeg, run) for run in runs)
    found = [
        metrics.binary(test.y, csp.fit(train, None, span=(0.5, 3.5)).answers(test.x))
        for train, test in ((one, other), (other, one))
    ]
    mean = np.mean([each["balanced_accuracy"] for each in found])
    assert mean == pytest.approx(expected, abs=0.005)  # the bar itself is 0.07
