"""Supervision is read strictly, and its limits are the system's own."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest
from safetensors import SafetensorError

from engine.core.errors import UserError
from engine.core.limits import VARIABLE, CpuLimit, Limits, Supervision
from tests.engine.core.doors import ROOT, Supervised, environment


def test_without_the_variable_nobody_supervises():
    assert Supervision.take({}) == Supervision()
    assert not Supervision().present


def test_the_variable_is_read_once_and_hidden_from_children():
    reader, writer = os.pipe()
    asked = {"events": writer, "limits": {"memory": 5, "cpu": None}, "resume_at": 7}
    environ = {VARIABLE: json.dumps(asked)}
    found = Supervision.take(environ)
    assert (found.events, found.limits.memory, found.resume_at) == (writer, 5, 7)
    assert environ == {}
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"events":"x"}', '{"events":1,"limits":{"memry":1}}', '{"events":987654}'],
)
def test_a_variable_that_cannot_be_read_is_refused(text):
    with pytest.raises(UserError, match=VARIABLE):
        Supervision.take({VARIABLE: text})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CpuLimit(), "limit of 7 s of CPU time"),
        (OSError(errno.EFBIG, "File too large"), "limit of 30 B"),
        (SafetensorError("I/O error: File too large (os error 27)"), "limit of 30 B"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/jobs/7"),
            "the disk is full: [Errno 28]",
        ),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "the disk is full"),
        (OSError(errno.EMFILE, "Too many open files"), "more than 9 files"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "limit of 20 B"),
        (MemoryError(), "limit of 20 B"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "20 B"),
        (RuntimeError("CUDA out of memory. Tried to allocate"), "the GPU ran out of memory"),
    ],
)
def test_an_error_that_a_limit_caused_is_explained(error, said):
    limits = Limits(memory=20, cpu=7, file=30, open_files=9)
    assert said in limits.explain(error)


def test_another_error_is_not_blamed_on_a_limit():
    assert Limits(memory=20).explain(ValueError("out of memory of this")) is None


def test_the_limits_are_in_force_before_anything_heavy_is_loaded(tmp_path):
    code = (
        "import resource, sys; from engine.core.limits import Limits; "
        "Limits(memory=10**9, cpu=50, file=10**6, open_files=64).apply(); "
        "print([resource.getrlimit(getattr(resource, 'RLIMIT_' + name))[0] for name in "
        "('DATA', 'CPU', 'FSIZE', 'NOFILE', 'CORE')], 'pydantic' in sys.modules)"
    )
    child = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert child.stdout.strip() == "[1000000000, 50, 1000000, 64, 0] False"


def test_cpu_time_beyond_the_limit_ends_the_job_with_a_line(tmp_path):
    busy = ["--set", "steps=10000000"]
    with Supervised("run", "fake", "--out", tmp_path, *busy, cpu=2) as job:
        code, rest, _ = job.end()
    assert code == 1
    assert rest[-1]["message"] == "the job used up its limit of 2 s of CPU time"


def test_a_file_beyond_the_limit_ends_the_job(tmp_path):
    chatty = ["--set", "steps=10000000"]
    with Supervised("run", "fake", "--out", tmp_path, *chatty, file=100_000) as job:
        code, rest, stderr = job.end()
    assert code == 1
    assert rest[-1]["message"] == "a file grew past the limit of 97.7 KiB"
    assert stderr.splitlines()[-1] == rest[-1]["message"]
