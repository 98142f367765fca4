"""Whatever bytes a file holds, a reader answers with a message and never with a crash."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from engine.data.graph import io as graph_io
from engine.data.graph.graph import adjacency_of
from engine.data.sample import write_samples
from engine.data.split import io as split_io
from tests.engine.data.making import report_on, zip_of

ROUNDS = 150  # per file; seeded, so a failure can be had again
TEXT = "source,target\n0,1\n1,2\n2,3\n3,0\n"


@pytest.fixture(scope="module")
def wholes(tmp_path_factory) -> dict[str, bytes]:
    """Whole files of every format, small."""
    folder = tmp_path_factory.mktemp("wholes")
    for sample in write_samples(folder):
        assert sample.path.exists()
    sp.save_npz(folder / "coo.npz", sp.coo_array(adjacency_of(5, np.arange(4), np.arange(1, 5))))
    zip_of(
        folder / "text.zip",
        {
            "edges.csv": TEXT,
            "features.csv": "id,a\n0,1\n1,0\n2,.5\n3,1\n",
            "labels.csv": "0\n0\n1\n1\n",
        },
    )
    with zipfile.ZipFile(folder / "stored.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("edges.csv", TEXT)
        archive.writestr("labels.csv", "node,label\n0,a\n1,b\n2,a\n3,b\n")
    (folder / "edges.csv").write_text(TEXT)
    (folder / "split.json").write_text(json.dumps({"train": [0], "val": [1, 2], "test": [3]}))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """The file with some bytes changed, doubled, moved, cut out or cut off."""
    raw = bytearray(whole)
    for _ in range(rng.integers(1, 5)):
        at, length = rng.integers(0, max(1, len(raw))), int(rng.integers(1, 40))
        part = raw[at : at + length]
        match rng.integers(6):
            case 0:
                raw[at : at + 1] = rng.bytes(1)
            case 1:
                raw[at : at + length] = rng.bytes(length)
            case 2:
                raw[at:at] = part
            case 3:
                del raw[at : at + length]
            case 4:
                raw[at:at] = rng.choice(
                    [b"\n", b"\r", b",", b'"', b"-1", b"\0", b"1e99", b"[[", b"\xff"]
                )
            case 5:
                del raw[max(1, at) :]
    return bytes(raw)


NAMES = ["blocks.npz", "blocks_attacked.npz", "blocks.json", "coo.npz", "text.zip", "stored.zip"]


@pytest.mark.parametrize("name", [*NAMES, "edges.csv", "split.json"])
def test_damaged_files_are_answered(wholes, tmp_path, name):
    rng = np.random.default_rng(len(name))
    path: Path = tmp_path / name
    refused = 0
    for _ in range(ROUNDS):
        path.write_bytes(damaged(wholes[name], rng))
        for io in (graph_io, split_io):
            io.sniff(path)
            report = report_on(io, path)
            assert report.lines
            assert all(line.where and line.text.isprintable() for line in report.lines)
            refused += report.failed
    assert refused > ROUNDS, "the damage should show more often than not"
