"""What the hosts of the sample say: messages of five protocols, with drawn contents."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

import numpy as np

Address = IPv4Address | IPv6Address
WORDS = [
    "alder",
    "birch",
    "cedar",
    "elm",
    "fir",
    "hazel",
    "larch",
    "maple",
    "oak",
    "pine",
    "rowan",
    "willow",
]
TOPS = ("example", "test", "invalid")  # names that no one has (RFC 2606)
AGENTS = ("Wanderer/2.1", "fetch 0.9", "Mozilla/5.0 (sample)", "probe/3")
CIPHERS = (0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0x009C, 0x009D, 0x002F)
LONG = 0.12  # share of the answers that are long: elephants
CHUNK = 240  # bytes of a packet of these


@dataclass(frozen=True)
class Talk:
    """A conversation: who with whom, and the messages of side 0 (who asks) and side 1."""

    l4: str
    src: Address
    sport: int
    dst: Address
    dport: int
    messages: tuple[tuple[int, bytes], ...]

    @property
    def ends(self) -> tuple[str, Address, int, Address, int]:
        return self.l4, self.src, self.sport, self.dst, self.dport


def _here(number: int, v6: bool) -> Address:
    return ip_address(f"2001:db8:{number:x}::10" if v6 else f"192.0.2.{10 + number}")


def _server(v6: bool, rng: np.random.Generator) -> Address:
    last = int(rng.integers(1, 250))
    return ip_address(f"2001:db8:ff::{last:x}" if v6 else f"198.51.100.{last}")


def _name(rng: np.random.Generator) -> str:
    words = rng.choice(WORDS, size=int(rng.integers(1, 4))).tolist()
    return ".".join([*words, str(rng.choice(TOPS))])


def _chunks(size: int, rng: np.random.Generator) -> list[tuple[int, bytes]]:
    whole = rng.bytes(size)
    return [(1, whole[at : at + CHUNK]) for at in range(0, size, CHUNK)]


def _size(rng: np.random.Generator) -> int:
    long = rng.random() < LONG
    return int(rng.integers(12, 40) * CHUNK if long else rng.integers(40, 900))


def http(number: int, port: int, v6: bool, rng: np.random.Generator) -> Talk:
    """A GET or a POST, and its answer. Some hosts speak to port 8080."""
    path = "/".join(rng.choice(WORDS, size=int(rng.integers(1, 4))).tolist())
    lines = [f"Host: {_name(rng)}", f"User-Agent: {AGENTS[number % len(AGENTS)]}", "Accept: */*"]
    body = b""
    if rng.random() < 0.25:
        body = f"{rng.choice(WORDS)}={int(rng.integers(1000))}".encode()
        lines.append(f"Content-Length: {len(body)}")
    verb = "POST" if body else "GET"
    asked = "\r\n".join([f"{verb} /{path} HTTP/1.1", *lines, "", ""]).encode() + body
    size = _size(rng)
    code = str(rng.choice(["200 OK", "200 OK", "304 Not Modified", "404 Not Found"]))
    told = f"HTTP/1.1 {code}\r\nServer: sample\r\nContent-Length: {size}\r\n\r\n".encode()
    messages = [(0, asked), (1, told), *_chunks(size, rng)]
    dport = 8080 if number % 3 == 0 else 80
    return Talk("TCP", _here(number, v6), port, _server(v6, rng), dport, tuple(messages))


def tls(number: int, port: int, v6: bool, rng: np.random.Generator) -> Talk:
    """The hellos of TLS 1.2 or 1.3, then records of application data (RFC 8446, 4.1)."""
    ciphers = rng.permutation(CIPHERS)[: int(rng.integers(4, len(CIPHERS) + 1))].tolist()
    name = _name(rng).encode()
    entry = struct.pack(">BH", 0, len(name)) + name
    server_name = struct.pack(">HHH", 0, len(entry) + 2, len(entry)) + entry
    versions = struct.pack(">HHBHH", 43, 5, 4, 0x0304, 0x0303) if number % 2 else b""
    groups = struct.pack(">HHHHH", 10, 6, 4, 0x001D, 0x0017)
    extensions = server_name + groups + versions
    session = rng.bytes(32) if number % 2 else b""
    hello = struct.pack(">H", 0x0303) + rng.bytes(32) + bytes([len(session)]) + session
    hello += struct.pack(f">H{len(ciphers)}H", 2 * len(ciphers), *ciphers) + b"\x01\x00"
    hello += struct.pack(">H", len(extensions)) + extensions
    chosen = struct.pack(">H", 0x0303) + rng.bytes(32) + bytes([len(session)]) + session
    chosen += struct.pack(">HBH", ciphers[0], 0, 0)
    messages = [(0, _record(22, _handshake(1, hello))), (1, _record(22, _handshake(2, chosen)))]
    messages.append((0, _record(23, rng.bytes(int(rng.integers(60, 400))))))
    messages += [(1, _record(23, part)) for _, part in _chunks(_size(rng), rng)]
    return Talk("TCP", _here(number, v6), port, _server(v6, rng), 443, tuple(messages))


def _handshake(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def _record(kind: int, body: bytes) -> bytes:
    return struct.pack(">BHH", kind, 0x0301 if kind == 22 else 0x0303, len(body)) + body


def dns(number: int, port: int, v6: bool, rng: np.random.Generator) -> Talk:
    """A question for an address, and the answer (RFC 1035, 4.1)."""
    labels = [part.encode() for part in _name(rng).split(".")]
    name = b"".join(bytes([len(part)]) + part for part in labels) + b"\0"
    kind = 28 if v6 else 1
    asked = name + struct.pack(">HH", kind, 1)
    mark = int(rng.integers(1 << 16))
    known = rng.random() < 0.8
    address = _server(v6, rng).packed
    answer = b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 300, len(address)) + address
    question = struct.pack(">HHHHHH", mark, 0x0100, 1, 0, 0, 0) + asked
    told = struct.pack(">HHHHHH", mark, 0x8180 if known else 0x8183, 1, int(known), 0, 0)
    messages = ((0, question), (1, told + asked + (answer if known else b"")))
    return Talk("UDP", _here(number, v6), port, _server(v6, rng), 53, messages)


def ssdp(number: int, port: int, v6: bool, rng: np.random.Generator) -> Talk:
    """A search to all, some times over, which no one answers."""
    target = str(rng.choice(["ssdp:all", "upnp:rootdevice", f"urn:{rng.choice(WORDS)}:1"]))
    group = ip_address("ff02::c" if v6 else "239.255.255.250")
    shown = f"[{group}]" if v6 else str(group)
    lines = ["M-SEARCH * HTTP/1.1", f"HOST: {shown}:1900", 'MAN: "ssdp:discover"']
    lines += [f"MX: {int(rng.integers(1, 5))}", f"ST: {target}", "", ""]
    messages = ((0, "\r\n".join(lines).encode()),) * int(rng.integers(1, 4))
    return Talk("UDP", _here(number, v6), port, group, 1900, messages)


def ntp(number: int, port: int, v6: bool, rng: np.random.Generator) -> Talk:
    """A client's packet and a server's (RFC 5905, 7.3)."""
    sent, received = rng.bytes(8), rng.bytes(8)
    asked = bytes([0x23, 0, 6, 0xEC]) + bytes(36) + sent
    told = bytes([0x24, int(rng.integers(1, 4)), 6, 0xEC]) + rng.bytes(20) + sent + received * 2
    return Talk("UDP", _here(number, v6), port, _server(v6, rng), 123, ((0, asked), (1, told)))


TALKS: dict[str, Callable[[int, int, bool, np.random.Generator], Talk]] = {
    "HTTP": http,
    "TLS": tls,
    "DNS": dns,
    "SSDP": ssdp,
    "NTP": ntp,
}
