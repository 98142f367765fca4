"""Questions about a finished job of Kaleidoscope."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import UserError
from engine.methods.kaleidoscope import activations, vcd, whatif
from engine.methods.kaleidoscope.simulator.process import Stopped
from engine.methods.kaleidoscope.simulator.tools import Backend
from tests.methods.kaleidoscope import jobs


@pytest.fixture(scope="module")
def answers(modelled):
    return jobs.whatif(modelled)


def test_a_packet_is_followed_to_the_verdict_that_the_job_told(answers):
    for flow in (0, 5, 17):
        found = jobs.asked(answers, "packet", flow=flow)
        row = answers.flows[flow]
        assert found["verdict"] == row["answer"]
        assert found["label"] == row["label"]
        classes = list(answers.stored["names"])
        assert classes[int(np.argmax(found["logits"]["golden"]))] == row["answer"]
        assert classes[int(np.argmax(found["logits"]["float"]))] == row["float"]
        assert found["first_difference"] is None
        assert [step["name"] for step in found["steps"]] == ["input", "hidden1", "hidden2"]
        assert np.array(found["encoded"]).tolist() == [byte >> 1 for byte in found["bytes"]]


def test_rtl_is_shown_only_where_it_ran(answers):
    found = jobs.asked(answers, "packet", flow=1)
    assert found["logits"]["rtl"] is None
    assert all(step["rtl"] is None for step in found["steps"])


def test_a_simulator_that_is_not_in_the_cache_gives_no_rtl(answers, monkeypatch):
    """The tool is here, and was the job's, but nothing was built: nothing ran, nothing agrees."""
    monkeypatch.setattr(answers, "backend", Backend("verilator", "Verilator"), raising=False)
    monkeypatch.setattr(whatif, "build", absent)
    found = jobs.asked(answers, "packet", flow=1)
    assert all(step["rtl"] is None for step in found["steps"])


def absent(*_given, **_options):
    raise Stopped


def test_an_int8_layer_is_its_real_values_but_for_rounding(answers):
    found = jobs.asked(answers, "packet", flow=2)
    for step in found["steps"][1:]:
        off = np.array(step["golden"]) * step["scale"] - np.array(step["float"])
        assert np.abs(off).mean() < 0.1 * (1 + np.abs(step["float"]).max())


def test_saliency_is_the_lead_that_a_byte_is_worth(answers):
    found = jobs.asked(answers, "packet", flow=3)
    data = np.array(found["bytes"], np.uint8)

    def lead(rows):
        logits = activations.expected(answers.main, answers.main.golden(rows))[0].astype(int)
        winner = int(np.argmax(found["logits"]["golden"]))
        return int(logits[winner] - np.delete(logits, winner).max())

    for byte in (0, 7, 31):
        changed = data.copy()
        changed[byte] = 0
        assert found["saliency"][byte] == lead(data[None]) - lead(changed[None])


def test_more_cores_wait_less_and_half_of_those_needed_lose(answers):
    waits = [
        jobs.asked(answers, "load", cores=cores, gbps=60)["wait_cycles"] for cores in (4, 6, 8)
    ]
    assert waits == sorted(waits, reverse=True)
    needed = jobs.asked(answers, "load", gbps=100)["cores_needed"]
    assert jobs.asked(answers, "load", gbps=100, cores=needed // 2)["loss"] > 0.3
    enough = jobs.asked(answers, "load", gbps=100, cores=needed * 2)
    assert enough["loss"] == pytest.approx(0, abs=1e-6)
    assert enough["served_gbps"] == pytest.approx(100)
    assert len(enough["curve"]["load"]) == len(enough["curve"]["wait"])
    assert enough["curve"]["wait"] == sorted(enough["curve"]["wait"])


def test_packets_too_fast_for_the_payload_bus_are_refused(answers):
    with pytest.raises(UserError, match="gbps: packets of 64 bytes come every"):
        jobs.asked(answers, "load", gbps=1000, length=64)


@pytest.mark.parametrize("question", ["verify", "wave"])
def test_what_needs_rtl_is_refused_after_a_job_without(answers, question):
    values = {"flow": 0} if question == "wave" else {}
    with pytest.raises(UserError, match="ran on the cycle model, which is no RTL"):
        jobs.asked(answers, question, **values)


def test_other_hardware_than_was_built_is_refused(answers):
    with pytest.raises(UserError, match="cores: this job's hardware was built with 8"):
        jobs.asked(answers, "verify", cores=4)


def test_a_flow_that_is_not_there_is_refused(answers):
    with pytest.raises(UserError, match="flow: expected 0 to"):
        jobs.asked(answers, "packet", flow=100_000)


DUMP = """$timescale 1ps $end
$scope module bench $end
$scope module top $end
$var wire 1 ! in_valid $end
$var wire 64 " in_data [63:0] $end
$var wire 1 # of_no_interest $end
$upscope $end
$upscope $end
$enddefinitions $end
#8000
0!
bx "
1#
#10000
#12000
1!
b1111111111111111111111111111111111111111111111111111111111111111 "
#16000
1!
b101 "
"""


OF_ICARUS = """$timescale
\t1s
$end
$scope module top $end
$var wire 1 ! in_valid $end
$upscope $end
$enddefinitions $end
#784
$dumpvars
x!
#786
0!
#790
1!
#792
$dumpoff
x!
$end
"""


def test_a_dump_of_icarus_ends_where_it_was_switched_off(tmp_path):
    path = tmp_path / "wave.vcd"
    path.write_text(OF_ICARUS)
    (valid,) = vcd.signals(path, start=0)
    assert valid["changes"] == [[0, 0], [1, 1]]


def test_a_dump_becomes_changes_by_cycle(tmp_path):
    path = tmp_path / "wave.vcd"
    path.write_text(DUMP)
    valid, data = vcd.signals(path, start=20)
    assert valid == {
        "name": "in_valid", "width": 1, "kind": "bit", "changes": [[20, 0], [21, 1]]
    }  # fmt: skip
    assert data["changes"] == [[20, "x"], [21, "0xffffffffffffffff"], [22, 5]]
