"""A whole job in RTL, by Icarus, which builds in seconds: parity, the data plane, waveforms."""

from __future__ import annotations

import pytest

from engine.core.errors import UserError
from engine.methods.kaleidoscope.hardware import SLOW
from tests.methods.kaleidoscope import jobs
from tests.methods.kaleidoscope.simulated import CACHE, backend


@pytest.fixture(scope="module")
def simulated(tmp_path_factory, sample):
    backend("icarus")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENFOLD_CACHE", str(CACHE))
        folder = tmp_path_factory.mktemp("jobs") / "icarus"
        yield folder, jobs.run(folder, sample, backend="icarus", cores=1, table_bits=6)


@pytest.fixture
def folder(simulated):
    return simulated[0]


def test_every_oracle_of_the_rtl_holds(simulated, summary):
    folder, found = simulated
    verified = jobs.events(folder, "verify")
    assert len(verified) == 12
    assert all(event["ok"] for event in verified), verified
    assert found["rtl_mismatches"] == 0
    assert "model_mismatches" not in found
    assert found["latency_cycles"] == summary["latency_cycles"]  # of the cycle model
    assert found["cycles_per_second"] > 50


def test_the_result_names_its_simulator(folder):
    told = {}
    for event in jobs.events(folder, "env"):
        told |= event["environment"]
    assert told["backend"] == "icarus"
    assert "Icarus" in told["simulator"]
    overview = jobs.read(folder, "inspector/overview.json")
    assert told["rtl"] == overview["backend"]["rtl"]
    assert overview["backend"]["badge"] is None
    assert overview["parity"]["flows"] == SLOW.flows


def test_the_data_plane_is_the_same_whatever_the_engine_does(folder):
    rows = jobs.read(folder, "inspector/overview.json")["bypass"]["rows"]
    assert [row["engine"] for row in rows] == ["off", "on", "overloaded"]
    assert len({row["hash"] for row in rows}) == 1
    assert all(row["stalls"] == 0 for row in rows)


def test_a_packet_is_shown_as_the_rtl_has_it(folder):
    answers = jobs.whatif(folder)
    found = jobs.asked(answers, "packet", flow=4)
    assert found["logits"]["rtl"] == found["logits"]["golden"]
    assert found["first_difference"] is None
    for step in found["steps"]:
        assert step["rtl"] == step["golden"]


def test_waveforms_show_the_verdict_in_the_cycle_that_the_job_tells(folder):
    assert (folder / "wave.vcd").stat().st_size > 1000
    answers = jobs.whatif(folder)
    shown = jobs.asked(answers, "wave", flow=0, start=0, cycles=120)
    signals = {signal["name"]: signal["changes"] for signal in shown["signals"]}
    rises = [cycle for cycle, value in signals["verdict_valid"] if value == 1]
    last = jobs.read(folder, "inspector/overview.json")["latency"]["idle"]
    assert rises[0] - last in range(4)  # beats before the last needed byte, and one to tell it
    classes = list(answers.stored["names"])
    told = [value for cycle, value in signals["verdict_class"] if cycle <= rises[0]][-1]
    assert classes[told] == answers.flows[0]["answer"]
    with pytest.raises(UserError, match="start: expected a cycle of the run"):
        jobs.asked(answers, "wave", flow=0, start=100_000, cycles=10)


def test_icarus_does_not_verify_loads(folder):
    with pytest.raises(UserError, match="Icarus would take minutes"):
        jobs.asked(jobs.whatif(folder), "verify", cores=1)
