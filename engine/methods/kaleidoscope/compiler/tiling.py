"""Layers of weights as tiles: ceil(M / lanes) of them for each word that a layer of M rows reads.

Tiles that are all zero are left out, which is what makes a convolution of a banded matrix cheap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.methods.kaleidoscope.compiler.constants import Constants
from engine.methods.kaleidoscope.compiler.graph import Byte, Word
from engine.methods.kaleidoscope.compiler.memory import Memory, pieces
from engine.methods.kaleidoscope.integer import Dense, Logits, View
from engine.methods.kaleidoscope.isa import WORD


@dataclass(frozen=True)
class Tile:
    """`lanes` rows of a layer, the first for byte `start` of its target."""

    start: int
    blocks: list[tuple[Word, int]]  # a word, and the row of the weights to multiply it with
    bias: np.ndarray  # int32 (lanes,)


@dataclass(frozen=True)
class Tiling:
    tiles: list[Tile]
    skipped: int  # blocks of zeros
    useful: int  # weights that are not zero


def tile(
    layer: Dense | Logits, start: int, *, memory: Memory, constants: Constants, step: int
) -> Tiling:
    """The tiles of a layer whose first row is for byte `start`; tiles begin at multiples of the
    lanes, so there may be lanes in front that belong to no row."""
    lanes = constants.lanes
    words, place = _blocks(layer.sources, memory, step)
    known = place >= 0
    own = slice(start % lanes, start % lanes + len(layer.weight))
    count = -(-own.stop // lanes)
    bias = np.zeros(count * lanes, np.int32)
    bias[own] = layer.bias
    matrix = np.zeros((count * lanes, len(words) * WORD), np.int8)
    matrix[own, place[known]] = layer.weight[:, known]
    useful = np.count_nonzero(matrix)
    matrix = matrix.reshape(count, lanes, len(words), WORD).swapaxes(1, 2)
    used = matrix.any(axis=(2, 3))  # (tiles, blocks)
    tiles = []
    for number, bias_of_tile in enumerate(bias.reshape(count, lanes)):
        blocks = [
            (words[block], constants.tile(matrix[number, block]))
            for block in np.flatnonzero(used[number])
        ]
        if not blocks:  # a bias alone takes an issue, too
            blocks = [(memory.payload[0], constants.tile(np.zeros((lanes, WORD), np.int8)))]
        tiles.append(Tile(start - own.start + number * lanes, blocks, bias_of_tile))
    return Tiling(tiles, int((~used).sum()), useful)


def _blocks(sources: tuple[View, ...], memory: Memory, step: int) -> tuple[list[Word], np.ndarray]:
    """The words of sources, and for each column its byte in them, int64; -1 where that is zero.

    Sources that meet in a word share a block; a byte that occurs twice needs two.
    """
    words: list[Word] = []
    taken: list[np.ndarray] = []
    place: list[np.ndarray] = []
    for view in sources:
        for index, low, high in pieces(view):
            key, span = (view.buffer, index), slice(low, high)
            holds = memory.holds(key)[span] == Byte.VALUE
            place.append(np.full(high - low, -1))
            if not holds.any():
                continue
            word = memory.read(key, step)
            known = (b for b, one in enumerate(words) if one is word and not taken[b][span].any())
            block = next(known, len(words))
            if block == len(words):
                words.append(word)
                taken.append(np.zeros(WORD, bool))
            taken[block][span] = True
            place[-1][holds] = block * WORD + np.arange(low, high)[holds]
    return words, np.concatenate(place)
