"""Control messages as bytes on a descriptor."""

from __future__ import annotations

import os

import pytest

from engine.core.control import MAX_MESSAGE, Control, lines


def written(*blocks: bytes) -> int:
    reader, writer = os.pipe()
    for block in blocks:
        os.write(writer, block)
    os.close(writer)
    return reader


def test_lines_are_whole_however_they_arrive():
    assert list(lines(written(b'{"c":"ca', b'ncel"}\n{"c"', b':"stop"}\n\n'))) == [
        b'{"c":"cancel"}',
        b'{"c":"stop"}',
    ]


def test_half_a_line_at_the_end_is_not_a_message():
    assert list(lines(written(b'one\n{"c":"cancel"'))) == [b"one"]


def test_too_long_a_line_is_passed_over(tmp_path):
    path = tmp_path / "control"
    path.write_bytes(b"x" * (MAX_MESSAGE + 100_000) + b'\n{"c":"stop"}\n')
    descriptor = os.open(path, os.O_RDONLY)
    assert list(lines(descriptor)) == [b'{"c":"stop"}']
    os.close(descriptor)


@pytest.mark.parametrize(
    "line",
    [
        b"x",
        b"[]",
        b"3",
        b'{"c":"pause"}',
        b'{"c":"set"}',
        b'{"c":"set","values":[1]}',
        b'{"c":"ask","id":"1"}',
        b'{"c":{}}',
        b"\xff\xfe",
        b"[" * 20_000,
    ],
)
def test_a_message_that_makes_no_sense_changes_nothing(line):
    control = Control()
    assert control._note(line)
    assert (control.ending, control.checkpoint_wanted, list(control.requests)) == (None, False, [])
