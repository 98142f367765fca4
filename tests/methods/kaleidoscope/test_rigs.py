"""The cycle model beside the RTL: the same verdicts, in the same cycles, from the same cores."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.methods.kaleidoscope import activations, results
from engine.methods.kaleidoscope.arrivals import back_to_back
from engine.methods.kaleidoscope.deployed import Coprocessor, Deployed, deploy
from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.model_rig import ModelRig
from engine.methods.kaleidoscope.rig import RtlRig
from engine.methods.kaleidoscope.stimulus import Jobs, Packets, Watch
from engine.methods.kaleidoscope.train import calibrate
from engine.methods.kaleidoscope.trials import by_packet, compared, parity
from tests.methods.kaleidoscope.replaying import SMALL, built, trace

CLASSES = ("a", "b", "c", "d", "e")
VERDICT = tuple(name for name in results.VERDICT.names if name != "_")
LOG = ("packet", "hash", "generation", "count", "stored", "bytes", "cycle")


def network(name: str, *, seed: int = 0) -> Deployed:
    """Of random weights, with ranges that fit random bytes."""
    torch.manual_seed(seed)
    family = FAMILIES[name](CLASSES)
    calibrate(family, torch.randint(256, (64, family.inputs), dtype=torch.uint8))
    return deploy(family.settled(integer=True).network(name, family=name))


@pytest.fixture(scope="module")
def coprocessor() -> Coprocessor:
    return Coprocessor(SMALL, network("mlp"), network("gru"))


@pytest.fixture(scope="module")
def rigs(coprocessor):
    return ModelRig(coprocessor), RtlRig(coprocessor, built(SMALL))


@pytest.mark.parametrize(
    "changes",
    [
        {"threshold": 3, "least_stored": 2},
        {"every": True, "threshold": 2, "least_stored": 1, "keep": True},
        {"mouse_on": False, "threshold": 4, "least_stored": 3},
        {"every": True, "mouse_words": 4, "elephant_on": False},
    ],
)
def test_packets_get_the_verdicts_of_the_rtl_in_its_cycles(rigs, coprocessor, changes):
    found = trace(len(changes), 500, flows=60)
    cycle = back_to_back(found.frames.wire, gbps=100, mhz=250)
    if "mouse_words" in changes:  # a core for words that its network does not read
        changes = {**changes, "mouse_words": 1}
    told = [
        rig.run(
            Packets(cycle, found.frames),
            settings=coprocessor.settings(**changes),
            watch=Watch(packets=True),
        )[0]
        for rig in rigs
    ]
    model, rtl = (by_packet(one.verdicts) for one in told)
    assert len(rtl) > 20
    for name in VERDICT:
        np.testing.assert_array_equal(model[name], rtl[name], err_msg=name)
    tracked = ~told[1].flag("kept")
    for name in LOG:
        ours, theirs = (one.packets[name][tracked] for one in told)
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
    for name in ("mouse_jobs", "mouse_drops", "elephant_jobs", "elephant_drops", "evictions"):
        assert told[0].counters[name] == told[1].counters[name], name
    table = compared(told[1], coprocessor.settings(**changes), coprocessor, found.frames)
    assert table["wrong"] == 0
    assert table["collisions"] > 0


@pytest.mark.parametrize("name", ["two_path", "textcnn"])
def test_every_network_is_fed_through_the_whole_front(name, tmp_path):
    """Also one that reads metadata beside the first payload, and a large one that reads the first
    payload: the golden outcome of what the packets brought, a beat's cycles after its last byte."""
    main = network(name)
    alone = (None, main) if main.large else (main, None)
    coprocessor = Coprocessor(SMALL, *alone)
    made = trace(9, 60, flows=60, lengths=(1, 20, 33, 64, 90, 700))
    apart = 2 * main.compiled.cycles + 100
    told = np.random.default_rng(0).integers(0, 256, (60, 8)).astype(np.uint8)
    data = made.payload[:, : main.network.inputs].copy()
    if name == "two_path":
        data[:, 32:] = 0
        data[:, 32:40] = told
    source = Packets(apart * np.arange(60), made.frames, main.metadata(data))
    settings = coprocessor.settings(every=True)
    model, rtl = (
        by_packet(rig.run(source, settings=settings)[0].verdicts)
        for rig in (ModelRig(coprocessor), RtlRig(coprocessor, built(SMALL)))
    )
    golden = activations.expected(main, main.golden(data))
    assert rtl["packet"].tolist() == list(range(60))
    np.testing.assert_array_equal(rtl["logits"][:, : len(CLASSES)], golden)
    for column in VERDICT:
        np.testing.assert_array_equal(model[column], rtl[column], err_msg=column)
    assert (rtl["elephant"] == main.large).all()
    assert set((rtl["done"] - rtl["last"] - main.compiled.cycles).tolist()) == {2, 3}


@pytest.mark.parametrize("elephant", [False, True])
def test_jobs_at_once_are_served_and_dropped_as_in_the_rtl(rigs, coprocessor, elephant):
    main = coprocessor.elephant if elephant else coprocessor.mouse
    data = np.random.default_rng(1).integers(0, 256, (90, main.network.inputs), np.uint8)
    jobs = Jobs(np.arange(90) // 3, data, elephant=elephant, droppable=True)
    told = [rig.run(jobs, settings=coprocessor.settings())[0] for rig in rigs]
    model, rtl = (by_packet(one.verdicts) for one in told)
    assert 0 < len(rtl) < 90
    for name in VERDICT:
        if name not in ("first", "last", "enqueue"):
            np.testing.assert_array_equal(model[name], rtl[name], err_msg=name)


def test_a_flipped_weight_is_a_mismatch_in_both(rigs, coprocessor):
    """The image is changed after the golden model was asked: parity has to see it."""
    mouse = coprocessor.mouse
    data = np.random.default_rng(2).integers(0, 256, (40, 32), np.uint8)
    before = [parity(rig, mouse, data)["mismatches"] for rig in rigs]
    assert before == [0, 0]
    weights = mouse.compiled.image.weights
    kept = weights.copy()
    try:
        weights[0, 0, 3] ^= 64
        after = [parity(rig, mouse, data) for rig in rigs]
    finally:
        weights[:] = kept
    assert after[0]["mismatches"] == after[1]["mismatches"] > 0
    assert after[1]["first"]["golden"] != after[1]["first"]["rtl"]


def test_the_first_byte_that_differs_is_told_with_both_values(coprocessor):
    mouse = coprocessor.mouse
    data = np.random.default_rng(3).integers(0, 256, (3, 32), np.uint8)
    written, _ = activations.of_model(mouse, data)
    golden = mouse.golden(data)
    assert activations.first_difference(golden, written) is None
    written[1][2, 5] ^= 1
    expected = int(golden.written[1][2, 5])
    assert activations.first_difference(golden, written) == (2, 1, 5, expected, expected ^ 1)
