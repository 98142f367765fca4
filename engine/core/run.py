"""Run: all that a method sees of the world while it works.

    run.params, run.seed, run.device, run.threads     what it was asked to do
    run.inputs["graph"]                               typed values of the inputs, loaded once
    run.rng("split"), run.torch_rng("dropout")        independent reproducible streams
    run.phase("train", total=60); run.advance()       progress, with an estimate
    run.log(step, **{"val_accuracy": 0.8})            numbers of one step
    run.artifact("edges.csv", title=…, role=…)        a path to write to; kept on leaving
    run.table("edges", columns, rows, title=…)        a table, shown and exported as CSV
    run.verify(oracle, expected, got, tolerance)      an oracle checked inside this job
    run.checkpoint(state, step=…); run.restore()      where to go on after a crash
    run.should_stop()                                 ask once per step; also takes control
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.core import checkpoint as checkpoints
from engine.core import events, seed
from engine.core.params import Params

KEEP = 2  # newest checkpoints; the best one is kept beside them
PROGRESS_EVERY = 0.25  # seconds
MAX_KEY = 200  # bytes of a metric key


class Stop(Exception):
    """Raised by `checkpoint` and `stop_here` once the job is to end early."""

    def __init__(self, kind: str):
        super().__init__(kind)
        self.kind = kind  # "cancelled" or "stopped"
