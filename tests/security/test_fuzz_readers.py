"""Whatever bytes a file holds, a reader answers with a message and never with a crash."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
import scipy.sparse as sp
import torch
from safetensors.torch import save_file

from engine.data.graph import io as graph_io
from engine.data.graph.graph import adjacency_of
from engine.data.images import io as images_io
from engine.data.model import io as model_io
from engine.data.sample import write_samples
from engine.data.split import io as split_io
from engine.data.text import io as text_io
from engine.data.traffic import io as traffic_io
from tests.engine.data.images.files import encoded, idx, pixels
from tests.engine.data.making import npz, planetoid_files, report_on, zip_of
from tests.engine.data.model import llama2c
from tests.engine.data.model.files import tokenizer
from tests.engine.data.traffic.wire import A, B, enhanced, exchange, interface, pcap, section

ROUNDS = 150  # per file; seeded, so a failure can be had again
PAIRS = {"vocab.json": '{"a": 0, "b": 1, "ab": 2}', "merges.txt": "#version: 0.2\na b\n"}
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
    pairs = np.array([[0, 1, 2], [1, 2, 3]])
    tensors = {
        "x": torch.eye(4, 2),
        "edge_index": torch.tensor(pairs),
        "y": torch.tensor([0, 0, 1, 1]),
    }
    torch.save(tensors, folder / "graph.pt")
    files = planetoid_files()
    with zipfile.ZipFile(folder / "planetoid.zip", "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    network = nx.path_graph(4)
    nx.set_node_attributes(network, {at: {"class": at % 2, "size": 0.5} for at in range(4)})
    nx.write_graphml(network, folder / "graph.graphml")
    (folder / "graph.json").write_text(json.dumps(nx.node_link_data(network, edges="links")))
    weights = {f"layers.{at}.weight": torch.eye(2) for at in range(3)}
    torch.save({"state_dict": weights}, folder / "weights.pth")
    save_file(weights, folder / "weights.safetensors", metadata={"format": "pt"})
    with zipfile.ZipFile(folder / "model.zip", "w", zipfile.ZIP_STORED) as archive:
        listed = dict.fromkeys(weights, "m.safetensors")
        archive.writestr("m.safetensors.index.json", json.dumps({"weight_map": listed}))
        archive.writestr("config.json", json.dumps({"architectures": ["Net"]}))
        archive.write(folder / "weights.safetensors", "m.safetensors")
        archive.writestr("tokenizer.json", tokenizer())
        archive.writestr("special_tokens_map.json", json.dumps({"unk_token": "[UNK]"}))
    for way, pieces in (("words", {"vocab.txt": "[UNK]\nyes\nno"}), ("pairs", PAIRS)):
        with zipfile.ZipFile(folder / f"{way}.zip", "w", zipfile.ZIP_STORED) as archive:
            archive.write(folder / "weights.safetensors", "m.safetensors")
            for name, text in pieces.items():
                archive.writestr(name, text)
    with zipfile.ZipFile(folder / "llama2c.zip", "w", zipfile.ZIP_STORED) as archive:
        for name, raw in llama2c.files().items():
            archive.writestr(name, raw)
    exchanged = exchange(5000, b"GET / HTTP/1.1", b"HTTP/1.1 200 OK")
    rows = [f"{capture},TCP,{A},5000,{B},80,{capture}" for capture in "ab"]
    labels = "\n".join(["capture,l4,src,sport,dst,dport,label", *rows])
    with zipfile.ZipFile(folder / "captures.zip", "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.pcap", pcap(exchanged))
        frames = b"".join(enhanced(frame, at) for at, frame in exchanged)
        archive.writestr("b.pcapng", section() + interface() + frames)
        archive.writestr("labels.csv", labels)
    _write_texts(folder)
    _write_pictures(folder)
    (folder / "split.json").write_text(json.dumps({"train": [0], "val": [1, 2], "test": [3]}))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _write_texts(folder: Path) -> None:
    rows = [("a fine film", "1"), ('so "dull", so long', "0"), ("a fine play", "1"), ("bad", "0")]
    for name, mark in (("texts.csv", ","), ("texts.tsv", "\t")):
        with (folder / name).open("w", newline="") as file:
            csv.writer(file, delimiter=mark).writerows([("text", "label"), *rows])
    records = [{"text": text, "label": label, "n": at} for at, (text, label) in enumerate(rows)]
    lines = "".join(json.dumps(record) + "\n" for record in records)
    (folder / "texts.jsonl").write_text(lines)
    (folder / "texts.jsonl.gz").write_bytes(gzip.compress(lines.encode(), mtime=0))
    (folder / "texts.json").write_text(json.dumps(records))
    (folder / "texts.txt").write_text("".join(f"{label} {text}\n" for text, label in rows))


def _write_pictures(folder: Path) -> None:
    images = pixels(4)
    files = [encoded(image, kind) for image, kind in zip(images, ["PNG", "JPEG"] * 2, strict=True)]
    names = ["train/a/1.png", "train/b/2.jpg", "test/a/3.png", "test/b/4.jpg"]
    with zipfile.ZipFile(folder / "pictures.zip", "w", zipfile.ZIP_STORED) as archive:
        for name, content in zip(names, files, strict=True):
            archive.writestr(name, content)
    npz(folder / "pictures.npz", {"x": images, "y": np.array([0, 1, 0, 1])})
    back_to_back = {
        "jpeg": np.frombuffer(b"".join(files), np.uint8),
        "offset": np.cumsum([0, *map(len, files)]),
        "y": np.array([0, 1, 0, 1]),
        "classes": np.array(["a", "b"]),
    }
    npz(folder / "pack.npz", back_to_back)
    digits = {"images-idx3-ubyte": images[..., 0], "labels-idx1-ubyte": np.array([0, 1, 0, 1])}
    packed = {f"train-{name}.gz": gzip.compress(idx(one), mtime=0) for name, one in digits.items()}
    zip_of(folder / "digits.zip", packed)


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


def in_a_member(whole: bytes, rng: np.random.Generator) -> bytes:
    """A zip of which one member is damaged and the rest is as it was, checksums included."""
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    hit = rng.choice([name for name, content in members.items() if content])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            archive.writestr(name, damaged(content, rng) if name == hit else content)
    return buffer.getvalue()


NAMES = ["blocks.npz", "blocks_attacked.npz", "blocks.json", "coo.npz", "text.zip", "stored.zip"]


NAMES += ["graph.pt", "planetoid.zip", "graph.graphml", "graph.json", "edges.csv", "split.json"]
NAMES += ["weights.pth", "weights.safetensors", "model.zip", "captures.zip"]
NAMES += ["words.zip", "pairs.zip", "llama2c.zip"]
NAMES += ["texts.csv", "texts.tsv", "texts.jsonl", "texts.json", "texts.txt", "texts.jsonl.gz"]
NAMES += ["pictures.zip", "pictures.npz", "pack.npz", "digits.zip"]
INSIDE = ["graph.pt", "planetoid.zip", "coo.npz", "weights.pth", "model.zip", "captures.zip"]
INSIDE += ["words.zip", "pairs.zip", "llama2c.zip"]
INSIDE += ["pictures.zip", "pictures.npz", "pack.npz", "digits.zip"]


@pytest.mark.parametrize("name", NAMES)
def test_damaged_files_are_answered(wholes, tmp_path, name):
    rng = np.random.default_rng(len(name))
    assert refusals(tmp_path / name, [damaged(wholes[name], rng) for _ in range(ROUNDS)]) > ROUNDS


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("name", INSIDE)
def test_damage_inside_of_members_is_answered(wholes, tmp_path, name):
    """The zip itself is whole, so that the damage reaches what reads the member."""
    rng = np.random.default_rng(len(name))
    files = [in_a_member(wholes[name], rng) for _ in range(2 * ROUNDS)]
    assert refusals(tmp_path / name, files) > ROUNDS


def refusals(path: Path, files: list[bytes]) -> int:
    """How many of these files each reader refused; all must be answered."""
    refused = 0
    for content in files:
        path.write_bytes(content)
        for reader in (graph_io, split_io, model_io, traffic_io, text_io, images_io):
            reader.sniff(path)
            report = report_on(reader, path)
            assert report.lines
            assert all(line.where and line.text.isprintable() for line in report.lines)
            refused += report.failed
    return refused
