"""Flows: both directions as one, their payload and their history."""

from __future__ import annotations

import numpy as np

from engine.data.traffic import io
from tests.engine.data.making import zip_of
from tests.engine.data.traffic.wire import (
    AT,
    A,
    B,
    ethernet,
    exchange,
    ipv4,
    laid,
    pcap,
    tcp,
    udp,
    warnings,
)


def up(payload: bytes, sport: int = 9000) -> bytes:
    return ethernet(ipv4(A, B, tcp(sport, 80, payload)))


def down(payload: bytes, sport: int = 9000) -> bytes:
    return ethernet(ipv4(B, A, tcp(80, sport, payload)))


def load(tmp_path, *frames: bytes, step: int = 1_000_000):
    packets = [(at * step, frame) for at, frame in enumerate(frames)]
    return io.load(laid(tmp_path, pcap(packets)))


def test_both_directions_are_one_flow_and_tcp_is_not_udp(tmp_path):
    found = load(
        tmp_path,
        down(b""),
        up(b"ask"),
        ethernet(ipv4(A, B, udp(9000, 80, b"u"))),
        down(b"answer"),
        up(b"other", 9001),
    )
    assert found.packets.flow.tolist() == [0, 0, 1, 0, 2]
    assert found.packets.direction.tolist() == [0, 1, 0, 0, 0]
    flows = found.flows
    assert [flows.name(flow) for flow in range(3)] == [
        "TCP 10.0.0.2:80 → 10.0.0.1:9000",
        "UDP 10.0.0.1:9000 → 10.0.0.2:80",
        "TCP 10.0.0.1:9001 → 10.0.0.2:80",
    ]
    assert flows.packets.tolist() == [3, 1, 1]
    assert flows.payload_packets.tolist() == [2, 1, 1]
    assert flows.wire_bytes.tolist() == [54 * 3 + 9, 42 + 1, 54 + 5]
    assert flows.first_packet.tolist() == [0, 2, 4]
    assert flows.first_payload_packet.tolist() == [1, 2, 4]
    assert flows.duration_ns.tolist() == [3_000_000, 0, 0]
    assert bytes(flows.first_payload[0, :4]) == b"ask\0"


def test_an_end_that_talks_to_itself(tmp_path):
    frame = ethernet(ipv4(A, A, udp(5, 5, b"me")))
    found = load(tmp_path, frame, frame)
    assert found.flows.packets.tolist() == [2]
    assert found.packets.direction.tolist() == [0, 0]


def test_the_same_tuple_in_two_captures_is_two_flows(tmp_path):
    members = {"a.pcap": pcap(exchange(1, b"x", b"y")), "b.pcap": pcap(exchange(1, b"x", b"z"))}
    flows = io.load(zip_of(tmp_path / "a.zip", members)).flows
    assert flows.capture.tolist() == [0, 1]
    assert flows.packets.tolist() == [2, 2]


def test_the_history_is_of_the_first_eight_packets_with_payload(tmp_path):
    sent = [bytes([65 + at]) * (10 * at + 1) for at in range(12)]
    frames = [up(b"")]
    for at, payload in enumerate(sent):
        frames += [down(payload) if at % 2 else up(payload), up(b"", 7777)]
    flows = load(tmp_path, *frames).flows
    assert flows.payload_packets.tolist() == [12, 0]
    assert flows.history_lengths[0].tolist() == [len(payload) for payload in sent[:8]]
    assert flows.history_kept[0].tolist() == [min(32, len(payload)) for payload in sent[:8]]
    for at in range(8):
        assert bytes(flows.history[0, at]) == sent[at][:32].ljust(32, b"\0")
    assert flows.history_directions[0].tolist() == [0, 1] * 4
    assert flows.history_gaps_ns[0].tolist() == [0] + [2_000_000] * 7
    assert (flows.history_directions[1] == -1).all()
    assert not flows.history[1].any()
    assert not flows.first_payload[1].any()
    assert flows.with_payload.tolist() == [True, False]


def test_a_flow_keeps_128_bytes_and_a_packet_64(tmp_path):
    payload = bytes(range(1, 201))
    found = load(tmp_path, up(payload))
    assert bytes(found.flows.first_payload[0]) == payload[:128]
    assert found.flows.first_kept.tolist() == [128]
    assert bytes(found.packets.payload[0]) == payload[:64]
    assert found.packets.kept.tolist() == [64]
    assert found.packets.payload_length.tolist() == [200]


def test_times_that_run_backwards_are_told_as_they_are(tmp_path):
    found = io.load(laid(tmp_path, pcap([(5_000_000_000, up(b"a")), (0, down(b"b"))])))
    assert found.flows.duration_ns.tolist() == [5_000_000_000]
    assert found.flows.history_gaps_ns[0, :2].tolist() == [0, -5_000_000_000]
    assert found.captures[0].seconds == 5


def test_pauses_are_no_part_of_the_length(tmp_path):
    hour = 3600 * 10**9
    path = laid(tmp_path, pcap([(0, up(b"a")), (10**9, down(b"b")), (2 * hour, up(b"c"))]))
    assert io.load(path).captures[0].seconds == 1
    assert "1 capture with pauses of over an hour, which are left out" in warnings(path)


def test_flows_agree_with_a_plain_count(tmp_path):
    rng = np.random.default_rng(3)
    ends = [(A, 1), (A, 2), (B, 1), (B, 2)]
    expected: dict = {}
    frames = []
    for at in range(300):
        (src, sport), (dst, dport) = (ends[one] for one in rng.integers(4, size=2))
        payload = bytes(rng.integers(1, 256, size=rng.integers(0, 60), dtype=np.uint8))
        inside = (tcp if rng.random() < 0.5 else udp)(sport, dport, payload)
        frames.append(ethernet(ipv4(src, dst, inside)))
        key = (inside[0], frozenset([(src, sport), (dst, dport)]))
        known = expected.setdefault(key, {"first": at, "packets": 0, "loaded": [], "of": []})
        known["packets"] += 1
        known["loaded"] += [payload[:32]] if payload else []
        known["of"].append(at)
    found = load(tmp_path, *frames)
    assert len(found.flows) == len(expected)
    assert found.packets.time_ns[0] == AT * 10**9
    for flow, known in enumerate(expected.values()):
        assert found.flows.first_packet[flow] == known["first"]
        assert found.flows.packets[flow] == known["packets"]
        assert np.flatnonzero(found.packets.flow == flow).tolist() == known["of"]
        kept = found.flows.history_kept[flow]
        history = [
            bytes(row[:size]) for row, size in zip(found.flows.history[flow], kept, strict=True)
        ]
        assert [row for row in history if row] == known["loaded"][:8]
