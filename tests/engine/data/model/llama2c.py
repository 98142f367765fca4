"""Small files in the form of llama2.c's first export, whole and as a test changes them."""

from __future__ import annotations

import struct

import numpy as np

from engine.data.model.llama2c import Sizes

SMALL = Sizes(16, 24, 2, 4, 2, 300, 12, shared=False)


def arrays(sizes: Sizes, seed: int = 0) -> dict[str, np.ndarray]:
    """Random weights, and the tables of angles of base 10,000."""
    rng = np.random.default_rng(seed)
    made = {key: rng.normal(0, 0.2, shape) for key, shape in sizes.shapes().items()}
    angles = np.arange(sizes.positions)[:, None] / 10_000 ** (
        np.arange(0, sizes.each, 2) / sizes.each
    )
    made["cosines"], made["sines"] = np.cos(angles), np.sin(angles)
    return {key: one.astype("<f4") for key, one in made.items()}


def network(sizes: Sizes = SMALL, **changes) -> bytes:
    vocabulary = sizes.vocabulary if sizes.shared else -sizes.vocabulary
    head = [sizes.width, sizes.inner, sizes.layers, sizes.heads, sizes.kv_heads, vocabulary,
            sizes.positions]  # fmt: skip
    body = (arrays(sizes) | changes).values()
    return struct.pack("<7i", *head) + b"".join(one.astype("<f4").tobytes() for one in body)


def pieces(count: int = 300) -> list[tuple[float, bytes]]:
    words = [(0.0, b"<unk>"), (0.0, b"\n<s>\n"), (0.0, b"\n</s>\n")]
    words += [(0.0, f"<0x{byte:02X}>".encode()) for byte in range(256)]
    longer = [
        b" a",
        b" b",
        b"ab",
        b" ab",
        b"ba",
        b" aba",
        b"abab",
        b"aa",
        "é".encode(),
        b"\xe2\x82\xac",
    ]
    words += [(-float(rank), piece) for rank, piece in enumerate(longer)]
    words += [(-100.0 - rank, bytes([97 + rank])) for rank in range(4)]
    words += [(-200.0, b" ")]
    words += [(-300.0 - rank, f"q{rank}q".encode()) for rank in range(count - len(words))]
    return words


def tokenizer(words: list[tuple[float, bytes]]) -> bytes:
    records = (struct.pack("<fi", score, len(raw)) + raw for score, raw in words)
    return struct.pack("<i", max(len(raw) for _, raw in words)) + b"".join(records)


def files(**changes: bytes) -> dict[str, bytes]:
    return {"net.bin": network(), "tok.bin": tokenizer(pieces())} | {
        f"{key}.bin": raw for key, raw in changes.items()
    }
