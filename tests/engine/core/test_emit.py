"""The writer of events agrees with the reader, and survives its reader."""

from __future__ import annotations

import math
import os
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core import emit, events
from engine.core.emit import Emitter

floats = st.floats(allow_nan=True, allow_infinity=True)
keys = st.from_regex(emit.KEY, fullmatch=True).filter(lambda key: len(key) <= emit.MAX_KEY)


@given(step=st.integers(0, events.STEPS - 1), numbers=st.dictionaries(keys, floats, max_size=5))
def test_metrics_built_as_text_read_as_the_union_would_have_written_them(step, numbers):
    reader, writer = os.pipe()
    Emitter(None, writer).metrics(step, numbers)
    line = os.read(reader, 1 << 20)
    os.close(reader)
    os.close(writer)
    said = events.read(line)
    meant = events.Metrics(
        n=1, w=said.w, s=step, d={key: events.number(value) for key, value in numbers.items()}
    )
    assert said == meant == events.read(events.write(meant))


@pytest.mark.parametrize(
    ("t", "fields"),
    [
        ("phase", {"name": "train", "total": None}),
        ("log", {"level": "info", "text": 'a "quoted" line\nand \u2028 another \ud800 half'}),
        ("p", {"done": 1, "total": 2, "eta": 0.5}),
        ("use", {"cpu_s": 0.1, "rss": 5, "gpu_mem": None}),
        ("fail", {"kind": "error", "message": "x" * 1000}),
    ],
)
def test_other_events_are_read_too(tmp_path, t, fields):
    emitter = Emitter(tmp_path / "events.jsonl")
    emitter.say(t, **fields)
    (line,) = (tmp_path / "events.jsonl").read_bytes().splitlines()
    said = events.read(line)
    assert (said.t, said.n) == (t, 1)


def test_the_file_and_the_descriptor_hold_the_same_lines(tmp_path):
    reader, writer = os.pipe()
    emitter = Emitter(tmp_path / "events.jsonl", writer)
    for step in range(50):
        emitter.metrics(step, {"loss": 1 / (step + 1)})
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == (tmp_path / "events.jsonl").read_bytes()


def test_lines_larger_than_the_pipe_arrive_whole():
    reader, writer = os.pipe()
    emitter = Emitter(None, writer)
    texts = [str(number) * 60_000 for number in range(8)]
    thread = threading.Thread(target=lambda: [emitter.log(text) for text in texts])
    thread.start()
    got = b""
    while got.count(b"\n") < len(texts):
        got += os.read(reader, 65536)
    thread.join()
    os.close(reader)
    os.close(writer)
    assert [events.read(line).text for line in got.splitlines()] == texts


def test_threads_share_one_count(tmp_path):
    emitter = Emitter(tmp_path / "events.jsonl")

    def speak() -> None:
        for step in range(200):
            emitter.metrics(step, {"loss": 0.0})

    threads = [threading.Thread(target=speak) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    lines = (tmp_path / "events.jsonl").read_bytes().splitlines()
    assert [events.read(line).n for line in lines] == list(range(1, 801))


def test_a_reader_that_is_gone_is_told_once_and_the_file_goes_on(tmp_path):
    reader, writer = os.pipe()
    gone = []
    emitter = Emitter(tmp_path / "events.jsonl", writer, on_gone=lambda: gone.append(1))
    os.close(reader)
    emitter.log("one")
    emitter.log("two")
    os.close(writer)
    assert gone == [1]
    assert emit.last_number(tmp_path / "events.jsonl") == 2


def test_an_event_beyond_a_mebibyte_is_refused_and_takes_no_number(tmp_path):
    emitter = Emitter(tmp_path / "events.jsonl")
    with pytest.raises(ValueError, match="write a file"):
        emitter.say("answer", id="1", ok=True, answer="x" * events.MAX_LINE, seconds=0.0)
    assert emitter.log("next") == 1


def test_a_long_log_text_is_cut(tmp_path):
    emitter = Emitter(tmp_path / "events.jsonl")
    emitter.log("x" * 500_000)
    said = events.read((tmp_path / "events.jsonl").read_bytes())
    assert said.text.endswith("(500000 characters)")
    assert len(said.text) < emit.MAX_TEXT + 50


@pytest.mark.parametrize(
    "torn", [b'{"n":4,"w":1.0,"t":"m","s":1,"d":{"a', b'{"n":4}', b"\x00\x00\x00", b'{"n":2}\n']
)
def test_a_torn_end_is_cut_off(tmp_path, torn):
    path = tmp_path / "events.jsonl"
    emitter = Emitter(path)
    for step in range(3):
        emitter.metrics(step, {"loss": math.nan})
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(torn)
    assert emit.last_number(path) == 3
    emit.truncate(path, n=3)
    assert path.read_bytes() == whole
    emit.truncate(path, n=1)
    assert path.read_bytes() == whole.splitlines(keepends=True)[0]
