"""Integer networks for the compiler's tests: random ones of every kind of step, and small MLPs."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch

from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.integer import (
    PAYLOAD,
    WORD,
    Dense,
    Elementwise,
    Gather,
    Logits,
    Lookup,
    Matrix,
    Network,
    Product,
    Rotate,
    Score,
    Step,
    View,
)

EDGES = np.array([-128, -127, -1, 0, 1, 127], np.int8)
SCALES = ((1, 1), (1, 7), (1, 31), (32767, 31), (32767, 1), (20000, 24), (300, 18))


def mlp(*widths: int, seed: int = 0) -> Network:
    """Dense layers with ReLU, all weights different from zero; the last gives logits."""
    rng = np.random.default_rng(seed)
    buffers, steps, source = {PAYLOAD: _up(widths[0])}, [], View(PAYLOAD, 0, widths[0])
    for place, (columns, rows) in enumerate(pairwise(widths)):
        weight = rng.choice([-1, 1], (rows, columns)) * rng.integers(1, 128, (rows, columns))
        layer = weight.astype(np.int8), rng.integers(-5000, 5000, rows).astype(np.int32)
        if place == len(widths) - 2:
            steps.append(Logits("logits", (source,), *layer))
        else:
            target = View(f"hidden{place}", 0, rows)
            buffers[target.buffer] = _up(rows)
            steps.append(Dense(target.buffer, (source,), target, *layer, 400, 16, relu=True))
            source = target
    return Network("mlp", widths[0], "half", buffers, tuple(steps), classes=_classes(widths[-1]))


def family_network(name: str) -> Network:
    """A family's network with random weights, and ranges that it has seen."""
    torch.manual_seed(0)
    family = FAMILIES[name](tuple("abcdefghijk"))
    family.eval().observe(True)
    family(torch.randint(256, (64, family.inputs), dtype=torch.uint8))
    return family.settled(integer=True).network(name)


def random_network(seed: int, *, steps: int = 6) -> Network:
    """Any steps over any views, in place too, with extreme weights, scales and biases."""
    return _Growth(np.random.default_rng(seed), steps).network(f"random{seed}")


