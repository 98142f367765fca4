"""Files with some bytes changed are read or refused, and nothing else happens."""

from __future__ import annotations

import json
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.data.eeg import io
from engine.data.kind import check, kind
from tests.engine.data.eeg import signals
from tests.engine.data.eeg.signals import matlab
from tests.engine.data.making import folder_of

NOTES = (b"+0\x14\x14\0+1\x14T1\x14\0", *(f"+{n}\x14\x14\0".encode() for n in (1, 2, 3)))
changes = st.lists(
    st.tuples(
        st.one_of(st.integers(0, 1300), st.integers(0, 12_000)),
        st.one_of(
            st.binary(min_size=1, max_size=4),
            st.sampled_from([b"\xff\xff\xff\xff", b"\0\0\0\0", b"9999", b"-1  ", b"nan ", b"1e99"]),
        ),
    ),
    min_size=1,
    max_size=6,
)


@cache
def whole(name: str) -> dict[str, bytes]:
    return {
        "edf": lambda: {"a.edf": signals.edf(notes=NOTES, reserved="EDF+D")},
        "gdf": lambda: {"a.gdf": signals.gdf()},
        "set": lambda: {"a.set": signals.eeglab()},
        "mat": lambda: {"a.mat": matlab(**signals.cut())},
        "vhdr": signals.brainvision,
        "csv": lambda: {"a.csv": signals.table().encode()},
    }[name]()


@pytest.mark.parametrize("name", ["edf", "gdf", "set", "mat", "vhdr", "csv"])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(at=changes, end=st.one_of(st.none(), st.integers(0, 6000)))
def test_a_changed_file_is_read_or_refused(tmp_path, name, at, end):
    files = dict(whole(name))
    first = sorted(files)[-1] if name == "vhdr" else next(iter(files))
    raw = bytearray(files[first])
    for place, bytes_ in at:
        raw[place : place + len(bytes_)] = bytes_
    folder = folder_of(tmp_path / "set", files | {first: bytes(raw[:end])})
    answer = check(kind("eeg"), folder)
    json.dumps(answer, allow_nan=False)
    assert answer["ok"] or [line for line in answer["report"] if line["level"] == "error"]
    io.sniff(folder)


def test_letters_that_cannot_be_seen_are_left_out_of_names(tmp_path):
    raw = signals.edf().replace(b"EEG Fp1 ", b"\x00\xff<b>\x07\x85 ")
    one = io.load(folder_of(tmp_path / "set", {"a.edf": raw})).recordings[0]
    assert one.channels == ("ÿ<b>", "EEG Fp2", "EEG C3")
