"""Kinds as the door and the pages see them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from engine.core.errors import UserError
from engine.data.kind import MAX_LINES, Report, check, kind, kinds
from tests.engine.data.making import folder_of

KINDS = ("eeg", "graph", "images", "model", "split", "text", "traffic")
DOCS = Path(__file__).resolve().parents[3] / "docs/data-formats.md"


def test_the_kinds_are_found_with_their_readers():
    assert set(KINDS) <= set(kinds())
    for slug in KINDS:
        io = kind(slug).io()
        assert all(callable(getattr(io, name)) for name in ("sniff", "check", "load", "preview"))


def test_an_unknown_kind_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match=r"no kind is called 'grahp'; there are: .*graph"):
        kind("grahp")


def test_a_check_answers_with_every_fact_of_the_card(tmp_path):
    files = {"edges.csv": "0,1\n1,2\n", "labels.csv": "0\n0\n0\n", "features.csv": "1\n1\n1\n"}
    answer = check(kind("graph"), folder_of(tmp_path / "graph", files))
    assert answer["ok"]
    assert set(answer["facts"]) == {fact.key for fact in kind("graph").facts}
    json.dumps(answer, allow_nan=False)


def test_a_failed_check_has_errors_and_no_preview(tmp_path):
    answer = check(kind("graph"), folder_of(tmp_path / "graph", {"edges.csv": "0,1\n1,x\n"}))
    assert not answer["ok"]
    assert answer["preview"] is None
    assert answer["report"][-1] == {
        "level": "error",
        "where": "edges.csv",
        "text": "row 2: node 'x' is no whole number, as other rows have",
    }


def test_a_check_that_needs_too_much_memory_is_told(tmp_path, monkeypatch):
    def exhausted(path: Path, report: Report) -> None:
        raise MemoryError

    monkeypatch.setattr(kind("graph").io(), "check", exhausted)
    answer = check(kind("graph"), tmp_path)
    assert "needs more memory" in answer["report"][0]["text"]


def test_a_report_is_bounded_and_never_loses_its_errors_to_other_lines():
    report = Report()
    for at in range(MAX_LINES + 5):
        report.ok("file", f"line {at}")
    report.error("file", "row 3: wrong")
    assert not report.passed
    assert report.as_json()["left_out"] == 5
    assert str(report.fault()) == "file: row 3: wrong"


def test_the_docs_name_every_network_that_can_be_built():
    from engine.data.model.families import DECODERS, ENCODERS, VISION

    said = re.findall(r"^\| (?:en|de)coders (?:of|\().+?\| (.+?) \|", DOCS.read_text(), re.M)
    assert said == [", ".join(kinds) for kinds in (ENCODERS, DECODERS, VISION)]


def test_the_docs_name_the_bounds_that_hold():
    from engine.data import archive, tables
    from engine.data.eeg import edf, files, matlab
    from engine.data.graph import build, nodelink, npz, pairs, pickled, table
    from engine.data.images import folders
    from engine.data.images import images as pictures
    from engine.data.images import io as images_io
    from engine.data.model import folder, safetensors_file, tokenizer_file
    from engine.data.split import io as split_io
    from engine.data.text import files as texts
    from engine.data.text import sheet
    from engine.data.traffic import files as captures
    from engine.data.traffic import io as traffic_io
    from engine.data.traffic import labels, pcapng, records

    said = dict(re.findall(r"^\| (.+?) \| ([\d,]+)", DOCS.read_text(), re.M))
    assert said == {
        "members of a zip or folder": f"{archive.MAX_MEMBERS:,}",
        "bytes, unpacked": str(archive.MAX_UNPACKED >> 30),
        "unpacked to packed, of a zip over 1 MiB": str(archive.MAX_RATIO),
        "nodes; features": f"{npz.MAX_NODES:,}",
        "edges, as the file lists them": f"{pairs.MAX_ROWS:,}",
        "features that are not zero": f"{build.MAX_VALUES:,}",
        "bytes of a node-link JSON": str(nodelink.MAX_JSON >> 20),
        "bytes of a file of Planetoid": str(pickled.MAX_BYTES >> 20),
        "operations in a file of Planetoid": f"{pickled.MAX_STEPS:,}",
        "bytes of a line": str(table.MAX_LINE >> 20),
        "bytes of a split": str(split_io.MAX_JSON >> 20),
        "bytes of EEG, unpacked": str(files.LIMITS.unpacked >> 30),
        "values of a recording, channels x samples": f"{files.MAX_VALUES:,}",
        "channels": f"{files.MAX_CHANNELS:,}",
        "annotations of a recording": f"{edf.MAX_ANNOTATIONS:,}",
        "bytes of a MATLAB file, unpacked": str(matlab.MAX_MATLAB >> 30),
        "bytes of a table beside recordings": str(tables.MAX_TABLE >> 20),
        "rows of a table beside recordings": f"{tables.MAX_ROWS:,}",
        "bytes of a model, unpacked": str(folder.LIMITS.unpacked >> 30),
        "bytes of a header of safetensors": str(safetensors_file.MAX_HEADER >> 20),
        "tensors of a model": f"{safetensors_file.MAX_TENSORS:,}",
        "bytes of each file of a tokenizer": str(tokenizer_file.MAX_BYTES >> 20),
        "bytes of captures, unpacked": str(captures.LIMITS.unpacked >> 30),
        "bytes of a frame": f"{records.MAX_RECORD:,}",
        "bytes of a block of pcapng": str(pcapng.MAX_BLOCK >> 20),
        "interfaces of a section of pcapng": f"{pcapng.MAX_INTERFACES:,}",
        "bytes of tables of texts, unpacked": str(texts.LIMITS.unpacked >> 20),
        "rows of tables of texts": f"{sheet.MAX_ROWS:,}",
        "columns of a table of texts": f"{sheet.MAX_COLUMNS:,}",
        "bytes of images, unpacked": str(images_io.LIMITS.unpacked >> 30),
        "members of a zip or folder of images": f"{images_io.LIMITS.members:,}",
        "bytes of the file of an image": str(folders.MAX_FILE >> 20),
        "pixels of a side of an image": f"{pictures.MAX_SIDE:,}",
        "bytes of all images, decoded": f"{pictures.MAX_VALUES:,}",
        "packets of all captures": f"{traffic_io.MAX_PACKETS:,}",
        "classes of a column of labels": f"{labels.MAX_CLASSES:,}",
    }
    assert archive.RATIO_FLOOR == 1 << 20
    assert texts.MAX_LINE == table.MAX_LINE
    assert npz.MAX_FEATURES == npz.MAX_NODES
