"""Spectra of what is known."""

from __future__ import annotations

import numpy as np
import pytest

from engine.methods.cbramod import spectra


@pytest.mark.parametrize(("rate", "amplitude"), [(2, 5.0), (10, 20.0), (37, 1.0)])
def test_a_sine_has_its_peak_and_its_power(rate, amplitude):
    times = np.arange(1000) / 200
    x = amplitude * np.sin(2 * np.pi * rate * times + 0.3)[None]
    hz, power = spectra.density(x, 200)
    assert hz[power[0].argmax()] == rate
    assert power[0].sum() * (hz[1] - hz[0]) == pytest.approx(amplitude**2 / 2, rel=1e-6)
    bands = spectra.band_powers(hz, power)[0]
    (band,) = [k for k, (low, high) in enumerate(spectra.BANDS.values()) if low <= rate < high]
    assert bands.argmax() == band


def test_white_noise_has_its_variance():
    x = np.random.default_rng(0).normal(scale=3, size=(50, 2, 2000))
    hz, power = spectra.density(x, 200)
    assert power.mean(axis=(0, 1)).sum() * hz[1] == pytest.approx(9, rel=0.02)


def test_bands_share_no_frequency_and_cover_1_to_45_hz():
    hz = np.arange(101.0)
    inside = spectra.inside(hz)
    assert inside.sum(axis=0).max() == 1
    assert np.flatnonzero(inside.any(axis=0)).tolist() == list(range(1, 45))


def test_the_mean_of_groups_is_the_mean_of_their_windows():
    x = np.random.default_rng(0).normal(size=(2 * spectra.BATCH + 3, 2, 200)).astype(np.float32)
    group = np.arange(len(x)) % 3
    hz, found = spectra.mean_density(x, 200, group, 3)
    for number in range(3):
        _, power = spectra.density(x[group == number], 200)
        np.testing.assert_allclose(found[number], power.mean(axis=0), rtol=1e-5)
    assert hz.tolist() == list(range(101))


def test_silence_has_a_decibel_too():
    hz, power = spectra.density(np.zeros((1, 400)), 200)
    assert np.isfinite(spectra.decibel(power)).all()
    assert spectra.band_powers(hz, power).tolist() == [[0.0] * 5]
