"""Bidirectional flows out of packets, and what is known of each."""

from __future__ import annotations

import numpy as np

from engine.data.traffic.decode import PAYLOAD, Fields
from engine.data.traffic.traffic import Flows, Packets

IN_PACKETS = 64  # bytes of payload that packets keep; the first of a flow has all of PAYLOAD
HISTORY, WIDTH = 8, 32  # packets with payload of a flow, and bytes of each


def endpoints(address: np.ndarray, port: np.ndarray) -> np.ndarray:
    """(N, 18) uint8: address, then port with its high byte first."""
    return np.concatenate([address, port.astype(">u2").view(np.uint8).reshape(-1, 2)], axis=1)


def keys(
    capture: np.ndarray, l4: np.ndarray, one: np.ndarray, other: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(N,) one value for both directions of a 5-tuple, and (N,) whether `one` is its larger end."""
    swapped = one.view("S18")[:, 0] > other.view("S18")[:, 0]
    low = np.where(swapped[:, None], other, one)
    high = np.where(swapped[:, None], one, other)
    head = np.concatenate(
        [capture.astype(">u4").view(np.uint8).reshape(-1, 4), l4.astype(np.uint8)[:, None]], axis=1
    )
    packed = np.ascontiguousarray(np.concatenate([head, low, high], axis=1))
    return packed.view(f"V{packed.shape[1]}")[:, 0], swapped


def group(capture: np.ndarray, fields: Fields) -> tuple[Packets, Flows]:
    """Number the flows in the order of their first packets."""
    taken = np.flatnonzero(fields.reason == 0)
    ends = (
        endpoints(fields.src[taken], fields.sport[taken]),
        endpoints(fields.dst[taken], fields.dport[taken]),
    )
    key, swapped = keys(capture[taken], fields.l4[taken], *ends)
    _, first, number = np.unique(key, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    number, first = rank[number], first[order]
    flow = np.full(capture.size, -1, np.int32)
    flow[taken] = number
    direction = np.zeros(capture.size, np.int8)
    direction[taken] = swapped != swapped[first[number]]
    packets = Packets(
        capture=capture,
        flow=flow,
        direction=direction,
        payload=fields.payload[:, :IN_PACKETS].copy(),
        kept=fields.kept.clip(max=IN_PACKETS),
        **{
            name: getattr(fields, name)
            for name in Packets.__dataclass_fields__
            if name not in ("capture", "flow", "direction", "payload", "kept")
        },
    )
    return packets, _flows(packets, fields, taken, taken[first])


def _flows(packets: Packets, fields: Fields, taken: np.ndarray, first: np.ndarray) -> Flows:
    """Of the packets `taken`; `first` (F,) is each flow's first."""
    count = first.size
    of = packets.flow[taken]
    times = packets.time_ns[taken]
    earliest, latest = np.full(count, np.iinfo(np.int64).max), np.zeros(count, np.int64)
    np.minimum.at(earliest, of, times)
    np.maximum.at(latest, of, times)
    wire = np.zeros(count, np.int64)
    np.add.at(wire, of, packets.length[taken])
    loaded = taken[packets.kept[taken] > 0]
    by_flow = loaded[np.argsort(packets.flow[loaded], kind="stable")]
    of_loaded = packets.flow[by_flow]
    begins = np.searchsorted(of_loaded, np.arange(count))
    payload_packets = np.bincount(of_loaded, minlength=count)
    has = payload_packets > 0
    first_payload_packet = np.full(count, -1, np.int32)
    first_payload_packet[has] = by_flow[begins[has]]
    first_payload = np.zeros((count, PAYLOAD), np.uint8)
    first_payload[has] = fields.payload[first_payload_packet[has]]
    place = np.arange(by_flow.size) - begins[of_loaded]
    early = place < HISTORY
    return Flows(
        **{
            name: getattr(packets, name)[first]
            for name in ("capture", "version", "l4", "src", "dst", "sport", "dport")
        },
        first_packet=first.astype(np.int32),
        packets=np.bincount(of, minlength=count).astype(np.int32),
        payload_packets=payload_packets.astype(np.int32),
        wire_bytes=wire,
        duration_ns=latest - earliest,
        first_payload_packet=first_payload_packet,
        first_payload=first_payload,
        first_kept=np.where(has, fields.kept[first_payload_packet], 0).astype(np.uint8),
        **_history(packets, by_flow[early], place[early], count),
    )


def _history(
    packets: Packets, early: np.ndarray, place: np.ndarray, count: int
) -> dict[str, np.ndarray]:
    """Of the packets `early`, sorted by flow, each at its place in the history of its flow."""
    of = packets.flow[early]
    history = np.zeros((count, HISTORY, WIDTH), np.uint8)
    history[of, place] = packets.payload[early, :WIDTH]
    kept = np.zeros((count, HISTORY), np.uint8)
    kept[of, place] = packets.kept[early].clip(max=WIDTH)
    lengths = np.zeros((count, HISTORY), np.int32)
    lengths[of, place] = packets.payload_length[early]
    gaps = np.zeros((count, HISTORY), np.int64)
    later = np.flatnonzero(place > 0)
    gaps[of[later], place[later]] = (
        packets.time_ns[early[later]] - packets.time_ns[early[later - 1]]
    )
    directions = np.full((count, HISTORY), -1, np.int8)
    directions[of, place] = packets.direction[early]
    return {
        "history": history,
        "history_kept": kept,
        "history_lengths": lengths,
        "history_gaps_ns": gaps,
        "history_directions": directions,
    }
