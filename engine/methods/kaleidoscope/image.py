"""The program image of one kind of core: what the load port writes before the first job.

An image holds several models side by side; a model is an entry: its first instruction, its number
of payload words and what its verdict means. Nothing in the simulator's binary depends on an image.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.methods.kaleidoscope.isa import (
    LANES,
    PAYLOAD_WORDS,
    TABLES,
    WORD,
    Instruction,
    Op,
    decode,
    encode,
    listing,
)

PROGRAM_WORDS = 1024  # PA = 10
WEIGHT_ROWS = 256  # WA = 8, of weights and of tile rows
MODELS = 16  # entries
PART = 32  # bytes of one transfer of the load port
KIND_PROGRAM, KIND_WEIGHTS, KIND_ROW, KIND_TABLE, KIND_ENTRY = range(5)
STREAM = np.dtype(
    [("kind", "u1"), ("addr", "<u2"), ("part", "u1"), ("data", "u1", (PART,))]
)  # data: little-endian, byte 0 is ld_data[7:0]


@dataclass(frozen=True)
class Entry:
    """One resident model."""

    name: str
    pc: int
    length: int  # instructions
    words: int  # of payload, 1..8
    classes: tuple[str, ...] = ()  # names; none for an anomaly score
    threshold: int = 0  # an anomaly is a score above it


@dataclass(frozen=True)
class Image:
    """Everything a core is loaded with.

    program uint64 (instructions,); weights int8 (rows, lanes, 32); bias int32 (tile rows, lanes);
    multiplier uint16 and shift uint8 (tile rows,); tables int8 (up to 4, 256).
    """

    lanes: int
    program: NDArray[np.uint64]
    weights: NDArray[np.int8]
    bias: NDArray[np.int32]
    multiplier: NDArray[np.uint16]
    shift: NDArray[np.uint8]
    tables: NDArray[np.int8]
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        rows = len(self.bias)
        kinds = (
            ("program", self.program, np.uint64, (len(self.program),), PROGRAM_WORDS),
            ("weights", self.weights, np.int8, (len(self.weights), self.lanes, WORD), WEIGHT_ROWS),
            ("bias", self.bias, np.int32, (rows, self.lanes), WEIGHT_ROWS),
            ("multiplier", self.multiplier, np.uint16, (rows,), WEIGHT_ROWS),
            ("shift", self.shift, np.uint8, (rows,), WEIGHT_ROWS),
            ("tables", self.tables, np.int8, (len(self.tables), 256), TABLES),
        )
        if self.lanes not in LANES:
            raise ValueError(f"lanes: {self.lanes}, expected one of {LANES}")
        for name, array, dtype, shape, most in kinds:
            if array.dtype != dtype or array.shape != shape:
                raise ValueError(f"{name}: {array.dtype} {array.shape}, expected {dtype} {shape}")
            if len(array) > most:
                raise ValueError(f"{name}: {len(array)} rows, the core holds {most}")
        if rows and not (
            1 <= self.multiplier.min() <= self.multiplier.max() <= 32767
            and 1 <= self.shift.min() <= self.shift.max() <= 31
        ):
            raise ValueError("tile rows: expected multipliers in 1..32767 and shifts in 1..31")
        if not 1 <= len(self.entries) <= MODELS:
            raise ValueError(f"entries: {len(self.entries)}, expected 1 to {MODELS}")
        for entry in self.entries:
            if not 1 <= entry.words <= PAYLOAD_WORDS:
                raise ValueError(f"{entry.name}: {entry.words} payload words, expected 1 to 8")
            if not 0 <= entry.pc < entry.pc + entry.length <= len(self.program):
                raise ValueError(f"{entry.name}: its instructions lie outside the program")

    def instructions(self, model: int = 0) -> list[Instruction]:
        entry = self.entries[model]
        return [decode(int(word)) for word in self.program[entry.pc : entry.pc + entry.length]]

    def listing(self, model: int = 0) -> str:
        return listing(self.instructions(model), pc=self.entries[model].pc)

    def save(self, path: Path) -> None:
        """One npz file; the entries lie in it as JSON text. Nothing in it is pickled."""
        entries = json.dumps([asdict(entry) for entry in self.entries])
        np.savez_compressed(path, lanes=self.lanes, entries=np.array(entries), **self._arrays())

    @classmethod
    def load(cls, path: Path) -> Image:
        """Raises ValueError for a file that is no image."""
        with np.load(path, allow_pickle=False) as stored:
            try:
                entries = json.loads(str(stored["entries"]))
                arrays = {name: stored[name] for name in _ARRAYS}
                lanes = int(stored["lanes"])
            except KeyError as missing:
                raise ValueError(f"{path.name}: not a program image, {missing}") from None
        return cls(lanes=lanes, entries=tuple(map(_entry, entries)), **arrays)

    def stream(self) -> NDArray[np.void]:
        """The transfers of the load port, (n,) of STREAM, one a cycle."""
        rows = np.arange(len(self.bias))
        scale = np.zeros((len(rows), 1, PART), np.uint8)
        scale[:, 0, :2] = self.multiplier.astype("<u2")[:, None].view(np.uint8)
        scale[:, 0, 2] = self.shift
        bias = self.bias.astype("<i4").view(np.uint8).reshape(len(rows), -1, PART)
        entries = np.array([(e.pc, e.threshold) for e in self.entries], "<i4")
        return np.concatenate(
            [
                _transfers(KIND_PROGRAM, self.program.astype("<u8").view(np.uint8).reshape(-1, 8)),
                _transfers(KIND_WEIGHTS, self.weights.view(np.uint8)),
                _transfers(KIND_ROW, np.concatenate([bias, scale], axis=1)),
                _transfers(KIND_TABLE, self.tables.view(np.uint8).reshape(-1, 1)),
                _transfers(KIND_ENTRY, entries.view(np.uint8).reshape(-1, 8)),
            ]
        )

    def export(self, folder: Path) -> list[Path]:
        """Files for `$readmemh`, one word a line: program, weights, bias, scale {s, m}, tables."""
        scale = self.shift.astype("<u4") << 16 | self.multiplier.astype("<u4")
        contents = {
            "program": self.program.astype("<u8")[:, None],
            "weights": self.weights.reshape(len(self.weights), -1),
            "bias": self.bias.astype("<i4"),
            "scale": scale[:, None],
            "tables": self.tables.reshape(-1, 1),
        }
        paths = []
        for name, array in contents.items():
            paths.append(folder / f"{name}.hex")
            data = np.ascontiguousarray(array).view(np.uint8)
            lines = [row[::-1].tobytes().hex() for row in data]
            paths[-1].write_text("".join(f"{line}\n" for line in lines))
        return paths

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: getattr(self, name) for name in _ARRAYS}


_ARRAYS = ("program", "weights", "bias", "multiplier", "shift", "tables")


def assemble(program: Sequence[Instruction]) -> NDArray[np.uint64]:
    """Words of a program, uint64 (instructions,)."""
    return np.array([encode(instruction) for instruction in program], np.uint64)


def join(images: Sequence[Image]) -> Image:
    """One image that holds the models of all, in their order; tables are shared where equal.

    Raises ValueError where the core's memories are too small for them together.
    """
    tables: list[bytes] = []
    programs: list[Instruction] = []
    entries: list[Entry] = []
    w = row = 0
    for image in images:
        if image.lanes != images[0].lanes:
            raise ValueError("images of different cores cannot be joined")
        tables += [t for t in dict.fromkeys(map(bytes, image.tables)) if t not in tables]
        number = {0: 0} | {i + 1: tables.index(bytes(t)) + 1 for i, t in enumerate(image.tables)}
        entries += [replace(entry, pc=entry.pc + len(programs)) for entry in image.entries]
        programs += [
            _moved(decode(int(word)), w=w, row=row, table=number) for word in image.program
        ]
        w, row = w + len(image.weights), row + len(image.bias)
    arrays = {
        name: np.concatenate([getattr(image, name) for image in images])
        for name in ("weights", "bias", "multiplier", "shift")
    }
    return Image(
        lanes=images[0].lanes,
        program=assemble(programs),
        tables=np.frombuffer(b"".join(tables), np.int8).reshape(-1, 256),
        entries=tuple(entries),
        **arrays,
    )


def _moved(instruction: Instruction, *, w: int, row: int, table: Mapping[int, int]) -> Instruction:
    if instruction.op is Op.MVM:
        moved = 0 if instruction.dynamic else instruction.w + w
        instruction = replace(instruction, w=moved, row=instruction.row + row)
    elif instruction.op is Op.GAT:
        instruction = replace(instruction, w=instruction.w + w)
    return replace(instruction, table=table[instruction.table])


def _transfers(kind: int, data: NDArray[np.uint8]) -> NDArray[np.void]:
    """data (addresses, bytes) or (addresses, parts, 32) as transfers."""
    if data.ndim == 2:
        data = np.pad(data, ((0, 0), (0, PART - data.shape[1])))[:, None]
    addresses, parts, _ = data.shape
    transfers = np.zeros((addresses, parts), STREAM)
    transfers["kind"], transfers["data"] = kind, data
    transfers["addr"], transfers["part"] = np.arange(addresses)[:, None], np.arange(parts)
    return transfers.reshape(-1)


def _entry(stored: dict[str, Any]) -> Entry:
    return Entry(**stored | {"classes": tuple(stored["classes"])})
