"""The sample data: the same bytes every time, readable, and worth running a method on."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import welch
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from engine.data.eeg import io as eeg_io
from engine.data.graph import io as graph_io
from engine.data.images import io as images_io
from engine.data.kind import check, kind
from engine.data.sample import Sample, write_samples
from engine.data.split import io as split_io
from engine.data.text import io as text_io


@pytest.fixture(scope="module")
def samples(tmp_path_factory) -> list[Sample]:
    return write_samples(tmp_path_factory.mktemp("samples"))


def by_name(samples: list[Sample], name: str) -> Path:
    return next(sample.path for sample in samples if sample.path.name == name)


def test_samples_are_the_same_bytes_on_each_run(samples, tmp_path, monkeypatch):
    monkeypatch.setattr("time.time", lambda: 2e9)
    again = write_samples(tmp_path / "elsewhere")
    assert len(samples) == 7
    for one, other in zip(samples, again, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes(), one.name


def test_samples_keep_their_known_content(samples):
    """A change here makes new dataset versions wherever Tenfold runs: make it on purpose."""
    sums = {
        sample.path.name: hashlib.sha256(sample.path.read_bytes()).hexdigest()[:16]
        for sample in samples
    }
    assert sums == {
        "blocks.npz": "cf4155790c475916",
        "blocks_attacked.npz": "0666f0ff431a240e",
        "blocks.json": "a1dc8a378b5442af",
        "alpha.zip": "735de261bb50f5f3",
        "exchanges.zip": "eb5e1ce6f23963e5",
        "reviews.zip": "7949732492c92254",
        "shapes.npz": "0ac1b6e4fbd5d7b1",
    }


def test_each_sample_passes_the_check_of_its_kind(samples):
    for sample in samples:
        answer = check(kind(sample.kind), sample.path)
        assert answer["ok"], sample.name
        assert answer["preview"]["figures"]
        assert kind(sample.kind).io().sniff(sample.path)


def test_the_sample_graph_has_the_shape_that_its_text_says(samples):
    graph = graph_io.load(by_name(samples, "blocks.npz"))
    assert (graph.nodes, graph.edges, graph.classes) == (400, 800, 4)
    assert graph.features.shape == (400, 300)
    assert set(graph.features.data) == {1.0}
    assert 0.77 < graph.homophily() < 0.85
    assert np.unique(graph.components()).size == 1


def test_the_attacker_only_adds_edges_between_classes_at_training_nodes(samples):
    graph = graph_io.load(by_name(samples, "blocks.npz"))
    attacked = graph_io.load(by_name(samples, "blocks_attacked.npz"))
    split = split_io.load(by_name(samples, "blocks.json"))
    change = (attacked.adjacency - graph.adjacency).tocoo()
    added = change.data != 0
    assert (change.data[added] == 1).all()
    rows, columns = change.row[added], change.col[added]
    assert rows.size // 2 == round(0.2 * graph.edges)
    assert (graph.labels[rows] != graph.labels[columns]).all()
    assert (np.isin(rows, split.train) | np.isin(columns, split.train)).all()


def test_the_sample_split_takes_alike_from_every_class(samples):
    graph = graph_io.load(by_name(samples, "blocks.npz"))
    split = split_io.load(by_name(samples, "blocks.json"))
    for part, each in (("train", 10), ("val", 10), ("test", 80)):
        assert np.bincount(graph.labels[split.parts()[part]]).tolist() == [each] * 4
    everyone = np.concatenate(list(split.parts().values()))
    assert np.sort(everyone).tolist() == list(range(400))


def test_the_sample_eeg_has_the_shape_that_its_text_says(samples):
    found = eeg_io.load(by_name(samples, "alpha.zip"))
    assert (len(found.recordings), len(found.subjects), len(found.common)) == (12, 6, 8)
    assert {(one.sfreq, one.seconds) for one in found.recordings} == {(200, 30)}
    facts = eeg_io.facts(found)
    assert (facts["labels"], facts["classes"], facts["label_source"]) == (True, 2, "labels.csv")


def test_the_sample_eeg_has_more_alpha_with_closed_eyes_at_the_back_of_the_head(samples):
    found = eeg_io.load(by_name(samples, "alpha.zip"))
    alpha = {}
    for one in found.recordings:
        rates, power = welch(one.read(["O1", "O2"]), one.sfreq, nperseg=400)
        band = (rates >= 8) & (rates <= 12)
        alpha[one.name] = np.log10(power[:, band].mean())
    for subject in found.subjects:
        assert alpha[f"{subject}_closed"] > alpha[f"{subject}_open"] + 0.3


def test_blinks_of_the_sample_eeg_pass_the_line_at_100_in_some_windows(samples):
    found = eeg_io.load(by_name(samples, "alpha.zip"))
    large = {one.name: float(np.abs(one.read()).max()) >= 100 for one in found.recordings}
    assert 0 < sum(large.values()) < 12
    assert not any(reached for name, reached in large.items() if name.endswith("closed"))


def test_the_sample_reviews_are_in_three_parts_without_a_repeat(samples):
    found = text_io.load(by_name(samples, "reviews.zip"))
    facts = text_io.facts(found)
    assert [facts[part] for part in ("train", "dev", "test")] == [360, 80, 160]
    assert (facts["text"], facts["label"], facts["classes"]) == ("text", "label", 2)
    assert len(set(found.columns["text"])) == found.rows
    for rows in found.parts.values():
        assert np.bincount(found.labels("label").codes[rows]).tolist() == [rows.size // 2] * 2


def test_words_alone_tell_the_sample_reviews_better_than_chance_and_badly(samples):
    found = text_io.load(by_name(samples, "reviews.zip"))
    codes = found.labels("label").codes
    counts = CountVectorizer().fit_transform(found.columns["text"])
    train, test = found.parts["train"], found.parts["test"]
    model = LogisticRegression(max_iter=500).fit(counts[train], codes[train])
    assert 0.55 < model.score(counts[test], codes[test]) < 0.8


def test_the_sample_shapes_are_in_three_parts_and_pixels_tell_them_badly(samples):
    found = images_io.load(by_name(samples, "shapes.npz"))
    assert found.classes == ("circle", "cross", "square", "triangle")
    assert found.pixels.shape == (1500, 16, 16, 3)
    for part, each in (("train", 300), ("dev", 25), ("test", 50)):
        assert np.bincount(found.labels[found.parts[part]]).tolist() == [each] * 4
    flat = found.pixels.reshape(len(found), -1) / 255
    train, test = found.parts["train"], found.parts["test"]
    model = LogisticRegression(C=0.01, max_iter=300).fit(flat[train], found.labels[train])
    assert model.score(flat[test], found.labels[test]) < 0.65
