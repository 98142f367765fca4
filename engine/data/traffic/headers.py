"""The kept header of a packet, field by field, and which fields tell who talked to whom.

74 bytes: Ethernet (14; zero of other link types), IP (40; IPv4 is its first 20 bytes without
options, then zeros), TCP (20, without options) or UDP (8, then zeros). Tags between them are not
kept. A network that reads headers must not see addresses and counters, by which it would know
single captures again: `masked` puts zeros there.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from engine.data.traffic.traffic import Packets

IP, L4 = 14, 54  # where these headers begin
NONE = slice(0, 0)
# Each field's bytes where the packet is of IPv4, and where it is of IPv6.
OF_IP = {
    "mac": (slice(0, 12), slice(0, 12)),
    "ip_id": (slice(IP + 4, IP + 6), slice(IP + 1, IP + 4)),  # IPv6: the flow label
    "ip_checksum": (slice(IP + 10, IP + 12), NONE),
    "addresses": (slice(IP + 12, IP + 20), slice(IP + 8, IP + 40)),
}
# And where it is of TCP, and of UDP.
OF_L4 = {
    "ports": (slice(L4, L4 + 4), slice(L4, L4 + 4)),
    "sequence": (slice(L4 + 4, L4 + 12), NONE),
    "l4_checksum": (slice(L4 + 16, L4 + 18), slice(L4 + 6, L4 + 8)),
}
FIELDS = (*OF_IP, *OF_L4)


def masked(packets: Packets, chosen: np.ndarray, unmasked: Collection[str] = ()) -> np.ndarray:
    """(K, 74) uint8: headers of the packets `chosen` (K,), zero in all FIELDS but those named."""
    header = packets.header[chosen].copy()
    for fields, first in ((OF_IP, packets.version[chosen] == 4), (OF_L4, packets.l4[chosen] == 6)):
        for name, places in fields.items():
            if name not in unmasked:
                for rows, place in zip((first, ~first), places, strict=True):
                    header[rows, place] = 0
    return header
