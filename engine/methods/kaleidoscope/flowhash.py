"""The hash of a flow as kal_hash computes it: CRC-16 for the row, CRC-8 for the check bits.

Both run over 13 bytes, the same for either direction: the smaller endpoint (address 4, port 2),
the larger one, the protocol. IPv6 addresses are folded to four bytes by exclusive or (ours).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CRC16, CRC8 = 0x1021, 0x1D  # polynomials; both registers start with all ones


def symmetric_tuple(
    *,
    version: NDArray,
    l4: NDArray,
    src: NDArray,
    dst: NDArray,
    sport: NDArray,
    dport: NDArray,
) -> NDArray[np.uint8]:
    """(N, 13). version 4 or 6, l4 6 or 17, ports (N,); addresses (N, 16), IPv4 as ::ffff:…"""
    ends = [
        _fold(version, address) << 16 | np.asarray(port, np.int64)
        for address, port in ((src, sport), (dst, dport))
    ]
    low, high = np.minimum(*ends), np.maximum(*ends)
    columns = [end >> shift & 0xFF for end in (low, high) for shift in range(40, -1, -8)]
    return np.stack([*columns, np.asarray(l4, np.int64)], axis=1).astype(np.uint8)


def flow_hash(tuples: NDArray[np.uint8]) -> tuple[NDArray[np.uint16], NDArray[np.uint8]]:
    """(N, 13) -> hash (N,), whose low H bits are the row, and check (N,)."""
    crc16 = np.full(len(tuples), 0xFFFF, np.uint16)
    crc8 = np.full(len(tuples), 0xFF, np.uint8)
    table16, table8 = _table(CRC16, 16).astype(np.uint16), _table(CRC8, 8).astype(np.uint8)
    for column in tuples.T:
        crc16 = crc16 << 8 ^ table16[crc16 >> 8 ^ column]
        crc8 = table8[crc8 ^ column]
    return crc16, crc8


def _fold(version: NDArray, address: NDArray) -> NDArray[np.int64]:
    words = np.ascontiguousarray(address, np.uint8).view(">u4").astype(np.int64)  # (N, 4)
    return np.where(np.asarray(version) == 4, words[:, 3], np.bitwise_xor.reduce(words, axis=1))


def _table(polynomial: int, width: int) -> NDArray[np.int64]:
    """The register after one byte, for each byte in its upper end."""
    top, mask = 1 << width - 1, (1 << width) - 1
    register = np.arange(256, dtype=np.int64) << width - 8
    for _ in range(8):
        register = np.where(register & top, register << 1 ^ polynomial, register << 1) & mask
    return register
