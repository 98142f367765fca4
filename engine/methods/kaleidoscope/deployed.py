"""Networks on their cores, and the co-processor that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.methods.kaleidoscope.compiler.compiled import Compiled
from engine.methods.kaleidoscope.compiler.program import compile_network
from engine.methods.kaleidoscope.families import FAMILIES
from engine.methods.kaleidoscope.integer import WORD, Network, Trace, golden
from engine.methods.kaleidoscope.isa import QUARTER
from engine.methods.kaleidoscope.replay import Machine
from engine.methods.kaleidoscope.stimulus import (
    GROUP_FPE,
    GROUP_HPE,
    METADATA,
    Settings,
    Transfers,
)

LARGE_LANES = 32
STORED_WORDS = 8  # of an elephant's history


@dataclass(frozen=True, eq=False)
class Deployed:
    """A compiled network; `large` is on the cores of 32 lanes, which take elephants."""

    network: Network
    compiled: Compiled

    @property
    def large(self) -> bool:
        return self.compiled.lanes == LARGE_LANES

    @property
    def words(self) -> int:
        return -(-self.network.inputs // WORD)

    @property
    def detects(self) -> bool:
        return not self.network.classes

    @property
    def reads(self) -> str:
        """What of a flow: its "first" payload, the "history" of its packets, or "paths": the first
        payload and the metadata that came beside it."""
        return str(self.network.meta["reads"])

    def metadata(self, data: np.ndarray) -> np.ndarray | None:
        """(n, 8) of what it reads (n, inputs), that which comes beside a packet."""
        return data[:, WORD : WORD + METADATA] if self.reads == "paths" else None

    def golden(self, data: np.ndarray) -> Trace:
        return golden(self.network, data)


def deploy(network: Network) -> Deployed:
    """For the core that its family is made for. Raises UserError for what that cannot hold."""
    large = FAMILIES[str(network.meta["family"])].core == "hpe"
    return Deployed(network, compile_network(network, lanes=LARGE_LANES if large else QUARTER))


@dataclass(frozen=True, eq=False)
class Coprocessor:
    """A machine, and the networks for mice and for elephants that are loaded into it."""

    machine: Machine
    mouse: Deployed | None
    elephant: Deployed | None

    @property
    def main(self) -> Deployed:
        """The network that the job is about."""
        found = self.mouse or self.elephant
        if found is None:
            raise ValueError("a co-processor without a network")
        return found

    @property
    def cores(self) -> int:
        """That run the main network."""
        return self.machine.fpe if self.mouse else self.machine.hpe

    @property
    def images(self) -> Mapping[int, Transfers]:
        groups = {GROUP_FPE: self.mouse, GROUP_HPE: self.elephant}
        return {group: one.compiled.image.stream() for group, one in groups.items() if one}

    def settings(self, **changes: Any) -> Settings:
        """The registers for these networks."""
        large = self.elephant
        first_large = large is not None and large.reads != "history"
        first = large if first_large else self.mouse
        values: dict[str, Any] = {
            "mouse_on": first is not None,
            "elephant_on": large is not None and not first_large,
            "first_large": first_large,
            "with_metadata": first is not None and first.reads == "paths",
        }
        if first:
            values |= {"mouse_words": first.words, "mouse_encoding": first.network.encoding}
        if self.elephant:
            values |= {
                "elephant_words": self.elephant.words,
                "elephant_encoding": self.elephant.network.encoding,
            }
        return Settings(**{**values, **changes})


def assembled(
    params: Any, mouse: Deployed | None, elephant: Deployed | None, *, second: bool = False
) -> Coprocessor:
    """As a job's parameters have it. `second`: the cores for elephants are there, whatever their
    network is."""
    alone = mouse is None
    machine = Machine(
        fpe=1 if alone else params.cores,
        hpe=params.large_cores if second or elephant else 0,
        h=params.table_bits,
        contexts=params.contexts,
        mouse_depth=params.fifo,
        elephant_depth=params.fifo if alone else 16,
    )
    return Coprocessor(machine, mouse, elephant)
