"""Programs with a closed form, several models in one core, mutations, and barrel mode."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.methods.kaleidoscope import barrel, machine
from engine.methods.kaleidoscope.image import Image, join
from engine.methods.kaleidoscope.isa import Fn, Instruction, Op
from engine.methods.kaleidoscope.simulator.design import cores
from engine.methods.kaleidoscope.simulator.process import ToolError
from engine.methods.kaleidoscope.simulator.records import Job, read_results, write_stimulus
from engine.methods.kaleidoscope.simulator.run import run
from tests.methods.kaleidoscope.layers import dense, image, mlp32, verdict
from tests.methods.kaleidoscope.programs import drawn, extremes
from tests.methods.kaleidoscope.simulated import binary, compare, mutated, simulate

MLP = mlp32(np.random.default_rng(5))


def fpe():
    return binary("verilator", lanes=8)


def payload(n: int, words: int = 1) -> np.ndarray:
    return np.random.default_rng([n, words]).integers(-128, 128, (n, words, 32)).astype(np.int8)


def test_the_identity_returns_its_input(tmp_path):
    weights = np.zeros((5, 8, 32))
    weights[:4] = 2 * np.eye(32).reshape(4, 8, 32)  # (2x·1 + 1) >> 1 = x
    program = [*dense(rows=32, columns=32, dst=8), verdict(a=8, w=4, row=4)]
    given = payload(4)
    layer = image(program, words=1, weights=weights, bias=np.zeros((5, 8)))
    records = simulate(fpe(), layer, given, tmp_path)
    assert (records.activations[8] == given[-1, 0]).all()


@pytest.mark.parametrize("relu", [False, True])
def test_zeros_return_the_requantised_bias(relu, tmp_path):
    bias = np.array([[-(2**31), 2**31 - 1, -1, 0, 1, 1000, -1000, 12345]])
    program = [*dense(rows=32, columns=32, dst=8, relu=relu), verdict(a=8, w=4, row=4)]
    layer = image(
        *(program,),
        words=1,
        weights=np.zeros((5, 8, 32)),
        bias=np.tile(bias, (5, 1)),
        multiplier=3,
        shift=7,
    )
    records = simulate(fpe(), layer, payload(1), tmp_path)
    expected = [(b * 3 + 64) >> 7 for b in bias[0].tolist()]
    expected = [min(127, max(0 if relu else -128, y)) for y in expected]
    assert records.activations[8].tolist() == expected * 4


@pytest.mark.parametrize(("k", "j"), [(1, 1), (4, 1), (4, 2), (2, 4), (1, 8)])
def test_a_dense_layer_of_logits_takes_its_issues_and_eight(k, j, tmp_path):
    """M = 8k, K = 32j: two cycles to the first issue, kj issues, seven to the verdict."""
    program = [
        replace(i, out=True, mask=0, dst=t // j if i.last else 0, n=7 if i.last else 0)
        if i.last
        else i
        for t, i in enumerate(dense(rows=8 * k, columns=32 * j, dst=0))
    ]
    program[-1] = replace(program[-1], end=True)
    weights = np.random.default_rng([k, j]).integers(-128, 128, (k * j, 8, 32))
    layer = image(program, words=j, weights=weights, bias=np.zeros((k, 8)))
    given = payload(3, words=j)
    records = simulate(fpe(), layer, given, tmp_path)
    assert (records.verdict - records.accepted == k * j + 8).all()
    product = given.reshape(3, -1).astype(int) @ _matrix(weights, k, j).T
    assert (records.logits[:, : 8 * k] == product).all()


def _matrix(tiles: np.ndarray, k: int, j: int) -> np.ndarray:
    return tiles.reshape(k, j, 8, 32).transpose(0, 2, 1, 3).reshape(8 * k, 32 * j)


def test_mlp_32_takes_32_cycles_whatever_the_data(tmp_path):
    ends = extremes(np.random.default_rng(1), (20, 1, 32))
    given = np.concatenate([payload(20), ends, np.zeros((2, 1, 32), np.int8)])
    outcome = machine.run(MLP, given)
    records = simulate(fpe(), MLP, given, tmp_path)
    assert set(records.verdict - records.accepted) == {32} == {outcome.cycles}
    assert compare(records, outcome).total == 0
    assert len(set(records.klass)) > 1


def test_ties_go_to_the_lowest_class(tmp_path):
    program = [verdict(a=0, w=0, row=t, dst=t, end=t == 3) for t in range(4)]
    bias = np.array([[-5, 7, 7, 0, 7, 1, 2, 3]] * 4)
    layer = image(program, words=1, weights=np.zeros((1, 8, 32)), bias=bias)
    records = simulate(fpe(), layer, payload(1), tmp_path)
    assert (records.klass[0], records.score[0]) == (1, 7)


def test_a_score_has_no_logits_of_the_job_before(tmp_path):
    both = join([MLP, scorer(threshold=1000)])
    jobs = [Job(x, model=m) for m, x in zip((0, 1, 1), payload(3), strict=True)]
    write_stimulus(tmp_path, both, jobs)
    run(binary("icarus", lanes=8), tmp_path)
    records = read_results(tmp_path, jobs=3)
    sums = np.abs(payload(3)[:, 0].astype(int)).sum(1)
    assert records.logits[0].any()
    assert not records.logits[1:].any()
    assert records.score[1:].tolist() == sums[1:].tolist()
    assert records.anomaly.tolist() == [False, *(sums[1:] > 1000)]


def scorer(*, threshold: int) -> Image:
    """The sum of |x|: the distance to x - x."""
    program = [
        Instruction(Op.EW, a=0, b=0, fn=Fn.SUB, dst=1, mask=15),
        Instruction(Op.SCORE, a=0, b=1, mask=15, first=True, last=True, end=True),
    ]
    scorer = image(program, words=1, weights=np.zeros((1, 8, 32)), bias=np.zeros((1, 8)))
    return replace(scorer, entries=(replace(scorer.entries[0], threshold=threshold),))


def test_a_second_model_runs_in_the_same_binary(tmp_path):
    """Two images one after the other, then both at once, job by job."""
    one, two = MLP, drawn(np.random.default_rng(3), lanes=8)
    simulator = fpe()
    for model in (one, two):
        given = payload(3, words=model.entries[0].words)
        assert (
            compare(simulate(simulator, model, given, tmp_path), machine.run(model, given)).total
            == 0
        )
    both = join([one, two])
    jobs = [Job(payload(1, words=both.entries[m].words)[0], model=m) for m in (1, 0, 1, 1, 0)]
    write_stimulus(tmp_path, both, jobs)
    run(simulator, tmp_path)
    records = read_results(tmp_path, jobs=5)
    for k, job in enumerate(jobs):
        alone = machine.run([one, two][job.model], job.payload[None])
        assert (records.logits[k] == alone.logits[0]).all()
        assert records.verdict[k] - records.accepted[k] == alone.cycles


# ---- mutations: a wrong bit must be seen --------------------------------------------------------


def test_one_flipped_weight_bit_is_seen(tmp_path):
    weights = MLP.weights.copy()
    weights[17, 1, 3] ^= 1
    given = payload(40)
    records = simulate(fpe(), replace(MLP, weights=weights), given, tmp_path)
    found = compare(records, machine.run(MLP, given))
    assert found.logits > 0
    assert found.cycles == 0


def test_one_changed_shift_in_an_image_is_seen(tmp_path):
    shift = MLP.shift.copy()
    shift[3] += 1
    given = payload(10)
    records = simulate(fpe(), replace(MLP, shift=shift), given, tmp_path)
    assert compare(records, machine.run(MLP, given)).writes > 0


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        ("kal_lane.v", "total >>> s6", "total >>> (s6 + 5'd1)"),
        ("kal_lane.v", "(48'd1 << (s6 - 5'd1))", "48'd0"),  # no rounding
        ("kal_lane.v", "total >>> s6", "$signed(total >> s6)"),  # a logical shift
        ("kal_write.v", "value > 48'sd127 ? 8'd127", "value > 48'sd127 ? 8'd126"),
        ("kal_store.v", "same_a && write_mask[q] ?", "1'b0 ?"),  # no forwarding
    ],
)
def test_a_mutation_of_the_rtl_is_seen(file, right, wrong, tmp_path):
    """In Icarus, whose build takes no time."""
    simulator = mutated(cores(lanes=8), file, right, wrong, tmp_path)
    found = 0
    for seed in range(4):
        image = drawn(np.random.default_rng([seed, 8]), lanes=8)
        given = extremes(np.random.default_rng(seed), (2, image.entries[0].words, 32))
        try:
            records = simulate(simulator, image, given, tmp_path)
        except ToolError as x:  # an old word was read that nothing had written
            if "is not a number" not in str(x):
                raise
            found += 1
            continue
        found += compare(records, machine.run(image, given)).total
    assert found > 0


# ---- barrel mode --------------------------------------------------------------------------------


def test_two_contexts_give_the_same_verdicts(tmp_path):
    """Each job's logits are those of a core that it has for itself."""
    images = [drawn(np.random.default_rng([seed, 8]), lanes=8) for seed in range(4)]
    for model in images:
        given = extremes(np.random.default_rng(2), (12, model.entries[0].words, 32))
        records = simulate(binary("verilator", lanes=8, contexts=2), model, given, tmp_path)
        alone = machine.run(model, given)
        assert (records.logits == alone.logits).all()
        assert (records.score == alone.score).all()
        assert (records.verdict - records.accepted >= alone.cycles).all()


