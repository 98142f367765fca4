"""Uploads are read by a limited child: what it says, and what it cannot say any more."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp

from webapp.artifacts.storage import keep
from webapp.datasets.models import Dataset, Version
from workers import check as checks


@pytest.fixture
def checked(team, home) -> Callable:
    """A version of these bytes, after its check."""

    def make(kind: str, name: str, content: bytes) -> Version:
        dataset = Dataset.objects.create(team=team, name=name, kind=kind)
        blob = keep(io.BytesIO(content))
        version = Version.objects.create(dataset=dataset, number=1, blob=blob, file_name=name)
        assert checks.check(version.pk)
        version.refresh_from_db()
        return version

    return make


def graph() -> bytes:
    """Four nodes in a ring, in the form of DeepRobust."""
    adjacency = sp.csr_matrix(np.roll(np.eye(4), 1, 1) + np.roll(np.eye(4), -1, 1))
    features = sp.csr_matrix(np.eye(4))
    file = io.BytesIO()
    np.savez(
        file,
        **{f"adj_{name}": getattr(adjacency, name) for name in ("data", "indices", "indptr")},
        adj_shape=adjacency.shape,
        **{f"attr_{name}": getattr(features, name) for name in ("data", "indices", "indptr")},
        attr_shape=features.shape,
        labels=np.array([0, 1, 0, 1]),
    )
    return file.getvalue()


def refusal(version: Version) -> str:
    assert version.state == Version.State.REJECTED
    return " ".join(line["text"] for line in version.report if line["level"] == "error")


def test_a_good_upload_is_ready_with_its_facts(checked: Callable) -> None:
    version = checked("graph", "ring.npz", graph())
    assert version.state == Version.State.READY, version.report
    assert version.facts["nodes"] == 4
    assert version.checked is not None
    assert version.preview


def test_a_broken_one_is_rejected_with_its_place(checked: Callable) -> None:
    version = checked("split", "split.json", json.dumps({"train": [0], "test": ["x"]}).encode())
    assert refusal(version)


def test_a_file_of_another_kind_is_rejected(checked: Callable) -> None:
    assert refusal(checked("graph", "notes.npz", b"these are words"))


def test_a_check_that_takes_too_long_names_the_limit(checked: Callable, settings) -> None:
    settings.CHECK_LIMITS = {**settings.CHECK_LIMITS, "seconds": 0.05}
    assert "longer than 0.05 s" in refusal(checked("graph", "ring.npz", graph()))


def test_a_check_that_needs_too_much_memory_names_the_limit(checked: Callable, settings) -> None:
    settings.CHECK_LIMITS = {**settings.CHECK_LIMITS, "memory": 200 << 20, "seconds": 60}
    count = 10_000_000  # edges of random weights: 80 MB that no reader can do without
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    np.savez(
        file,
        adj_data=rng.random(count, np.float32),
        adj_indices=rng.integers(0, 1000, count, np.int32),
        adj_indptr=np.linspace(0, count, 1001).astype(np.int32),
        adj_shape=(1000, 1000),
    )
    assert "more memory" in refusal(checked("graph", "huge.npz", file.getvalue()))


def test_a_checked_version_is_not_checked_again(checked: Callable) -> None:
    version = checked("graph", "ring.npz", graph())
    Version.objects.filter(pk=version.pk).update(facts={"nodes": -1})
    assert checks.check(version.pk)
    version.refresh_from_db()
    assert version.facts == {"nodes": -1}


def test_only_so_many_children_at_once(checked: Callable, monkeypatch) -> None:
    version = checked("graph", "ring.npz", graph())
    Version.objects.filter(pk=version.pk).update(state=Version.State.CHECKING)
    for _ in range(checks.AT_ONCE):
        checks._free.acquire()
    try:
        assert not checks.check(version.pk)
    finally:
        for _ in range(checks.AT_ONCE):
            checks._free.release()


@pytest.mark.parametrize(
    ("code", "output", "expected"),
    [
        (-9, "", "ended by signal 9"),
        (2, "path: no file is there\n", "no file is there"),
        (0, "[1, 2]\n", "could not read it"),
        (1, "MemoryError\n", "MiB of memory"),
    ],
)
def test_a_child_without_an_answer_is_a_refusal(code: int, output: str, expected: str) -> None:
    answer = checks.understand(code, output)
    assert not answer["ok"]
    assert expected in answer["report"][0]["text"]


def test_warnings_of_libraries_before_the_answer_do_no_harm() -> None:
    answer = {"kind": "graph", "ok": True, "facts": {}, "report": [], "preview": None}
    assert checks.understand(0, "a warning\n" + json.dumps(answer) + "\n") == answer


def test_a_stopping_worker_leaves_the_upload_to_the_next(
    checked: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = checked("graph", "ring.npz", graph())
    Version.objects.filter(pk=version.pk).update(state=Version.State.CHECKING)
    monkeypatch.setattr(checks, "_interrupted", [])
    checks.stop()
    try:
        assert checks.check(version.pk)
    finally:
        checks._stopping.clear()
    version.refresh_from_db()
    assert version.state == Version.State.CHECKING
    assert checks.interrupted() == [version.pk]
