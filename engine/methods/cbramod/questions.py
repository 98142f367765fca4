"""What a finished CBraMod job can be asked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from engine.core.params import Params


class WindowParams(Params):
    window: int = Field(ge=0, title="Window", description="By its place in the job.")
    channels: list[str] = Field(
        [], max_length=512, title="Hidden channels", description="Over the whole window."
    )
    seconds: list[int] = Field(
        [], max_length=10_000, title="Hidden seconds", description="In all channels."
    )
    both: bool = Field(
        False, title="Only where both", description="Hide those seconds of those channels alone."
    )
    share: float = Field(
        0.0, ge=0, le=1, title="Hidden at random", description="Besides, this share of patches."
    )
    draw: int = Field(0, ge=0, lt=2**31, title="Draw", description="Of what is left to chance.")
    scale: float = Field(1.0, ge=0, le=1000, title="Amplitude", description="All samples times it.")
    order: Literal["as given", "reversed", "shuffled"] = Field(
        "as given",
        title="Order of channels",
        description="In which they go through the network, whose positions depend on it.",
    )


class AttentionParams(Params):
    window: int = Field(ge=0, title="Window")
    layer: int = Field(0, ge=0, title="Block")
    second: int | None = Field(
        None, ge=0, title="Second", description="Of the map over channels; left out: the mean."
    )
    channel: str | None = Field(
        None, title="Channel", description="Of the map over seconds; left out: the mean."
    )


class OcclusionParams(Params):
    window: int = Field(ge=0, title="Window")


class TraceParams(Params):
    recording: str = Field(title="Recording")
    start: float = Field(0.0, ge=0, title="From", description="Seconds.")
    seconds: float = Field(20.0, ge=1, le=120, title="Length", description="Seconds.")


class SpectrumParams(Params):
    recording: str = Field(title="Recording")
