"""Packets through the whole co-processor: parser, payload, jobs, cycles, data plane, logs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engine.methods.kaleidoscope import results
from engine.methods.kaleidoscope.arrivals import back_to_back, on_bus
from engine.methods.kaleidoscope.frames import BEAT, Frames
from engine.methods.kaleidoscope.replay import Machine, run
from engine.methods.kaleidoscope.results import Results
from engine.methods.kaleidoscope.simulator.build import lint
from engine.methods.kaleidoscope.stimulus import Packets, Settings, Watch
from tests.methods.kaleidoscope.replaying import (
    CLASSES,
    SMALL,
    WATCH,
    Trace,
    built,
    image,
    logits,
    play,
    trace,
)
from tests.methods.kaleidoscope.simulated import backend

MICE = image(lanes=8, words=[1, 2, 4], cycles=[20, 25, 30])
ELEPHANTS = image(lanes=32, words=[8], cycles=[40], seed=1)
DELAY = 6  # cycles of the data plane
MULTIPLIER = 0x9E3779B97F4A7C15  # of its hash


def header_beat(frames: Frames) -> np.ndarray:
    """The beat that completes the header: behind the ports of UDP, the data offset of TCP."""
    version = np.where(frames.head[:, 12] == 8, 4, 6)
    l4 = 14 + np.where(version == 4, 20, 40)
    proto = np.where(version == 4, frames.head[:, 23], frames.head[:, 20])
    return (l4 + np.where(proto == 6, 13, 4) - 1) // BEAT


def last_beat(made: Trace, words: int) -> np.ndarray:
    """The beat of the last needed payload byte; the header's where there is no payload."""
    need = np.minimum(made.payload_length, 32 * words)
    last = (made.frames.start + need - 1) // BEAT
    return np.where(need > 0, last, header_beat(made.frames))


@pytest.fixture(scope="module")
def busy(tmp_path_factory) -> tuple[Trace, np.ndarray, Results]:
    """A dense trace of 1,500 packets, all of 128 bytes' need, mice and elephants."""
    made = trace(1, 1500, flows=120)
    cycle = back_to_back(made.frames.wire, gbps=60, mhz=250)
    settings = Settings(
        every=True,
        elephant_on=True,
        threshold=4,
        least_stored=3,
        mouse_model=2,
        mouse_words=4,
        elephant_encoding="centred",
    )
    found = play(
        SMALL,
        tmp_path_factory.mktemp("busy"),
        traffic=Packets(cycle, made.frames),
        settings=settings,
        images=(MICE, ELEPHANTS),
    )
    return made, on_bus(cycle, made.frames.beats), found


def test_each_verdict_is_of_the_payload_that_was_sent(busy):
    made, _, found = busy
    mice = found.verdicts[found.verdicts["elephant"] == 0]
    assert len(mice) > 300
    expected = logits(MICE, (made.payload >> 1).astype(np.int8))[mice["packet"]]
    np.testing.assert_array_equal(mice["logits"][:, :CLASSES], expected)
    np.testing.assert_array_equal(mice["class"], expected.argmax(1))
    np.testing.assert_array_equal(mice["score"], expected.max(1))


def test_an_elephant_is_judged_by_the_first_payloads_of_its_flow(busy):
    made, _, found = busy
    history = np.zeros((len(made), 8, 32), np.uint8)
    kept: dict[tuple[int, int], list[np.ndarray]] = {}
    log = found.packets[np.argsort(found.packets["packet"])]
    for n, (row, generation) in enumerate(zip(made.hash & 63, log["generation"], strict=True)):
        words = kept.setdefault((int(row), int(generation)), [])
        if made.payload_length[n] and len(words) < 8:
            words.append(made.payload[n, :32])
        history[n, : len(words)] = words if words else 0
    elephants = found.verdicts[found.verdicts["elephant"] == 1]
    assert len(elephants) > 30
    encoded = (history.reshape(-1, 256) ^ 0x80).view(np.int8)
    expected = logits(ELEPHANTS, encoded)[elephants["packet"]]
    np.testing.assert_array_equal(elephants["logits"][:, :CLASSES], expected)


def test_the_log_names_the_beats_of_each_packet(busy):
    made, first, found = busy
    mice = found.verdicts[found.verdicts["elephant"] == 0]
    np.testing.assert_array_equal(mice["first"], first[mice["packet"]])
    last = first + last_beat(made, 4)
    np.testing.assert_array_equal(mice["last"], last[mice["packet"]])
    elephants = found.verdicts[found.verdicts["elephant"] == 1]
    last = first + last_beat(made, 1)
    np.testing.assert_array_equal(elephants["last"], last[elephants["packet"]])


