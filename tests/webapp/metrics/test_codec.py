"""Whatever is stored comes back bit for bit, and nothing else is read."""

import contextlib
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from webapp.metrics import codec
from webapp.metrics.codec import Damaged, Points

ANY_STEP = st.integers(-(2**63), 2**63 - 1)
ANY_FLOAT = st.floats(width=64)  # NaN, infinities and subnormal numbers among them


@st.composite
def any_points(draw) -> Points:
    count = draw(st.integers(1, 40))
    column = lambda kind, of: draw(arrays.arrays(kind, count, elements=of))  # noqa: E731
    n = np.unique(column(np.int64, st.integers(1, 2**62)))
    step, wall, value = (
        column(np.int64, ANY_STEP),
        column(np.float64, ANY_FLOAT),
        column(np.float64, ANY_FLOAT),
    )
    return Points(n, step[: len(n)], wall[: len(n)], value[: len(n)])


def points(count: int) -> Points:
    rng = np.random.default_rng(3)
    n = np.arange(1, count + 1)
    return Points(n, n * 10, 1.7e9 + rng.random(count).cumsum(), rng.normal(size=count))


def same(left: Points, right: Points) -> bool:
    return all(
        np.array_equal(
            getattr(left, name), getattr(right, name), equal_nan=name in ("wall", "value")
        )
        for name in ("n", "step", "wall", "value")
    )


@given(any_points())
@settings(max_examples=300, deadline=None)
def test_any_points_come_back_as_they_went_in(whole):
    assert same(codec.decode(codec.encode(whole)), whole)


def test_nan_and_both_infinities_stay_what_they_are():
    value = np.array([np.nan, np.inf, -np.inf, -0.0])
    back = codec.decode(codec.encode(Points(*(np.arange(1, 5),) * 2, np.zeros(4), value))).value
    assert np.isnan(back[0])
    assert back[1] == np.inf
    assert back[2] == -np.inf
    assert np.signbit(back[3])


def test_a_measured_curve_takes_under_twelve_bytes_a_point():
    assert len(codec.encode(points(1000))) < 18_000  # random values and clocks do not compress
    n = np.arange(1, 1001)
    even = Points(n, n, 1.7e9 + n * 0.25, np.random.default_rng(0).normal(size=1000))
    assert len(codec.encode(even)) < 12_000


@pytest.mark.parametrize("count", [0, 1001])
def test_a_chunk_of_no_or_too_many_points_is_refused(count):
    with pytest.raises(ValueError, match="1 to 1000"):
        codec.encode(points(count))


@given(st.binary(max_size=80))
def test_random_bytes_are_damaged_and_nothing_worse(data):
    with pytest.raises(Damaged):
        codec.decode(data)


@given(st.integers(0, 400), st.integers(0, 255))
@settings(deadline=None)
def test_a_changed_byte_never_yields_another_number_of_points(at, byte):
    data = bytearray(codec.encode(points(30)))
    data[at % len(data)] = byte
    with contextlib.suppress(Damaged):
        assert len(codec.decode(bytes(data))) == 30


def test_a_header_that_promises_more_than_there_is_is_refused():
    data = codec.encode(points(30))
    header = struct.pack("<BBH", 1, 0, 1000) + data[4:]
    with pytest.raises(Damaged, match="header implies"):
        codec.decode(header)


def test_a_stream_that_inflates_to_more_is_not_inflated():
    bomb = codec.encode(points(1))[:28] + zlib.compress(bytes(100_000_000), 9)
    with pytest.raises(Damaged, match="24 bytes"):
        codec.decode(bomb)


def test_an_unknown_form_is_named():
    with pytest.raises(Damaged, match="form 2"):
        codec.decode(b"\x02" + codec.encode(points(3))[1:])
