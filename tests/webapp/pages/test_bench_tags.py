from __future__ import annotations

from datetime import timedelta

import pytest
from django.template import engines
from django.utils import timezone

from webapp.templatetags import bench


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, ""),
        (0, "0 s"),
        (0.0042, "4.2 ms"),
        (0.42, "0.42 s"),
        (12, "12 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
        (356400, "4 d 3 h"),
    ],
)
def test_durations_read_as_people_say_them(seconds, words):
    assert bench.duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, ""),
        (812, "812 B"),
        (1000, "0.98 KiB"),
        (999_999, "977 KiB"),
        (1 << 20, "1.00 MiB"),
        (4_815_814, "4.59 MiB"),
        (24 << 30, "24.0 GiB"),
        (2 << 40, "2.00 TiB"),
    ],
)
def test_sizes_have_three_digits(count, words):
    assert bench.size(count) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "–"),
        (0.83512, "0.8351"),
        (12345678, "12,345,678"),
        (-0.5, "−0.5000"),
        (1234.5, "1234"),
        (0.00001234, "1.234e−05"),
        (float("nan"), "not a number"),
        (0.0, "0"),
        ("text", "text"),
    ],
)
def test_numbers_keep_four_significant_digits(value, words):
    assert bench.number(value) == words


def test_an_age_says_its_moment_too():
    moment = timezone.now() - timedelta(minutes=3)
    assert ">3 min ago</time>" in bench.ago(moment)
    assert moment.isoformat() in bench.ago(moment)


def test_a_state_is_icon_word_and_class():
    html = engines["django"].from_string('{% state "lost" %}').render()
    assert "state-lost" in html
    assert "sprite.svg#lost" in html
    assert html.endswith(" lost</span>")


def test_a_curve_spans_its_box():
    html = bench.spark([1.0, None, 3.0, 2.0], 4)
    assert 'points="0.0,30.0 50.0,0.0 100.0,15.0"' in html
    assert "slot-4" in html


def test_one_point_is_no_curve():
    assert bench.spark([1.0]) == ""