def test_counters_agree_with_the_logs(busy):
    made, _, found = busy
    c = found.counters
    mouse = found.verdicts["elephant"] == 0
    assert c["packets"] == len(made) == len(found.packets) == found.shadow["passed"]
    assert c["with_payload"] == (made.payload_length > 0).sum()
    for kind, count in (("mouse", mouse.sum()), ("elephant", (~mouse).sum())):
        assert c[f"{kind}_jobs"] == found.flag(kind).sum()
        assert c[f"{kind}_jobs"] - c[f"{kind}_drops"] == c[f"{kind}_started"] == count
        assert c[f"{kind}_verdicts"] == count
    assert c["mouse_drops"] > 0, "the trace was meant to be too much for two cores"
    assert c["flows"] == found.flag("started").sum()
    assert c["evictions"] == found.flag("evicted").sum()
    assert c["overruns"] == c["cut"] == c["unparsed"] == 0
    assert found.shadow["beats"] == made.frames.beats.sum()
    assert found.issues[0] + found.issues[1] == 4 * mouse.sum()
    assert found.issues[2] == 8 * (~mouse).sum()


def test_depths_are_logged_over_time(busy):
    _, _, found = busy
    depths = found.depths
    assert (np.diff(depths["cycle"].astype(int)) == WATCH.depth_period).all()
    assert depths["mouse"].max() == SMALL.mouse_depth
    assert depths["mouse_drops"][-1] == found.counters["mouse_drops"]
    assert depths["busy"].max() <= WATCH.depth_period * SMALL.cores
    assert found.busy.sum() - WATCH.depth_period * SMALL.cores <= depths["busy"].sum()


