"""The front end without RTL: when a packet's header and payload are there, and what jobs it makes.

Cycles are those of kal_parser, kal_payload and kal_former, for beats that follow each other without
gaps, which is how the bench plays a frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.methods.kaleidoscope import results, table_model
from engine.methods.kaleidoscope.arrivals import spread
from engine.methods.kaleidoscope.flowhash import flow_hash, symmetric_tuple
from engine.methods.kaleidoscope.frames import BEAT, ETHERNET, TCP, Frames
from engine.methods.kaleidoscope.isa import WORD
from engine.methods.kaleidoscope.stimulus import METADATA, Jobs, Packets, Settings

CHUNK = 64  # bytes of payload that the front end shifts in a cycle


@dataclass(frozen=True)
class Pushed:
    """n jobs for one group of cores, by the cycle of their push."""

    packet: NDArray[np.int64]
    push: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    row: NDArray[np.int64]
    generation: NDArray[np.int64]
    payload: NDArray[np.uint8]


def injected(jobs: Jobs) -> Pushed:
    """Jobs go in at most one a cycle."""
    cycle = spread(np.asarray(jobs.cycle, np.int64))
    zero = np.zeros(len(cycle), np.int64)
    return Pushed(np.arange(len(cycle)), cycle, cycle, cycle, zero, zero, jobs.payload)


def first_words(settings: Settings) -> int:
    """Words that a mouse job takes of the first payload."""
    return settings.mouse_words - settings.with_metadata


def beats(packets: Packets, mouse_words: int) -> dict[str, NDArray[np.int64]]:
    """Cycles (n,) of each packet: `first` beat, `look` into the table, `last` beat of the needed
    bytes, of the first word (`word`), and `push` of its job; `end` of its frame."""
    frames = packets.frames
    count = frames.beats
    before = np.cumsum(count) - count
    first = np.maximum.accumulate(np.asarray(packets.cycle, np.int64) - before) + before
    version, l4 = protocols(frames)
    header = first + ((version == 6) & (l4 == TCP))  # only there it ends in the second beat
    need = np.minimum(payload_bytes(frames), mouse_words * WORD)

    def beat_of(size: NDArray) -> NDArray[np.int64]:
        return first + (frames.start + np.maximum(size, 1) - 1) // BEAT

    last = beat_of(need)
    chunk = np.maximum(header + 1, beat_of(np.minimum(need, CHUNK)))
    done = np.where(need > CHUNK, np.maximum(chunk + 1, last), chunk) + 1
    return {
        "first": first,
        "look": header + 2,
        "last": last,
        "word": beat_of(np.minimum(need, WORD)),
        "push": np.maximum(done, header + 2),
        "end": first + count,
    }


def protocols(frames: Frames) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(n,) 4 or 6, and (n,) the number of TCP or UDP."""
    v6 = frames.head[:, 12] == 0x86
    at = np.where(v6, ETHERNET + 6, ETHERNET + 9)
    return np.where(v6, 6, 4), frames.head[np.arange(len(frames)), at].astype(np.int64)


