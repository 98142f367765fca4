"""What all families share: bytes in, logits or a reconstruction out, and a way to integers."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import torch
from torch import Tensor, nn

from engine.methods.kaleidoscope import arithmetic
from engine.methods.kaleidoscope.integer import Network
from engine.methods.kaleidoscope.lowering import Builder
from engine.methods.kaleidoscope.quantise import Layer, Range, Signal

Reads = Literal["first", "history", "paths"]


class Family(nn.Module):
    """A network over `inputs` bytes of a flow.

    `reads` says which: of the first packet with payload; 32 of each of the first 8; or 32 of the
    first and eight that tell of lengths and times. `core` is the smaller or the larger core, fpe
    or hpe. Names of layers are the names of its integer steps.
    """

    inputs: ClassVar[int]
    reads: ClassVar[Reads] = "first"
    core: ClassVar[Literal["fpe", "hpe"]] = "fpe"
    encoding: ClassVar[str] = "half"
    title: ClassVar[str]

    def __init__(self, classes: Sequence[str], *, encoding: str | None = None):
        super().__init__()
        self.classes = tuple(classes)
        self.encoded_as = encoding or self.encoding
        self.taps: dict[str, Signal] | None = None

    @abstractmethod
    def outcome(self, encoded: Tensor, payload: Signal) -> Signal:
        """Of encoded bytes (n, inputs), and of the same as a signal."""

    @abstractmethod
    def lower(self, builder: Builder) -> None:
        """The steps of `outcome`, in integers."""

    def forward(self, data: Tensor) -> Tensor:
        """Bytes uint8 (n, inputs) -> real logits (n, classes), or a reconstruction (n, inputs)."""
        found = self.signal(data)
        return found.values * found.step

    def signal(self, data: Tensor) -> Signal:
        """As `forward`; in integer mode whole numbers and their step."""
        encoded = encode(data, self.encoded_as).to(self.precision)
        step = arithmetic.encoded_scale(self.encoded_as)
        payload = Signal(encoded, step) if self.integer else Signal(encoded * step)
        return self.outcome(encoded, payload)

    def reals(self, data: Tensor) -> Tensor:
        """Bytes as the real numbers that a network takes them for."""
        step = arithmetic.encoded_scale(self.encoded_as)
        return encode(data, self.encoded_as).to(self.precision) * step

    def tap(self, name: str, signal: Signal) -> Signal:
        """Let `layers` see an activation that is a step of the integer network."""
        if self.taps is not None:
            self.taps[name] = signal
        return signal

    @torch.no_grad()
    def layers(self, data: Tensor) -> dict[str, Signal]:
        """Each layer's activation (n, …) by name, and the outcome's."""
        self.taps = {}
        try:
            self.signal(data)
            return self.taps
        finally:
            self.taps = None

    @property
    def precision(self) -> torch.dtype:
        return next(self.parameters()).dtype

    @property
    def integer(self) -> bool:
        return any(layer.integer for layer in self._layers())

    def as_integers(self, integer: bool = True) -> Self:
        for layer in self._layers():
            layer.integer = integer
        return self

    def observe(self, observing: bool) -> Self:
        for module in self.modules():
            if isinstance(module, Range):
                module.observing = observing
        return self

    def settled(self, *, integer: bool) -> Self:
        """A copy in float64 that no longer learns: exact in integer mode."""
        found = copy.deepcopy(self).double().eval().observe(False).as_integers(integer)
        return found.requires_grad_(False)

    @torch.no_grad()
    def network(self, name: str, **meta: object) -> Network:
        """The integer network of a settled family; raises UserError if a layer may overflow."""
        if self.precision != torch.float64:
            raise ValueError("expected a settled family, whose integers are exact")
        step = arithmetic.encoded_scale(self.encoded_as)
        builder = Builder(name, inputs=self.inputs, encoding=self.encoded_as, payload_step=step)
        self.lower(builder)
        about = {"core": self.core, "reads": self.reads, **meta}
        return builder.network(classes=self.classes, meta=about)

    def _layers(self) -> list[Layer]:
        return [module for module in self.modules() if isinstance(module, Layer)]


def encode(data: Tensor, encoding: str) -> Tensor:
    """As `arithmetic.encode`, of a tensor."""
    return torch.from_numpy(arithmetic.encode(data.numpy(), encoding))
