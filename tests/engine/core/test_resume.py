"""From which checkpoint a job goes on, whatever state its directory was left in."""

from __future__ import annotations

import pytest

from engine.core import checkpoint, emit, resume
from engine.core.emit import Emitter


@pytest.fixture
def folder(tmp_path):
    """Ten events, checkpoints at 3, 6 and 9."""
    emitter = Emitter(tmp_path / "events.jsonl")
    for n in range(1, 11):
        if n % 3 == 0:
            path = f"checkpoints/{n}.safetensors"
            checkpoint.save(tmp_path / path, {"n": n})
            emitter.say("ckpt", path=path, step=n, best=False)
        else:
            emitter.metrics(n, {"loss": 1.0})
    emitter.close()
    (tmp_path / "result.json").write_text("{}")
    return tmp_path


def test_the_newest_checkpoint_is_taken_and_the_rest_forgotten(folder):
    point = resume.rewind(folder)
    assert (point.n, point.stored) == (9, {"n": 9})
    assert emit.last_number(folder / "events.jsonl") == 9
    assert not (folder / "result.json").exists()


def test_one_that_cannot_be_read_is_passed_over_and_removed(folder):
    path = folder / "checkpoints/9.safetensors"
    path.write_bytes(path.read_bytes()[:20])
    point = resume.rewind(folder)
    assert point.n == 6
    assert "9.safetensors" in point.unreadable[0]
    assert not path.exists()
    assert emit.last_number(folder / "events.jsonl") == 6


def test_one_whose_event_was_never_written_is_passed_over(folder):
    checkpoint.save(folder / "checkpoints/11.safetensors", {"n": 11})
    assert resume.rewind(folder).n == 9


def test_a_supervisor_may_know_less(folder):
    assert resume.rewind(folder, resume_at=7).n == 6
    assert list(checkpoint.numbered(folder / "checkpoints")) == [3, 6]


def test_a_directory_rebuilt_from_its_checkpoints_alone_goes_on(folder):
    (folder / "events.jsonl").unlink()
    assert resume.rewind(folder).n == 9


def test_without_a_checkpoint_the_job_starts_anew(folder):
    assert resume.rewind(folder, resume_at=2) == resume.Point()
    assert (folder / "events.jsonl").read_bytes() == b""


def test_an_empty_directory_starts_anew(tmp_path):
    assert resume.rewind(tmp_path) == resume.Point()