def kinds(frames: Frames, words: int) -> NDArray[np.int64]:
    """(n, 6) all that the time ahead of a core may depend on: IP version, protocol, where the
    payload begins, the beats that end its first and its last needed word, and whether it is needed
    beyond a chunk."""
    need = np.minimum(payload_bytes(frames), words * WORD)
    ends = [(frames.start + np.clip(need, 1, most) - 1) // BEAT for most in (WORD, words * WORD)]
    return np.stack([*protocols(frames), frames.start, *ends, need > CHUNK], axis=1)


def payload_bytes(frames: Frames) -> NDArray[np.int64]:
    return frames.bytes - (frames.start - ETHERNET)


def tuples(frames: Frames) -> NDArray[np.uint8]:
    """(n, 13) as flowhash.py has them, read back from the frames."""
    head, rows = frames.head, np.arange(len(frames))
    v6 = head[:, 12] == 0x86
    ip = np.where(v6, 40, 20)
    v4 = np.zeros((len(frames), 2, 16), np.uint8)
    v4[:, :, 10:12] = 0xFF
    v4[:, 0, 12:], v4[:, 1, 12:] = head[:, 26:30], head[:, 30:34]
    long = np.stack([head[:, 22:38], head[:, 38:54]], axis=1)
    ends = np.where(v6[:, None, None], long, v4)
    at = ETHERNET + ip
    ports = [head[rows, at + k].astype(np.int64) << 8 | head[rows, at + k + 1] for k in (0, 2)]
    l4 = head[rows, np.where(v6, ETHERNET + 6, ETHERNET + 9)]
    return symmetric_tuple(
        version=np.where(v6, 6, 4), l4=l4, src=ends[:, 0], dst=ends[:, 1], sport=ports[0],
        dport=ports[1],
    )  # fmt: skip


def decided(
    packets: Packets, settings: Settings, *, h: int, counters: dict[str, int]
) -> tuple[NDArray, dict[bool, Pushed], int]:
    """The log of packets, the jobs by whether they are an elephant's, and the last cycle."""
    frames = packets.frames
    at = beats(packets, first_words(settings))
    hashes, checks = flow_hash(tuples(frames))
    payload = payload_bytes(frames)
    decisions, _ = table_model.decide(
        settings, h=h, time=at["first"], look=at["look"], hashes=hashes,
        checks=checks, sizes=frames.bytes, payload=payload,
    )  # fmt: skip
    log = np.zeros(len(frames), results.PACKET)
    for name, values in {
        "packet": np.arange(len(frames)),
        "hash": hashes,
        "generation": decisions["generation"],
        "count": decisions["count"],
        "stored": decisions["stored"],
        "bytes": decisions["bytes"],
        "cycle": at["look"],
        "flags": sum(
            (decisions[flag].astype(np.int64) << bit)
            for bit, flag in enumerate(results.FLAGS)
            if flag in (decisions.dtype.names or ())
        ),
    }.items():
        log[name] = values
    counters |= {
        "packets": len(frames),
        "with_payload": int((payload > 0).sum()),
        "flows": int(decisions["started"].sum()),
        "expired": int(decisions["expired"].sum()),
        "evictions": int(decisions["evicted"].sum()),
        "collisions": int((decisions["evicted"] | decisions["kept"]).sum()),
        "kept_out": int(decisions["kept"].sum()),
    }
    columns = np.arange(table_model.STORED * WORD)
    place = np.minimum(frames.start[:, None] + columns, frames.head.shape[1] - 1)
    first = frames.head[np.arange(len(frames))[:, None], place]
    first[columns >= payload[:, None]] = 0
    mice = first
    if settings.with_metadata:
        mice = np.zeros_like(first)
        mice[:, :WORD] = first[:, :WORD]
        if packets.metadata is not None:
            mice[:, WORD : WORD + METADATA] = packets.metadata
    jobs = {}
    for elephant, name, last in ((False, "mouse", "last"), (True, "elephant", "word")):
        which = np.flatnonzero(decisions[name])
        if which.size:
            data = _histories(decisions, payload, first, which) if elephant else mice[which]
            rows_of = decisions["row"][which].astype(np.int64)
            generation = decisions["generation"][which].astype(np.int64)
            jobs[elephant or settings.first_large] = Pushed(
                which, at["push"][which], at["first"][which], at[last][which], rows_of, generation,
                data,
            )  # fmt: skip
    return log, jobs, int(at["end"].max(initial=0))


def _histories(
    decisions: NDArray, payload: NDArray, first: NDArray[np.uint8], which: NDArray
) -> NDArray[np.uint8]:
    """(k, 256): the first words of up to eight packets of the flow, this one included."""
    life = np.zeros(len(decisions), np.int64)  # a row's generations, without wrapping
    for row in np.unique(decisions["row"][which]):
        here = np.flatnonzero((decisions["row"] == row) & ~decisions["kept"])
        life[here] = np.cumsum(decisions["started"][here])
    found = np.zeros((len(which), table_model.STORED * WORD), np.uint8)
    carries = (payload > 0) & ~decisions["kept"]
    for k, packet in enumerate(which):
        same = (decisions["row"] == decisions["row"][packet]) & (life == life[packet]) & carries
        known = np.flatnonzero(same[: packet + 1])[: table_model.STORED]
        found[k, : len(known) * WORD] = first[known, :WORD].ravel()
    return found
