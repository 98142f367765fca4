"""What the compiler gives: the image of one network, its listing, its cycles, and their use."""

from __future__ import annotations

from dataclasses import dataclass

from engine.methods.kaleidoscope.image import Entry, Image
from engine.methods.kaleidoscope.isa import WORD


@dataclass(frozen=True)
class Line:
    """A line of the listing: address in the image of this network alone, cycle of issue after
    acceptance, cycles that it waits, text, name of its step."""

    pc: int
    at: int
    gap: int
    text: str
    layer: str


@dataclass(frozen=True)
class Layer:
    """A step of the network in the program, and its first and last cycle of issue."""

    name: str
    tiles: int  # products of a tile and a word
    skipped: int  # those left out, whose tile is all zero
    issues: int  # of all kinds
    first: int
    last: int


@dataclass(frozen=True)
class Stored:
    """Bytes start..stop-1 of a buffer as a step leaves them, written by instruction `pc`.

    They lie in one word of the buffer, and at the same bytes of activation word `word`.
    """

    step: int
    buffer: str
    start: int
    stop: int
    pc: int
    word: int


@dataclass(frozen=True)
class Compiled:
    """A network for one kind of core; cycles are counted from acceptance to the verdict."""

    image: Image
    cycles: int
    listing: tuple[Line, ...]
    layers: tuple[Layer, ...]
    stores: tuple[Stored, ...]
    useful: int  # multiplications by weights that are not zero, or of two activations

    @property
    def lanes(self) -> int:
        return self.image.lanes

    @property
    def entry(self) -> Entry:
        return self.image.entries[0]

    @property
    def issue_share(self) -> float:
        """Of the cycles, those in which an instruction issues."""
        return len(self.listing) / self.cycles

    @property
    def multiplier_share(self) -> float:
        """Of all that the multipliers could do in these cycles, what is useful."""
        return self.useful / (self.cycles * self.lanes * WORD)
