"""What all baselines promise alike."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.cbramod.baselines import BASELINES, NETWORKS, PLAIN, Labelled, fit, train
from tests.methods.cbramod.baselines.sets import alphas, noise, stream


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(train, "EPOCHS", 2)
    monkeypatch.setattr(train, "ALONE", 2)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize(("channels", "times", "classes"), [(1, 201, 2), (3, 200, 2), (6, 399, 4)])
def test_probabilities_are_distributions_whatever_the_window(name, channels, times, classes):
    some = noise(24, channels, times, classes=classes)
    trained = fit(name, some, some, generator=stream())
    found = trained.answers(some.x[:5])
    assert found.shape == (5, classes)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert (found >= 0).all()


@pytest.mark.parametrize("name", BASELINES)
def test_a_class_that_training_never_saw_keeps_its_column(name):
    some = noise(24, 3, 200)
    more = Labelled(some.x, some.y * 2, some.sfreq, 3)  # classes 0 and 2 of three
    found = fit(name, more, None, generator=stream()).answers(some.x[:4])
    assert found.shape == (4, 3)
    if name in PLAIN:
        assert (found[:, 1] == 0).all()


@pytest.mark.parametrize("name", [*PLAIN[1:], *NETWORKS])
def test_one_class_only_cannot_be_learnt(name):
    some = noise(8, 3, 200)
    alone = Labelled(some.x, np.zeros(8, int), some.sfreq, 2)
    with pytest.raises(UserError, match="split: the training windows have one class only"):
        fit(name, alone, None, generator=stream())


@pytest.mark.parametrize("name", BASELINES)
def test_a_channel_without_signal_does_no_harm(name):
    some = alphas(0, 40, times=200)
    some.x[:, 3] = 0
    found = fit(name, some, some, generator=stream()).answers(some.x)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", BASELINES)
def test_windows_are_answered_one_by_one_as_together(name):
    some = alphas(0, 24, times=200)
    trained = fit(name, some, some, generator=stream())
    whole = trained.answers(some.x)
    one = trained.answers(some.x[7:8])
    np.testing.assert_allclose(one[0], whole[7], atol=1e-5)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", BASELINES)
def test_the_windows_given_are_only_read(name):
    some = alphas(0, 24, times=200)
    some.x.flags.writeable = some.y.flags.writeable = False  # as of a file that is mapped
    fit(name, some, some, generator=stream()).answers(some.x)
