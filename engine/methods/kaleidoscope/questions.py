"""What a finished Kaleidoscope job can be asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.core.params import Params


class PacketParams(Params):
    flow: int = Field(ge=0, title="Flow", description="By its place among those of the job.")


class LoadParams(Params):
    cores: int = Field(8, ge=1, le=1024, title="Cores")
    clock_mhz: float = Field(250.0, gt=0, le=5000, title="Clock", description="MHz.")
    length: int = Field(256, ge=64, le=9000, title="Packet length", description="Bytes.")
    gbps: float = Field(100.0, gt=0, le=1000, title="Offered rate", description="Gbps.")
    contexts: Literal[1, 2, 4] = Field(1, title="Contexts", description="Of each core.")
    fifo: int = Field(64, ge=2, le=4096, title="Depth of the FIFO", description="Jobs.")
    every_packet: bool = Field(
        True, title="Every packet", description="Else as many as the job's traffic asked for."
    )
    elephant_share: float = Field(
        0.0,
        ge=0,
        le=1,
        title="Elephants",
        description="Share of the jobs that go to the larger core instead.",
    )


class WaveParams(Params):
    flow: int = Field(ge=0, title="Flow")
    start: int = Field(0, ge=0, le=1_000_000, title="From", description="Cycle of its packet.")
    cycles: int = Field(200, ge=1, le=2000, title="Length", description="Cycles.")
