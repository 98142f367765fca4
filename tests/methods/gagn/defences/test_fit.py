"""What all defences promise alike: going on, the same answers, and what an attacker may ask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.core import checkpoint
from engine.core.errors import UserError
from engine.methods.gagn.defences import DEFENCES, Trained, Unit, begin, trained, units
from engine.methods.gagn.defences.training import best, key, refuse_too_large
from tests.methods.gagn.defences.grounds import GRAPH_BASED, NAMES, ground, stream, toggled


def test_every_defence_is_tried_here():
    assert list(DEFENCES) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_training_learns_more_than_the_commonest_class(name):
    place = ground(nodes=120)
    found = trained(Unit(name), place, generator=stream(), epochs=60).scores
    assert found["val_accuracy"] > 0.6
    assert found["test_accuracy"] > 0.5


@pytest.mark.parametrize("name", NAMES)
def test_a_training_resumed_from_a_checkpoint_equals_an_undisturbed_one(name, tmp_path: Path):
    place, generator = ground(), stream()
    straight = begin(Unit(name), place, generator=generator)
    told = [straight.epoch(epoch) for epoch in range(12)]

    generator = stream()
    broken = begin(Unit(name), place, generator=generator)
    said = [broken.epoch(epoch) for epoch in range(7)]
    state = {"fit": broken.state(), "stream": generator.get_state()}
    checkpoint.save(tmp_path / "1.safetensors", state)

    generator = stream()
    resumed = begin(Unit(name), place, generator=generator)
    state = checkpoint.load(tmp_path / "1.safetensors")
    resumed.restore(state["fit"])
    generator.set_state(state["stream"])
    said += [resumed.epoch(epoch) for epoch in range(7, 12)]

    assert said == told
    assert resumed.best == straight.best
    adjacency = place.adjacency
    assert torch.equal(Trained(resumed).logits(adjacency), Trained(straight).logits(adjacency))


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides(name):
    runs = []
    for seed in (0, 0, 1):
        fit = begin(Unit(name), ground(), generator=stream(seed))
        runs.append([fit.epoch(epoch)["loss"] for epoch in range(5)])
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_the_nodes_does_not_matter(name):
    order = np.random.default_rng(5).permutation(60)
    plain = begin(Unit(name), ground(), generator=stream())
    for epoch in range(3):
        plain.epoch(epoch)
    numbered = begin(Unit(name), ground(order=order), generator=stream())
    numbered.model.load_state_dict(plain.model.state_dict())
    expected = plain.answer(plain.structure(plain.ground.adjacency))[order]
    got = numbered.answer(numbered.structure(numbered.ground.adjacency))
    assert torch.allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_trained_defence_answers_on_its_own_graph_as_at_the_snapshot_it_kept(name):
    place = ground()
    fit = begin(Unit(name), place, generator=stream())
    for epoch in range(15):
        fit.epoch(epoch)
    found = Trained(fit)
    answers = found.logits(place.adjacency)
    right = answers.argmax(1) == place.labels
    for part in ("val", "test"):
        share = right[place.part[part]].double().mean().item()
        assert share == found.scores[f"{part}_accuracy"]
    fit.epoch(15)
    assert torch.equal(found.logits(place.adjacency), answers)  # training on does not move it


@pytest.mark.parametrize("name", NAMES)
def test_another_graph_is_answered_by_the_same_weights(name):
    place = ground()
    found = trained(Unit(name), place, generator=stream(), epochs=10)
    cut, rest = place.adjacency.copy(), place.adjacency
    cut = cut.tolil()
    cut[0, :] = cut[:, 0] = 0
    same = torch.equal(found.logits(cut.tocsr()), found.logits(rest))
    assert same == (name == "mlp")


@pytest.mark.parametrize("name", GRAPH_BASED)
def test_a_cleaned_graph_is_symmetric_without_loops_in_0_to_1(name):
    cleaned = trained(Unit(name), ground(), generator=stream(), epochs=8).cleaned
    dense = cleaned.toarray()
    assert np.array_equal(dense, dense.T)
    assert not dense.diagonal().any()
    assert 0 <= dense.min() <= dense.max() <= 1
    assert dense.any()


def test_an_edge_that_is_cleaned_away_changes_no_answer_and_another_does():
    place = ground()
    found = trained(Unit("jaccard", {"threshold": 0.05}), place, generator=stream(), epochs=5)
    shared = (place.features @ place.features.T).toarray()
    strange = np.triu(place.adjacency.toarray() == 0, k=1)
    unlike, alike = (np.argwhere(strange & pairs)[0] for pairs in (shared == 0, shared > 4))
    plain = found.logits(place.adjacency)
    assert torch.equal(found.logits(toggled(place.adjacency, *unlike)), plain)
    assert not torch.equal(found.logits(toggled(place.adjacency, *alike)), plain)


def test_series_keep_their_names():
    assert [key(unit) for unit in units(["mlp", "gcn", "jaccard"])] == [
        "baseline.mlp",
        "baseline.gcn",
        "baseline.gcn.dropout080",
        "baseline.jaccard",
        *(f"baseline.jaccard.threshold{hundredths:03d}" for hundredths in (1, 2, 3, 5, 8, 10)),
    ]
    assert key(units(["svd"])[2]) == "baseline.svd.rank020"
    assert len({key(unit) for unit in units(NAMES)}) == len(units(NAMES))


def test_validation_chooses_and_the_first_of_equals_wins():
    rows = [
        {"name": "svd", "val_accuracy": accuracy, "rank": rank}
        for rank, accuracy in ((10, 0.5), (15, 0.7), (20, 0.7))
    ]
    assert best([{"name": "gcn", "val_accuracy": 0.9}, *rows], "svd")["rank"] == 15


def test_a_setting_that_a_defence_does_not_have_is_refused():
    with pytest.raises(ValueError, match="threshold"):
        begin(Unit("gcn", {"threshold": 0.1}), ground(), generator=stream())


def test_a_dense_defence_refuses_a_large_graph_by_name_and_size():
    with pytest.raises(UserError, match=r"baselines: prognn .* 5001 × 5001 .* 5000"):
        refuse_too_large(NAMES, 5001)
    refuse_too_large(NAMES, 5000)
    refuse_too_large([name for name in NAMES if name != "prognn"], 10**6)