class _Growth:
    def __init__(self, rng: np.random.Generator, count: int):
        self.rng = rng
        self.inputs = int(rng.choice([1, 20, 32, 33, 64, 100, 128, 256]))
        self.buffers = {PAYLOAD: _up(self.inputs)}
        self.exact = [] if self.inputs % WORD else [PAYLOAD]  # buffers that any step may read
        self.tables = {f"table{n}": self.int8(256) for n in range(rng.integers(0, 4))}
        self.steps: list[Step] = []
        kinds: list[Callable[[], None]] = [self.dense, self.dense, self.dense, self.gather]
        kinds += [self.elementwise, self.lookup, self.rotate, self.product, self.overlay]
        while len(self.steps) < count:
            kinds[rng.integers(len(kinds))]()

    def network(self, name: str) -> Network:
        classes = 0
        if self.exact and self.rng.random() < 0.3:
            length = WORD * int(self.rng.integers(1, 3))
            a, b = self.words(length), self.words(length)
            threshold = int(self.rng.integers(0, 9999))
            self.steps.append(Score("score", a, b, threshold))
        else:
            classes = int(self.rng.integers(1, 33))
            sources = self.sources()
            width = sum(view.length for view in sources)
            self.steps.append(
                Logits("logits", sources, self.weight(classes, width), self.bias(classes))
            )
        encoding = str(self.rng.choice(["half", "fix8", "centred"]))
        return Network(
            name, self.inputs, encoding, self.buffers, tuple(self.steps), self.tables,
            _classes(classes),
        )  # fmt: skip

    # Steps

    def dense(self) -> None:
        length = int(self.rng.choice([1, 5, 8, 16, 24, 32, 40, 64, 72]))
        offset = 8 * int(self.rng.integers(0, 5))
        exact = length % 8 == 0
        target = View(self.fresh(offset + length, exact=exact), offset, length)
        self.append_dense(target)

    def overlay(self) -> None:
        """Onto bytes that were written before, or beside them."""
        if self.exact:
            buffer = str(self.rng.choice(self.exact))
            offset = 8 * int(self.rng.integers(0, self.buffers[buffer] // 8))
            length = 8 * int(self.rng.integers(1, (self.buffers[buffer] - offset) // 8 + 1))
            self.append_dense(View(buffer, offset, length))

    def append_dense(self, target: View, *, tabled: bool = True) -> None:
        sources = self.sources()
        width = sum(view.length for view in sources)
        tables = list(self.tables) if tabled and self.coin(0.3) else []
        table = str(self.rng.choice(tables)) if tables else None
        self.steps.append(
            Dense(
                self.name("dense"), sources, target, self.weight(target.length, width),
                self.bias(target.length), *self.scale(), relu=self.coin(0.5), table=table,
            )
        )  # fmt: skip

    def elementwise(self) -> None:
        if self.exact:
            length = WORD * int(self.rng.integers(1, 3))
            a, b = self.words(length), self.words(length)
            kind = str(self.rng.choice(["add", "sub", "mul", "max", "absdiff"]))
            shift = int(self.rng.choice([0, 1, 7, 15]))
            target = self.target(length)
            self.steps.append(Elementwise(self.name("lanes"), kind, a, b, target, shift))

    def lookup(self) -> None:
        if self.exact and self.tables:
            source = self.words(WORD)
            table = str(self.rng.choice(list(self.tables)))
            self.steps.append(Lookup(self.name("lookup"), source, self.target(WORD), table))

    def rotate(self) -> None:
        if self.exact:
            source, count = self.words(WORD), int(self.rng.integers(0, 32))
            self.steps.append(Rotate(self.name("rotate"), source, self.target(WORD), count))

    def gather(self) -> None:
        if self.exact and not any(isinstance(step, Gather) for step in self.steps):
            size, count = int(self.rng.choice([8, 16, 32])), int(self.rng.integers(1, 7))
            source = self.words(WORD)
            offset = source.offset + int(self.rng.integers(0, WORD - count))
            target = View(self.fresh(count * size, exact=True), 0, count * size)
            source = View(source.buffer, offset, count)
            self.steps.append(Gather(self.name("gather"), source, target, self.int8(256, size)))

    def product(self) -> None:
        """Of matrices made for it, since both need rows of their own words."""
        t, d, s = (int(self.rng.integers(1, high)) for high in (4, 33, 33))
        transposed = self.coin(0.5)
        if transposed:
            s = min(s, 5)
        else:
            d = min(d, 5)
        names = []
        for rows, columns in ((t, d), (s, d) if transposed else (d, s)):
            names.append(self.fresh(rows * WORD, exact=False))
            for row in range(rows):
                self.append_dense(View(names[-1], row * WORD, columns), tabled=False)
        inside = (s, d) if transposed else (d, s)
        target = Matrix(self.fresh(t * WORD, exact=s % 8 == 0), 0, t, s)
        self.steps.append(
            Product(
                self.name("product"), Matrix(names[0], 0, t, d), Matrix(names[1], 0, *inside),
                target, *self.scale(), relu=self.coin(0.5), transposed=transposed,
            )
        )  # fmt: skip

    # Their parts

    def coin(self, chance: float) -> bool:
        return bool(self.rng.random() < chance)

    def name(self, kind: str) -> str:
        return f"{kind}{len(self.steps)}"

    def fresh(self, size: int, *, exact: bool) -> str:
        name = f"b{len(self.buffers)}"
        self.buffers[name] = _up(size)
        self.exact += [name] if exact else []
        return name

    def words(self, length: int) -> View:
        """Whole words of a buffer without foreign bytes; a longer one is made if there is none."""
        long = [name for name in self.exact if self.buffers[name] >= length]
        if not long:
            return View(self.fresh(length, exact=True), 0, length)
        name = str(self.rng.choice(long))
        start = int(self.rng.integers(0, (self.buffers[name] - length) // WORD + 1))
        return View(name, start * WORD, length)

    def target(self, length: int) -> View:
        return (
            self.words(length)
            if self.coin(0.4)
            else View(self.fresh(length, exact=True), 0, length)
        )

    def sources(self) -> tuple[View, ...]:
        views = []
        for _ in range(self.rng.integers(1, 4)):
            name = str(self.rng.choice(list(self.buffers)))
            size = self.inputs if name == PAYLOAD else self.buffers[name]
            offset = int(self.rng.integers(0, size))
            length = int(self.rng.integers(1, min(size - offset, 70) + 1))
            views.append(View(name, offset, length))
        return tuple(views)

    def int8(self, *shape: int) -> np.ndarray:
        values = self.rng.integers(-128, 128, shape).astype(np.int8)
        return np.where(self.rng.random(shape) < 0.3, self.rng.choice(EDGES, shape), values)

    def weight(self, rows: int, columns: int) -> np.ndarray:
        """With stripes of zeros, so that some tiles have nothing in them."""
        weight = self.int8(rows, columns)
        if self.coin(0.3):
            weight[:, self.rng.random(columns) < 0.9] = 0
        if self.coin(0.3):
            weight[self.rng.random(rows) < 0.8] = 0
        return weight

    def bias(self, rows: int) -> np.ndarray:
        high = int(self.rng.choice([0, 3000, 2**30]))
        return self.rng.integers(-high, high + 1, rows).astype(np.int32)

    def scale(self) -> tuple[int, int]:
        return SCALES[self.rng.integers(len(SCALES))]


def _up(size: int) -> int:
    return -(-size // WORD) * WORD


def _classes(count: int) -> tuple[str, ...]:
    return tuple(f"c{n}" for n in range(count))
