"""What an attacker puts into a file, and what each reader answers before harm is done."""

from __future__ import annotations

import json
import os
import pickle
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import UserError
from engine.data import arrays
from engine.data.archive import open_source
from engine.data.arrays import open_arrays
from engine.data.graph import io as graph_io
from engine.data.split import io as split_io
from tests.engine.data.making import (
    folder_of,
    npy,
    npz,
    planetoid_files,
    raw_npy,
    report_on,
    said,
    zip_of,
)


class Bomb:
    """Its pickle makes a folder when it is loaded."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


# Pickles


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_refused_by_content_and_never_run(tmp_path, protocol):
    mark = tmp_path / "ran"
    path = tmp_path / "edges.csv"  # whatever the suffix says
    path.write_bytes(pickle.dumps(Bomb(mark), protocol=protocol))
    with pytest.raises(UserError, match="a Python pickle"), open_source(path) as source:
        next(iter(source)).open().read()
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("content", [Path, Path("a"), Path("a" * 500)])
def test_a_pickle_that_begins_with_a_class_is_refused(tmp_path, protocol, content):
    path = tmp_path / "labels.csv"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    assert "a Python pickle" in said(report_on(graph_io, path), "error")


def test_a_pickle_written_by_hand_is_refused(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    assert "a Python pickle" in said(report_on(graph_io, path), "error")


def test_a_pickle_inside_a_zip_is_refused_and_never_run(tmp_path):
    mark = tmp_path / "ran"
    path = zip_of(tmp_path / "graph.zip", {"edges.csv": pickle.dumps(Bomb(mark))})
    assert said(report_on(graph_io, path), "error").startswith("edges.csv: a Python pickle")
    assert not mark.exists()


@pytest.mark.parametrize("content", [Bomb, lambda mark: {"edge_index": Bomb(mark)}])
def test_a_pytorch_file_with_code_is_refused_by_name_and_never_run(tmp_path, content):
    mark = tmp_path / "ran"
    path = tmp_path / "graph.npz"  # whatever the suffix says
    torch.save(content(mark), path)
    told = said(report_on(graph_io, path), "error")
    assert "holds posix.mkdir, which is never opened; expected tensors alone" in told
    assert not mark.exists()


def test_a_pytorch_file_of_the_form_before_1_6_is_refused_and_never_run(tmp_path):
    mark = tmp_path / "ran"
    torch.save(Bomb(mark), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    told = said(report_on(graph_io, tmp_path / "old.pt"), "error")
    assert "old.pt: a Python pickle (.pkl, .joblib, .pt of before PyTorch 1.6" in told
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("ending", ["x", "ally", "graph"])
def test_a_planetoid_file_with_code_is_refused_by_name_and_never_run(tmp_path, protocol, ending):
    mark = tmp_path / "ran"
    files = planetoid_files() | {f"ind.toy.{ending}": pickle.dumps(Bomb(mark), protocol)}
    told = said(report_on(graph_io, folder_of(tmp_path / "toy", files)), "error")
    named = "a pickle that names 'posix.mkdir', which is never opened"
    assert (named if 2 <= protocol <= 4 else "expected a pickle of protocol 2, 3 or 4") in told
    assert told.startswith(f"ind.toy.{ending}: ")
    assert not mark.exists()


def test_a_global_of_a_pickle_is_never_imported(tmp_path, monkeypatch):
    """A module that would say so if it were."""
    (tmp_path / "poison.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    for raw in (b"\x80\x02cpoison\nthing\n.", b"\x80\x04\x8c\x06poison\x8c\x05thing\x93."):
        files = planetoid_files() | {"ind.toy.graph": raw}
        told = said(report_on(graph_io, folder_of(tmp_path / "toy", files)), "error")
        assert "ind.toy.graph: a pickle that names 'poison.thing', which is never opened" in told
        assert "poison" not in sys.modules
        assert not (tmp_path / "ran").exists()


def test_an_array_of_objects_is_refused_and_never_run(tmp_path):
    mark = tmp_path / "ran"
    objects = npy(np.array([Bomb(mark)], dtype=object), pickled=True)
    path = npz(tmp_path / "a.npz", {"labels": objects})
    with pytest.raises(UserError, match="an array of Python objects"), open_arrays(path) as found:
        found["labels"]
    assert not mark.exists()


def test_a_folder_of_pickles_is_told_to_be_one(tmp_path):
    folder = folder_of(tmp_path / "models", {"model.joblib": pickle.dumps([1])})
    assert "model.joblib: a Python pickle" in said(report_on(graph_io, folder), "error")


def test_real_planetoid_files_are_refused_one_by_one(shared_data):
    for file in sorted((shared_data / "graph/cora/planetoid").glob("ind.cora.*")):
        if file.suffix == ".index":  # plain text
            continue
        assert "a Python pickle" in said(report_on(graph_io, file), "error"), file.name


# Lying arrays


def array_refusal(tmp_path: Path, content: bytes) -> str:
    path = zip_of(tmp_path / "a.npz", {"labels.npy": content})
    with pytest.raises(UserError) as caught, open_arrays(path) as found:
        found["labels"]
    return str(caught.value)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }", "8 are there"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (3037000500, 3037000500), }", "claims"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", "claims"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999,), }", "shape"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }", "unreadable"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,1), }", "up to 8"),
        ("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", "Python objects"),
        ("{'descr': '|V8', 'fortran_order': False, 'shape': (1,), }", "type '|V8'"),
        ("{'descr': '<U0', 'fortran_order': False, 'shape': (9,), }", "type '<U0'"),
        ("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", "unreadable"),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os'),), }", "unreadable"),
        ("(" * 3000, "unreadable"),
    ],
)
def test_a_header_that_lies_is_refused_before_allocation(tmp_path, header, reason):
    tracemalloc.start()
    assert reason in array_refusal(tmp_path, raw_npy(header, bytes(8)))
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_an_empty_array_of_impossible_sides_is_refused(tmp_path):
    header = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 999999999999999999, 99), }"
    assert "labels.npy: shape" in array_refusal(tmp_path, raw_npy(header))


@pytest.mark.parametrize("point", [0x110000, 0xFFFFFFFF, 0xD800, 0xDFFF])
def test_a_text_of_numbers_that_are_no_characters_is_refused(tmp_path, point):
    header = "{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }"
    body = b"".join(number.to_bytes(4, "little") for number in (97, 98, 99, point))
    assert "numbers that are no characters" in array_refusal(tmp_path, raw_npy(header, body))
    body = b"".join(number.to_bytes(4, "little") for number in (97, 98, 99, 0x10FFFF))
    with open_arrays(npz(tmp_path / "fine.npz", {"a": raw_npy(header, body)})) as found:
        assert found["a"].tolist() == ["ab", "c\U0010ffff"]


def test_headers_of_wrong_length_version_or_mark_are_refused(tmp_path):
    whole = npy(np.arange(3))
    assert "expected a numpy array" in array_refusal(tmp_path, b"not numpy at all")
    assert "expected a numpy array" in array_refusal(tmp_path, b"")
    assert "expected a numpy array" in array_refusal(tmp_path, whole[:6])
    assert "format version 9" in array_refusal(tmp_path, whole[:6] + b"\x09" + whole[7:])
    assert "header of 0 bytes" in array_refusal(tmp_path, whole[:8])
    huge = b"\x93NUMPY\x02\x00" + (1 << 31).to_bytes(4, "little")
    assert f"expected 1 to {arrays.MAX_HEADER}" in array_refusal(tmp_path, huge)
    assert "bytes, but 16 are there" in array_refusal(tmp_path, whole[:-8])
    assert "bytes, but 25 are there" in array_refusal(tmp_path, whole + b"x")


# Deep and huge JSON


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[" * 200_000, "nested too deeply"),
        ('{"idx_train": ' * 100_000, "nested too deeply"),
        ('{"idx_train": [' + "9" * 5000 + "]}", "of thousands of digits; expected numbers of"),
        ('{"idx_train": [1e999]}', "idx_val"),
        ('{"idx_train": [NaN]}', "NaN is no number; expected lists of node numbers"),
        ('{"train": [0], "train": [1]}', "is there twice"),
    ],
)
def test_hostile_json_is_refused(tmp_path, text, reason):
    path = tmp_path / "split.json"
    path.write_text(text)
    assert reason in said(report_on(split_io, path), "error")


def test_a_huge_number_in_a_list_is_told_shortly(tmp_path):
    path = tmp_path / "split.json"
    path.write_text(json.dumps({"train": [10**4000], "val": [1], "test": [2]}).replace("'", '"'))
    assert (
        said(report_on(split_io, path), "error")
        == "train[0]: a number; expected a node number from 0"
    )


def test_a_json_file_over_the_cap_is_not_read(tmp_path):
    path = tmp_path / "split.json"
    with path.open("wb") as file:
        file.truncate(split_io.MAX_JSON + 1)
    assert "expected at most" in said(report_on(split_io, path), "error")


def test_a_line_without_an_end_is_refused_within_bounds(tmp_path):
    path = zip_of(tmp_path / "line.zip", {"edges.csv": os.urandom(300_000).hex() * 20})
    tracemalloc.start()
    assert "over 4,194,304 bytes long" in said(report_on(graph_io, path), "error")
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()


NEVER = ("np.load", "weights_only=False", "allow_pickle=True", "import pickle", "extractall")


def test_the_readers_never_import_pickle_of_numpy(tmp_path):
    """No reader calls what could unpickle."""
    folder = Path(sys.modules["engine.data.archive"].__file__).parent
    for module in folder.rglob("*.py"):
        text = module.read_text()
        for word in (
            "np.load",
            "numpy.load",
            "weights_only=False",
            "allow_pickle=True",
            "import pickle",
            "extractall",
        ):
            assert word not in text.replace("`numpy.load`", ""), (module, word)
