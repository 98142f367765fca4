"""The card of the fake method: every kind of parameter that a form can meet, and faults."""

from __future__ import annotations

from typing import Literal

from engine.core.method import Baseline, Input, Method, Metric, Paper, Question
from engine.core.params import Params, param


class FakeParams(Params):
    steps: int = param(50, "Steps", "How many steps the walk takes.", ge=0, le=10_000_000)
    seconds_per_step: float = param(
        0.0, "Seconds per step", "Sleeps so long in each step.", unit="s", ge=0, le=60, live=True
    )
    points_per_step: int = param(1, "Points per step", "Lines logged per step.", ge=1, le=10_000)
    scale: float = param(1.0, "Scale", "Length of a stride.", gt=0, live=True, paper=1.0)
    baselines: list[Literal["flat"]] = param(["flat"], "Baselines", "Which baselines to run.")
    mode: Literal["walk", "level"] = param("walk", "Mode", "A random walk, or a level line.")
    verbose: bool = param(False, "Verbose", "Prints a line to stdout in each step.")
    checkpoint_each: int = param(
        0, "Checkpoint each", "Checkpoint each so many steps; 0: when it is time.", ge=0
    )
    fail_at: int | None = param(None, "Fail at", "Raises an error in this step.", advanced=True)
    nan_at: int | None = param(None, "NaN at", "Logs a NaN in this step.", advanced=True)
    crash_at: int | None = param(None, "Crash at", "Kills itself in this step.", advanced=True)
    ignore_cancel: bool = param(False, "Ignore cancel", "Never asks about stops.", advanced=True)
    memory_mb: int = param(0, "Memory", "Holds so much memory.", unit="MB", ge=0, advanced=True)


class ScaleParams(Params):
    factor: float = param(2.0, "Factor", "Multiplies the walk.", gt=0, le=1000)
    start: int = param(0, "Start", "The step from which the walk is told.", ge=0)


METHOD = Method(
    slug="fake",
    title="Fake walk",
    paper=Paper("A walk that was never published", "Nobody", 2026, "https://example.org/fake"),
    summary="A seeded random walk with everything that a method can emit.",
    inputs=(
        Input(
            "data",
            "split",
            "Split",
            "Any split; the walk notes its size.",
            optional=True,
        ),
    ),
    params=FakeParams,
    metrics=(
        Metric("value", "Value", headline=True, better="higher"),
        Metric("value.*", "Value of another walker"),
        Metric("baseline.*.value", "Value of a baseline", better="higher"),
    ),
    baselines=(Baseline("flat", "Flat", "Stays where it is."),),
    questions=(Question("scale", "What if the walk were scaled?", ScaleParams),),
    entry="fake.method:run",
    whatif="fake.whatif:WhatIf",
)
