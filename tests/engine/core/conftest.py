"""A Run without a door: in this process, in a folder of the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.core import registry, resume
from engine.core.control import Control
from engine.core.emit import Emitter
from engine.core.job import EVENTS, Request
from engine.core.run import Run


@pytest.fixture
def control() -> Control:
    return Control()


@pytest.fixture
def new_run(tmp_path: Path, control: Control) -> Iterator[Callable[..., Run]]:
    """Makes an attempt at the job in tmp_path; a second one goes on from its checkpoint."""
    emitters: list[Emitter] = []

    def make(*, checkpoint_every: float = 3600.0, seed: int = 0, **params: Any) -> Run:
        method = registry.method("fake")
        request = Request(method, method.params(**params), {}, seed, "cpu", 1)
        request.write(tmp_path)
        point = resume.rewind(tmp_path)
        emitter = Emitter(tmp_path / EVENTS, n=point.n)
        emitters.append(emitter)
        return Run(
            request,
            tmp_path,
            device="cpu",
            emitter=emitter,
            control=control,
            point=point,
            checkpoint_every=checkpoint_every,
        )

    yield make
    for emitter in emitters:
        emitter.close()


@pytest.fixture
def run(new_run: Callable[..., Run]) -> Run:
    return new_run()
