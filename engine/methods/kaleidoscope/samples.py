"""From flows to samples: the bytes that a network reads, their classes and their captures.

A flow without payload, or without a label, gives no sample; of each capture and class the first 40
flows are taken, so that no single recording rules a class (brief, section 1.5).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import UserError
from engine.data.traffic.headers import masked
from engine.data.traffic.traffic import Flows, Labels, Traffic
from engine.methods.kaleidoscope.families.base import Reads

CAP = 40
HEADER = 74  # bytes of the kept header
PATH_BYTES, PATH_PACKETS = 32, 4


@dataclass(frozen=True, eq=False)
class Samples:
    """n of them, in the order of their flows."""

    data: np.ndarray  # (n, inputs) uint8, zero padded
    labels: np.ndarray  # (n,) int64 into classes
    captures: np.ndarray  # (n,) int32
    flows: np.ndarray  # (n,) int64
    classes: tuple[str, ...]
    left_out: dict[str, int]  # flows, by the reason why they give no sample

    def __len__(self) -> int:
        return len(self.data)

    def part(self, chosen: np.ndarray) -> Samples:
        """Some of them: a mask (n,) or places."""
        columns = {name: getattr(self, name)[chosen] for name in ("data", "labels", "captures")}
        return replace(self, **columns, flows=self.flows[chosen])

    @property
    def repeated(self) -> np.ndarray:
        """(n,) bool: its bytes and class came before in the same capture."""
        rows = np.concatenate([self.data, _column(self.labels), _column(self.captures)], axis=1)
        kept = np.unique(rows, axis=0, return_index=True)[1]
        return ~np.isin(np.arange(len(self)), kept)

    @property
    def elsewhere(self) -> np.ndarray:
        """(n,) bool: its bytes occur in another capture too, so no split keeps them apart."""
        found, group = np.unique(self.data, axis=0, return_inverse=True)
        pairs = np.unique(np.stack([group.reshape(-1), self.captures], axis=1), axis=0)
        return (np.bincount(pairs[:, 0], minlength=len(found)) > 1)[group.reshape(-1)]


def samples(
    traffic: Traffic,
    labels: Labels,
    *,
    reads: Reads,
    inputs: int,
    cap: int | None = CAP,
    distinct: bool = False,
) -> Samples:
    """Those of labelled flows with payload; `distinct` leaves repeated ones out."""
    known, loaded = labels.codes >= 0, traffic.flows.with_payload
    flows = np.flatnonzero(known & loaded)
    if not flows.size:
        raise UserError("labels", f"no flow with payload has a label of {labels.name!r}")
    used, codes = np.unique(labels.codes[flows], return_inverse=True)
    found = Samples(
        data=read(traffic.flows, reads, inputs)[flows],
        labels=codes.astype(np.int64),
        captures=traffic.flows.capture[flows],
        flows=flows,
        classes=tuple(labels.classes[code] for code in used),
        left_out={"no label": int((~known).sum()), "no payload": int((known & ~loaded).sum())},
    )
    if distinct:
        found = _without(found, found.repeated, "repeated")
    if cap is not None:
        found = _without(found, _place_in_group(found) >= cap, "over the cap")
    return found


def read(flows: Flows, reads: Reads, inputs: int) -> np.ndarray:
    """(F, inputs) uint8: what a network that `reads` that way gets of each flow."""
    if reads == "first":
        return flows.first_payload[:, :inputs]
    if reads == "history":
        return flows.history.reshape(len(flows), -1)[:, :inputs]
    data = np.zeros((len(flows), inputs), np.uint8)
    data[:, :PATH_BYTES] = flows.first_payload[:, :PATH_BYTES]
    lengths = flows.history_lengths[:, :PATH_PACKETS]
    gaps = flows.history_gaps_ns[:, :PATH_PACKETS] // 1000  # µs
    features = np.concatenate([log_byte(lengths, 4), log_byte(gaps, 3)], axis=1)
    data[:, PATH_BYTES : PATH_BYTES + features.shape[1]] = features
    return data


def with_header(
    traffic: Traffic, flows: np.ndarray, *, inputs: int, unmasked: Collection[str] = ()
) -> np.ndarray:
    """(K, inputs) uint8: the header of a flow's first packet with payload, and the payload. What
    names ends, or counts, is zero but for the fields named by `unmasked`."""
    packets = traffic.flows.first_payload_packet[flows]
    header = masked(traffic.packets, packets, unmasked)
    return np.concatenate([header, traffic.flows.first_payload[flows]], axis=1)[:, :inputs]


def log_byte(values: np.ndarray, fraction: int) -> np.ndarray:
    """uint8: log2(1 + v) with that many bits behind the point, its mantissa taken linearly, as a
    leading-one detector and a shift give it; negative values count as zero (ours)."""
    whole = np.maximum(values, 0).astype(np.int64) + 1
    exponent = np.frexp(whole.astype(np.float64))[1].astype(np.int64) - 1
    mantissa = ((whole << fraction) >> exponent) & ((1 << fraction) - 1)
    return np.minimum((exponent << fraction) + mantissa, 255).astype(np.uint8)


def _without(found: Samples, dropped: np.ndarray, reason: str) -> Samples:
    kept = found.part(~dropped)
    return replace(kept, left_out={**found.left_out, reason: int(dropped.sum())})


def _place_in_group(found: Samples) -> np.ndarray:
    """(n,) how many samples of the same capture and class came before."""
    group = found.captures.astype(np.int64) * len(found.classes) + found.labels
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    place = np.empty(len(found), np.int64)
    place[order] = np.arange(len(found)) - np.searchsorted(ordered, ordered)
    return place


def _column(values: np.ndarray) -> np.ndarray:
    """(n, 4) bytes of whole numbers, beside bytes of samples."""
    return values.astype("<i4").view(np.uint8).reshape(len(values), 4)