@pytest.mark.parametrize("words", [1, 2, 4])
def test_an_idle_core_accepts_two_cycles_after_the_last_byte(words, tmp_path):
    """Three where the header is in the same beat; one more where chunks meet in a beat."""
    made = trace(words, 120, flows=120)
    cycle = 60 * np.arange(len(made))
    found = play(
        SMALL,
        tmp_path,
        traffic=Packets(cycle, made.frames),
        settings=Settings(mouse_words=words, mouse_model=words // 2, every=True),
        images=(MICE,),
    )
    packet = found.verdicts["packet"]
    last = last_beat(made, words)
    lag = found.verdicts["start"] - cycle[packet] - last[packet]
    same = last == header_beat(made.frames)
    need = np.minimum(made.payload_length, 32 * words)
    first_chunk = (made.frames.start + 63) // BEAT
    meet = (need > 64) & (last == first_chunk)
    np.testing.assert_array_equal(lag, (2 + same + meet)[packet])
    assert {2, 3} == set(lag) - {4}
    took = found.verdicts["done"] - found.verdicts["start"]
    assert set(took.tolist()) == {MICE_CYCLES[words]}
    np.testing.assert_array_equal(found.verdicts["enqueue"], found.verdicts["start"] - 1)


MICE_CYCLES = {1: 20, 2: 25, 4: 30}


def hash_of(frames: Frames) -> int:
    """What kal_shadow computes over all beats: folded to 64 bits, chained by multiplication."""
    total, mask = 0, (1 << 64) - 1
    for head, beats in zip(frames.head, frames.beats.tolist(), strict=True):
        data = head.tobytes().ljust(beats * BEAT, b"\0")
        for beat in range(beats):
            words = np.frombuffer(data[beat * BEAT : (beat + 1) * BEAT], "<u8").tolist()
            folded = (beat == 0) << 1 | (beat == beats - 1)
            for turn, word in enumerate(words):
                folded ^= (word << turn | word >> 64 - turn) & mask
            total = (total * MULTIPLIER + folded) & mask
    return total


def test_the_data_plane_never_notices_the_engine(tmp_path):
    made = trace(3, 400, flows=40)
    packets = Packets(back_to_back(made.frames.wire, gbps=100, mhz=250), made.frames)
    every = Settings(every=True, elephant_on=True, threshold=2, least_stored=1, mouse_words=4)
    runs = {
        "off": Settings(mouse_on=False),
        "on": Settings(),
        "overloaded": replace(every, mouse_model=2),
    }
    found = {
        name: play(SMALL, tmp_path / name, traffic=packets, settings=s, images=(MICE, ELEPHANTS))
        for name, s in runs.items()
    }
    assert found["off"].counters["mouse_jobs"] == 0
    assert found["off"].shadow["marked"] == 0
    assert found["on"].shadow["marked"] > 0
    assert found["overloaded"].counters["mouse_drops"] > 0
    for one in found.values():
        assert one.hash == hash_of(made.frames)
        assert (one.shadow["shortest"], one.shadow["longest"]) == (DELAY, DELAY)
        assert one.shadow["stalls"] == 0
        assert one.shadow["passed"] == len(made)


def test_marked_packets_are_those_whose_look_up_found_a_verdict(busy):
    made, _, found = busy
    assert found.shadow["marked"] == (found.packets["verdict"] >> 7).sum()
    assert 0 < found.shadow["marked"] < len(made)


def test_both_simulators_write_the_same_bytes(tmp_path):
    made = trace(4, 60, flows=12)
    for kind in ("verilator", "icarus"):
        play(
            SMALL,
            tmp_path / kind,
            traffic=Packets(back_to_back(made.frames.wire, gbps=40, mhz=250), made.frames),
            settings=Settings(elephant_on=True, threshold=3, least_stored=2, every=True),
            images=(MICE, ELEPHANTS),
            watch=replace(WATCH, issues=(0, 100), wave=(10, 20)),
            kind=kind,
        )
    for name in ("verdicts", "packets", "depths", "issues", "counters"):
        one, other = (tmp_path / kind / f"{name}.bin" for kind in ("verilator", "icarus"))
        assert one.read_bytes() == other.read_bytes(), name
        assert one.stat().st_size > 0


@pytest.mark.parametrize("kind", ["verilator", "icarus"])
def test_a_run_tells_what_its_cores_and_queues_do_on_its_way(kind, tmp_path):
    made = trace(10, 150, flows=30)
    moments: list[results.Moment] = []
    found, _ = run(
        built(SMALL, kind),
        SMALL,
        tmp_path,
        settings=Settings(elephant_on=True, threshold=3, least_stored=2, every=True),
        images={group: one.stream() for group, one in enumerate((MICE, ELEPHANTS))},
        traffic=Packets(back_to_back(made.frames.wire, gbps=100, mhz=250), made.frames),
        on_progress=moments.append,
    )
    last = moments[-1]
    assert (last.mouse_drops, last.elephant_drops) == (
        found.counters["mouse_drops"], found.counters["elephant_drops"],
    )  # fmt: skip
    assert last.verdicts == len(found.verdicts)
    assert list(last.busy) == found.busy.tolist()
    assert 0 < max(last.busy) < last.cycles < found.counters["cycles"]
    assert max(moment.mouse_depth for moment in moments) > 2
    if kind == "icarus":  # tells by cycles, the other by the clock on the wall
        assert len(moments) > 3
        busy = np.array([moment.busy for moment in moments])
        cycles = np.array([moment.cycles for moment in moments])
        assert (np.diff(busy, axis=0) <= np.diff(cycles)[:, None]).all()
        assert (np.diff(busy, axis=0) >= 0).all()


def test_a_window_of_issues_and_a_waveform(tmp_path):
    made = trace(5, 30, flows=30, lengths=(32,))
    window = (20, 90)
    found = play(
        SMALL,
        tmp_path,
        traffic=Packets(10 * np.arange(30), made.frames),
        settings=Settings(mouse_words=2, mouse_model=1),
        images=(MICE,),
        watch=Watch(issues=window, wave=window),
        kind="icarus",
    )
    events = found.events
    assert window[0] <= events["cycle"].min() <= events["cycle"].max() < window[1]
    issued = events[events["issue"] == 1]
    starts = found.verdicts["start"]
    # The port tells an issue one cycle after it; the first is two after acceptance.
    expected = [(s + 3, MICE.entries[1].pc) for s in starts.tolist() if 20 <= s + 3 < 90]
    heads = issued[issued["pc"] == MICE.entries[1].pc]
    assert expected == list(zip(heads["cycle"].tolist(), heads["pc"].tolist(), strict=True))
    assert set((issued["op"] & 15).tolist()) == {1}
    wave = (tmp_path / "wave.vcd").read_text()
    assert "mouse_depth" in wave
    times = [int(line[1:]) for line in wave.splitlines() if line.startswith("#")]
    assert times[-1] - times[0] == pytest.approx(4 * (window[1] - window[0]), abs=8)


def insert(made: Trace, at: int, data: bytes) -> Frames:
    """The same frames with `data` at byte `at` of each."""
    frames, size = made.frames, len(data)
    head = frames.head.copy()
    head[:, at + size :] = frames.head[:, at : -size or None]
    head[:, at : at + size] = np.frombuffer(data, np.uint8)
    return replace(
        frames,
        head=head,
        kept=frames.kept + size,
        wire=frames.wire + size,
        start=frames.start + size,
    )


def tagged(made: Trace, tags: int) -> Frames:
    return insert(made, 12, bytes.fromhex("88a8000181000002")[8 - 4 * tags :])


def test_tags_and_options_are_passed_over(tmp_path):
    made = trace(6, 40, flows=40, lengths=(10, 32, 60))
    four = made.frames.head[:, 12] == 8
    with_options = insert(made, 34, bytes(40))
    with_options.head[four, 14] = 0x4F
    with_options.head[four, 16:18] = (
        np.array(with_options.bytes[four] + 40, ">u2").view(np.uint8).reshape(-1, 2)
    )
    variants = {
        "one tag": (tagged(made, 1), np.ones(len(made), bool)),
        "two tags": (tagged(made, 2), np.ones(len(made), bool)),
        "IPv4 options": (with_options, four),
    }
    for name, (frames, which) in variants.items():
        found = play(
            SMALL,
            tmp_path / name,
            traffic=Packets(40 * np.arange(which.sum()), frames.take(which)),
            settings=Settings(every=True),
            images=(MICE,),
        )
        assert found.counters["unparsed"] == 0, name
        np.testing.assert_array_equal(found.packets["hash"], made.hash[which], err_msg=name)
        encoded = (made.payload[which, :32] >> 1).astype(np.int8)
        expected = logits(MICE, encoded)[found.verdicts["packet"]]
        np.testing.assert_array_equal(found.verdicts["logits"][:, :CLASSES], expected)


def test_what_cannot_be_parsed_passes_and_is_counted(tmp_path):
    made = trace(7, 24, flows=24, lengths=(40,), header=False)
    head = made.frames.head.copy()
    four = head[:, 12] == 8
    spoil = np.arange(24) % 4
    head[spoil == 0, 12:14] = (0x08, 0x06)  # ARP
    head[(spoil == 1) & four, 21] = 0x20  # a later fragment
    head[(spoil == 1) & ~four, 20] = 44  # IPv6: a fragment header
    head[(spoil == 2) & four, 23] = 1  # ICMP
    head[(spoil == 2) & ~four, 20] = 58
    found = play(
        SMALL,
        tmp_path,
        traffic=Packets(np.arange(24), replace(made.frames, head=head)),
        settings=Settings(every=True),
        images=(MICE,),
    )
    assert found.counters["unparsed"] == (spoil < 3).sum()
    assert sorted(found.packets["packet"].tolist()) == np.flatnonzero(spoil == 3).tolist()
    assert found.shadow["passed"] == 24
    assert found.counters["mouse_verdicts"] == (spoil == 3).sum()


def test_a_frame_that_ends_before_its_header_says_makes_no_job(tmp_path):
    made = trace(8, 10, flows=10, lengths=(1400,), header=False)
    short = np.arange(10) % 2 == 0
    wire = np.where(short, 68, made.frames.wire)  # one beat
    found = play(
        SMALL,
        tmp_path,
        traffic=Packets(10 * np.arange(10), replace(made.frames, wire=wire)),
        settings=Settings(every=True, mouse_words=4, mouse_model=2),
        images=(MICE,),
    )
    assert found.counters["mouse_verdicts"] == (~short).sum()
    assert found.counters["cut"] + found.counters["unparsed"] == short.sum()


def test_a_run_that_did_not_end_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"counters\.bin is missing"):
        results.read(tmp_path, cores=1)
    Path(tmp_path / "counters.bin").write_bytes(b"\0" * 8)
    with pytest.raises(ValueError, match="2 values, expected 257"):
        results.read(tmp_path, cores=1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"mouse_words": 5}, "mouse_words=5: expected 1 to 4"),
        ({"threshold": 0}, "threshold=0: expected 1 to 65535"),
        ({"least_stored": 9}, "least_stored=9: expected 1 to 8"),
        ({"first_large": True, "elephant_on": True}, "first_large: expected without elephant_on"),
        ({"with_metadata": True}, "mouse_words=1: expected 2 with metadata"),
    ],
)
def test_settings_beyond_the_registers_are_refused(change, text):
    with pytest.raises(ValueError, match=text):
        Settings(**change)


@pytest.mark.parametrize("kind", ["verilator", "icarus"])
def test_the_whole_is_lint_clean(kind, tmp_path):
    assert lint(backend(kind), Machine(fpe=3, hpe=2, h=16).design(), folder=tmp_path) == ""
