"""What an attacker makes of an archive, and what is answered before anything is unpacked."""

from __future__ import annotations

import gzip
import os
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.data import archive
from engine.data.archive import Limits, check_name, open_source
from engine.data.arrays import open_arrays
from engine.data.graph import io as graph_io
from tests.engine.data.making import (
    folder_of,
    npz,
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
    model = zip_of(tmp_path / "model.zip", {"pytorch_model.bin": inner})
    assert refusal(model).endswith("PyTorch's weights by themselves, or saved as .safetensors")


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


# Packed by gzip, for kinds that take it

PLAIN = Limits(members=4, unpacked=4 << 20, ratio=200, gunzip=True)


def content_of(path: Path, limits: Limits = PLAIN) -> dict[str, bytes]:
    with open_source(path, limits) as source:
        return {member.name: member.read(1 << 30) for member in source}


def test_what_is_in_a_gzip_file_stands_under_its_name_alone_and_inside(tmp_path):
    packed = gzip.compress(b"a,b\n" * 10)
    alone = tmp_path / "t.csv.gz"
    alone.write_bytes(packed)
    expected = {"t.csv": b"a,b\n" * 10}
    assert content_of(alone) == expected
    assert content_of(zip_of(tmp_path / "t.zip", {"t.csv.gz": packed})) == expected
    assert content_of(folder_of(tmp_path / "t", {"t.csv.gz": packed})) == expected


def test_gzip_files_of_several_parts_are_read_to_their_end(tmp_path):
    path = tmp_path / "t.csv.GZ"
    path.write_bytes(gzip.compress(b"one\n") + gzip.compress(b"two\n"))
    assert content_of(path) == {"t.csv": b"one\ntwo\n"}


def test_a_gzip_bomb_is_refused_without_being_held(tmp_path):
    path = tmp_path / "zeros.csv.gz"
    path.write_bytes(gzip.compress(b"0" * (60 << 20)))
    limits = Limits(gunzip=True)
    tracemalloc.start()
    with pytest.raises(UserError, match=r"^zeros\.csv\.gz: [\d,]+ bytes that unpack to over"):
        content_of(path, limits)
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()


def test_the_most_that_may_be_unpacked_holds_for_gzip_files_together(tmp_path):
    packed = gzip.compress(os.urandom(3 << 19).hex().encode(), compresslevel=1)
    files = {f"{at}.csv.gz": packed for at in range(2)}
    two = folder_of(tmp_path / "two", files)
    limits = Limits(unpacked=6 << 20, gunzip=True)
    with pytest.raises(UserError, match="unpacks to over"):
        content_of(two, Limits(unpacked=(6 << 20) - 1, gunzip=True))
    assert sum(map(len, content_of(folder_of(tmp_path / "one", files), limits).values())) == 6 << 20


def test_a_gzip_bomb_inside_a_zip_counts_against_the_zip(tmp_path):
    """Packed twice, each time by less than the ratio allows."""
    packed = gzip.compress(os.urandom(8 << 10) * 128) * 40
    assert len(packed) * 200 > 40 << 20
    path = zip_of(tmp_path / "twice.zip", {"t.csv.gz": packed})
    with pytest.raises(UserError, match="a zip bomb"):
        content_of(path, Limits(gunzip=True))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda raw: raw[:-20], "ended before the end-of-stream marker"),
        (lambda raw: raw[:-8] + b"\0\0\0\0" + raw[-4:], "CRC check failed"),
        (lambda raw: raw + b"more", "Not a gzipped file"),
        (lambda raw: b"a,b\n", "Not a gzipped file"),
        (lambda raw: raw[:10] + bytes(40), "truncated or damaged"),
    ],
)
def test_damaged_gzip_files_are_named(tmp_path, damage, said):
    raw = gzip.compress(b"a,b\n" * 1000)
    path = tmp_path / "t.csv.gz"
    path.write_bytes(damage(raw))
    with pytest.raises(UserError, match=r"^t\.csv\.gz: truncated or damaged") as caught:
        content_of(path)
    assert said in str(caught.value)


def test_archives_and_pickles_inside_a_gzip_file_are_refused(tmp_path):
    tar = gzip.compress(b"a.txt".ljust(257, b"\0") + b"ustar\x0000")
    twice = gzip.compress(gzip.compress(b"a"))
    for content, title in (
        (tar, "tar"),
        (twice, "gzip"),
        (gzip.compress(b"\x80\x04K\x01."), "pickle"),
    ):
        path = tmp_path / "t.csv.gz"
        path.write_bytes(content)
        with pytest.raises(UserError, match=title):
            content_of(path)
    inside = zip_of(tmp_path / "t.zip", {"t.gz": tar})
    with pytest.raises(UserError, match="a tar archive inside"):
        content_of(inside)


def test_a_name_that_stands_packed_and_unpacked_is_refused(tmp_path):
    files = {"t.csv": "a", "t.csv.gz": gzip.compress(b"b")}
    with pytest.raises(UserError, match=r"member 't\.csv' is there twice"):
        content_of(folder_of(tmp_path / "t", files))