@pytest.mark.parametrize("contexts", [1, 2])
def test_the_timeline_of_the_model_is_that_of_the_rtl(contexts, tmp_path):
    models = [MLP, drawn(np.random.default_rng(8), lanes=8)]
    for model in models:
        given = payload(30, words=model.entries[0].words)
        at = np.sort(np.random.default_rng(4).integers(0, 600, 30)).tolist()
        jobs = [Job(x, at=t) for x, t in zip(given, at, strict=True)]
        write_stimulus(tmp_path, model, jobs, level=1)
        run(binary("verilator", lanes=8, contexts=contexts), tmp_path)
        records = read_results(tmp_path, jobs=30)
        expected = barrel.timeline(model, at, contexts=contexts)
        assert records.accepted.tolist() == expected.accepted
        assert records.verdict.tolist() == expected.verdict
        issues = [tuple(row) for row in records.issues[:, [0, 2, 3]].tolist()]
        assert issues == expected.issues


def test_barrel_mode_gives_1_6_times_the_throughput_on_mlp_32(tmp_path):
    given = payload(200)
    each = {}
    for contexts in (1, 2):
        records = simulate(
            binary("verilator", lanes=8, contexts=contexts), MLP, given, tmp_path, level=0
        )
        each[contexts] = (records.verdict[-1] - records.verdict[99]) / 100
    assert each[1] == 32
    assert each[1] / each[2] >= 1.6
