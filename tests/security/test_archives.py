"""What an attacker puts into an upload, and what each reader answers before harm is done."""

from __future__ import annotations

import json
import os
import pickle
import struct
import sys
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core.errors import UserError
from engine.data import archive, arrays
from engine.data.archive import Limits, check_name, open_source
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

SMALL = Limits(members=4, unpacked=4 << 20, ratio=200)


def refusal(path: Path, limits: Limits = archive.LIMITS) -> str:
    """The message with which a source is refused, on opening or on reading."""
    with pytest.raises(UserError) as caught:
        read_all(path, limits)
    return str(caught.value)


def read_all(path: Path, limits: Limits) -> None:
    with open_source(path, limits) as source:
        for member in source:
            with member.open() as stream:
                while stream.read(1 << 16):
                    pass


class Bomb:
    """Its pickle makes a folder when it is loaded."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


# Bombs


def test_a_bomb_by_ratio_is_refused_before_it_is_inflated(tmp_path):
    path = zip_of(tmp_path / "bomb.zip", {"zeros.txt": b"0" * (50 << 20)})
    assert path.stat().st_size < 60_000
    tracemalloc.start()
    assert "a zip bomb" in refusal(path)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


def test_an_npz_bomb_is_refused(tmp_path):
    path = npz(tmp_path / "bomb.npz", {"adj_data": np.zeros(4 << 20), "adj_indptr": np.zeros(1)})
    assert "a zip bomb" in said(report_on(graph_io, path), "error")


def test_a_bomb_of_many_members_is_refused_by_its_total(tmp_path):
    block = os.urandom(1 << 20)
    path = zip_of(tmp_path / "many.zip", {f"{at}.bin": block + bytes([at]) for at in range(4)})
    assert "unpacks to over 4,194,304 bytes" in refusal(path, SMALL)


def test_the_repetitive_arrays_of_an_honest_sparse_matrix_are_no_bomb(tmp_path):
    count = 200_000
    rng = np.random.default_rng(0)
    path = npz(
        tmp_path / "ones.npz",
        {"data": np.ones(count, np.float32), "indices": rng.integers(0, 9999, count)},
    )
    with open_arrays(path) as found:
        assert found["data"].sum() == count


def _patched(path: Path, *, size: int) -> Path:
    """The archive with another unpacked size declared, in both of the places for it."""
    raw = bytearray(path.read_bytes())
    struct.pack_into("<L", raw, 22, size)  # local header
    struct.pack_into("<L", raw, raw.rfind(b"PK\x01\x02") + 24, size)  # directory
    path.write_bytes(raw)
    return path


def test_a_member_that_inflates_to_more_than_declared_is_refused(tmp_path):
    path = zip_of(tmp_path / "liar.zip", {"edges.csv": b"0,1\n" * 100_000})
    message = refusal(_patched(path, size=100))
    assert message.startswith("edges.csv: truncated or damaged")


def test_a_member_that_inflates_to_less_than_declared_is_refused(tmp_path):
    path = zip_of(tmp_path / "liar.zip", {"edges.csv": b"0,1\n" * 1000})
    assert "4,000 bytes came out where 5,000 were declared" in refusal(_patched(path, size=5000))


def test_overlapping_members_that_share_bytes_are_refused(tmp_path):
    """26 names for one member of 1 MB: the total is what counts."""
    path = zip_of(tmp_path / "overlap.zip", {"a": b"0" * (1 << 20)})
    raw = path.read_bytes()
    start = raw.rfind(b"PK\x01\x02")
    entry = raw[start : raw.rfind(b"PK\x05\x06")]
    entries = b"".join(entry[:-1] + bytes([letter]) for letter in range(97, 123))
    count = len(entries) // len(entry)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(entries), start, 0)
    path.write_bytes(raw[:start] + entries + end)
    assert "a zip bomb" in refusal(path)


def test_nested_archives_are_refused(tmp_path):
    inner = zip_of(tmp_path / "inner.zip", {"edges.csv": "0,1\n"}).read_bytes()
    outer = zip_of(tmp_path / "outer.zip", {"inner.dat": inner})
    assert refusal(outer).startswith("inner.dat: a zip inside an archive or folder")


@pytest.mark.parametrize(
    ("head", "title"),
    [
        (b"\x1f\x8b\x08\x00rest", "gzip"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00\x00", "xz"),
        (b"7z\xbc\xaf\x27\x1c", "7z"),
        (b"Rar!\x1a\x07\x01", "rar"),
        (b"\x28\xb5\x2f\xfd\x00", "zstd"),
        (b"a.txt".ljust(257, b"\0") + b"ustar\x0000", "tar"),
    ],
)
def test_packed_files_of_other_kinds_are_refused_alone_and_inside(tmp_path, head, title):
    alone = tmp_path / "edges.csv"
    alone.write_bytes(head)
    assert title in refusal(alone)
    assert title in refusal(zip_of(tmp_path / "outer.zip", {"edges.csv": head}))
    assert title in refusal(folder_of(tmp_path / "folder", {"edges.csv": head}))


def test_more_members_than_allowed_are_refused(tmp_path):
    path = zip_of(tmp_path / "five.zip", {f"{at}.csv": "0,1\n" for at in range(5)})
    assert "over 4 members" in refusal(path, SMALL)
    folder = folder_of(tmp_path / "five", {f"{at}.csv": "0,1\n" for at in range(5)})
    assert "over 4 members" in refusal(folder, SMALL)


def test_a_directory_of_very_many_members_is_refused_before_it_is_parsed(tmp_path):
    path = zip_of(tmp_path / "many.zip", {"a": ""})
    raw = path.read_bytes()
    start, end = raw.rfind(b"PK\x01\x02"), raw.rfind(b"PK\x05\x06")
    count = 2 * archive.MAX_MEMBERS + 1
    path.write_bytes(raw[:start] + raw[start:end] * count + raw[end:])
    tracemalloc.start()
    assert "over 10,000 members" in refusal(path)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20  # objects of all would be 12 MB
    tracemalloc.stop()


# Names


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../edges.csv", "leaves its folder"),
        ("a/../../edges.csv", "leaves its folder"),
        ("./edges.csv", "leaves its folder"),
        ("a//edges.csv", "empty name"),
        ("", "empty name"),
        ("/etc/passwd", "absolute"),
        ("C:edges.csv", "absolute"),
        ("a\\edges.csv", "backslashed"),
        ("\\\\host\\share", "backslashed"),
        ("CON", "name of a device"),
        ("data/nul.csv", "name of a device"),
        ("com1.txt", "name of a device"),
        ("LPT¹", "name of a device"),
        ("aux .csv", "name of a device"),
        ("a\0.csv", "control or invisible"),
        ("a\n.csv", "control or invisible"),
        ("a\x1b[2J.csv", "control or invisible"),
        ("a\u202evsc.exe", "control or invisible"),
        ("a\u200b.csv", "control or invisible"),
        ("\ufeffedges.csv", "control or invisible"),
        ("a\u2044b.csv", "passes for a slash"),
        ("\u2025\uff0fedges.csv", "passes for a slash"),
        ("\uff0e\uff0e/edges.csv", "passes for a slash"),
        ("a\uff3cb.csv", "passes for a slash"),
        ("a\u2215b", "passes for a slash"),
        ("x" * 256, "over 255 bytes"),
        ("é" * 128, "over 255 bytes"),
    ],
)
def test_a_dangerous_name_is_refused(name, reason):
    with pytest.raises(UserError, match=reason) as caught:
        check_name(name, "upload.zip")
    assert str(caught.value).isprintable(), "the message itself must be safe to show"


@pytest.mark.parametrize(
    "name", ["edges.csv", "graph (1)/kanten ä.csv", "数据（一）.csv", "a.b/.c", "console"]
)
def test_an_ordinary_name_passes(name):
    assert check_name(name, "upload.zip") == name


def test_a_name_is_brought_into_one_form():
    assert check_name("e\u0301dges.csv", "upload.zip") == "\xe9dges.csv"


@pytest.mark.parametrize("name", ["../../evil.csv", "/abs.csv", "ok/../../evil.csv"])
def test_zip_slip_is_refused_and_nothing_is_written(tmp_path, name):
    (tmp_path / "inside").mkdir()
    path = zip_of(tmp_path / "inside" / "slip.zip", {name: "0,1\n"})
    before = sorted(tmp_path.rglob("*"))
    assert "member" in refusal(path)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_nul_hidden_in_a_zip_name_is_seen(tmp_path):
    path = zip_of(tmp_path / "nul.zip", {"edges.csv_": "0,1\n"})
    path.write_bytes(path.read_bytes().replace(b"edges.csv_", b"edges.csv\0"))
    assert "control or invisible" in refusal(path)


def test_the_same_name_twice_is_refused(tmp_path):
    path = tmp_path / "twice.zip"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as file:
        warnings.simplefilter("ignore")
        file.writestr("edges.csv", "0,1\n")
        file.writestr("edges.csv", "0,2\n")
    assert "is there twice" in refusal(path)


@pytest.mark.parametrize("other", ["EDGES.csv", "edge\u017f.csv", "ｅdges.csv"])
def test_names_that_read_alike_are_refused(tmp_path, other):
    assert "is there twice" in refusal(zip_of(tmp_path / "a.zip", {"edges.csv": "", other: ""}))


def test_a_symbolic_link_in_a_zip_is_refused(tmp_path):
    path = tmp_path / "link.zip"
    info = zipfile.ZipInfo("edges.csv")
    info.create_system = 3
    info.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(info, "/etc/passwd")
    assert "a link or a device" in refusal(path)


def test_a_symbolic_link_in_a_folder_is_refused(tmp_path):
    folder = folder_of(tmp_path / "folder", {"labels.csv": "0\n"})
    (folder / "edges.csv").symlink_to("/etc/passwd")
    assert "edges.csv: a symbolic link" in refusal(folder)


def test_a_link_to_a_folder_is_not_followed(tmp_path):
    folder = folder_of(tmp_path / "folder", {"labels.csv": "0\n"})
    (folder / "loop").symlink_to(folder)
    assert "a symbolic link" in refusal(folder)


def test_the_path_itself_may_be_a_link(tmp_path):
    """Workers give stored bytes their file name by a link of their own."""
    path = npz(tmp_path / "blob", {"labels": np.arange(3)})
    (tmp_path / "graph.npz").symlink_to(path)
    with open_arrays(tmp_path / "graph.npz") as found:
        assert found["labels"].tolist() == [0, 1, 2]


def test_a_pipe_in_a_folder_is_refused_and_not_waited_for(tmp_path):
    folder = folder_of(tmp_path / "folder", {"labels.csv": "0\n"})
    os.mkfifo(folder / "edges.csv")
    assert "a device or socket" in refusal(folder)


def test_an_encrypted_member_is_refused(tmp_path):
    path = zip_of(tmp_path / "locked.zip", {"edges.csv": "0,1\n"})
    raw = bytearray(path.read_bytes())
    raw[6] |= 1
    raw[raw.rfind(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(raw)
    assert "is encrypted; expected a zip without a password" in refusal(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_of_packing_with_wild_memory_needs_are_refused(tmp_path, method):
    path = tmp_path / "odd.zip"
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("edges.csv", "0,1\n" * 100)
    assert "unusual method" in refusal(path)


@pytest.mark.parametrize("keep", [10, 40, 200])
def test_a_truncated_zip_is_told(tmp_path, keep):
    path = zip_of(tmp_path / "cut.zip", {"edges.csv": os.urandom(400)})
    path.write_bytes(path.read_bytes()[:keep])
    assert "truncated or damaged" in refusal(path)


def test_flipped_bytes_in_a_member_are_told(tmp_path):
    path = zip_of(tmp_path / "flipped.zip", {"edges.csv": os.urandom(400)})
    raw = bytearray(path.read_bytes())
    raw[100] ^= 0xFF
    path.write_bytes(raw)
    assert "edges.csv: truncated or damaged" in refusal(path)


def test_bookkeeping_of_desktops_is_left_out(tmp_path):
    members = {"edges.csv": "0,1\n", "__MACOSX/._edges.csv": "x", ".DS_Store": "x"}
    with open_source(zip_of(tmp_path / "mac.zip", members)) as source:
        assert list(source.members) == ["edges.csv"]


# Pickles


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_refused_by_content_and_never_run(tmp_path, protocol):
    mark = tmp_path / "ran"
    path = tmp_path / "edges.csv"  # whatever the suffix says
    path.write_bytes(pickle.dumps(Bomb(mark), protocol=protocol))
    assert "a Python pickle" in refusal(path)
    assert not mark.exists()


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


def test_headers_of_wrong_length_version_or_mark_are_refused(tmp_path):
    whole = npy(np.arange(3))
    assert "expected a numpy array" in array_refusal(tmp_path, b"not numpy at all")
    assert "expected a numpy array" in array_refusal(tmp_path, b"")
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
        ('{"idx_train": [' + "9" * 5000 + "]}", "no node number"),
        ('{"idx_train": [1e999]}', "idx_val"),
        ('{"idx_train": [NaN]}', "NaN is not JSON"),
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
