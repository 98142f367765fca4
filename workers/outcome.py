"""How an attempt ended: from exit code, signal and what we asked for, to a state and a reason."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from engine.core import events
from engine.core.control import STOPPED
from engine.core.units import size
from webapp.jobs.models import State

CANCELLED, BAD_INPUT = 130, 2
TAIL = 20  # lines of log that explain a death


class Stop(StrEnum):
    """Why we ended a child ourselves."""

    NO = ""
    CANCEL = "cancel"  # a person asked
    DRAIN = "drain"  # this worker stops
    LIMIT = "limit"  # it used more than it may
    BROKEN = "broken"  # it does not keep to the protocol, or we could not store what it said


@dataclass(frozen=True)
class Outcome:
    state: State
    message: str = ""
    where: str = ""


def outcome(
    code: int,
    *,
    stop: Stop,
    why: str,
    done: events.Done | None,
    fail: events.Fail | None,
    tail: Sequence[str],
    peak: int,
) -> Outcome:
    """The state that an exit code stands for; a negative code is the signal that ended it."""
    if code == 0 and done is not None and stop is not Stop.BROKEN:
        return Outcome(State.DONE)
    if stop is Stop.CANCEL or code == CANCELLED:
        return Outcome(State.CANCELLED)
    if stop in (Stop.LIMIT, Stop.BROKEN):
        return Outcome(State.FAILED, why)
    if code == STOPPED or (stop is Stop.DRAIN and code < 0):
        return Outcome(State.QUEUED)
    if fail is not None and code > 0:
        where = (fail.where or "")[:200] if code == BAD_INPUT else ""
        return Outcome(State.FAILED, fail.message, where)
    return Outcome(State.FAILED, _death(code, tail, peak))


def _death(code: int, tail: Sequence[str], peak: int) -> str:
    if code < 0:
        what = f"the engine was ended by {_name(-code)}; it had used {size(peak)} of memory"
    elif code == 0:
        what = "the engine ended without saying that it was done"
    else:
        what = f"the engine ended with exit code {code} and no reason"
    if not tail:
        return what
    return f"{what}. The last lines of its log:\n" + "\n".join(tail)


def _name(number: int) -> str:
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"
