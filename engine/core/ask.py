"""What-if: questions about a job, answered from its directory within a second.

A method's `whatif` names a class. It is made once per session with the Job, loads what it
needs there, and has one method per Question of the card:

    class WhatIf:
        def __init__(self, job: Job): ...
        def threshold(self, params: ThresholdParams) -> dict: ...
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from engine.core import params as parameters
from engine.core.device import settle
from engine.core.errors import BAD_INPUT, Failure, UserError
from engine.core.job import Job
from engine.core.method import Question, resolve
from engine.core.plain import plain

__all__ = ["Job", "Session", "stay"]

Say = Callable[..., object]


class Session:
    """The what-if of one job, loaded once."""

    def __init__(self, folder: Path):
        self.job = Job(folder)
        method = self.job.method
        if method.whatif is None:
            raise UserError("question", f"{method.slug} answers no what-if")
        self._whatif = resolve(method.whatif)(self.job)

    def question(self, name: str) -> Question:
        method = self.job.method
        question = method.question(name)
        if question is None:
            known = ", ".join(entry.name for entry in method.questions) or "none"
            raise UserError("question", f"{method.slug} has no {name!r}; it has: {known}")
        return question

    def ask(self, name: str, values: Mapping[str, Any]) -> Any:
        """The answer as plain JSON; refuses unknown questions and bad values by name."""
        question = self.question(name)
        params = parameters.parse(question.params, dict(values))
        return plain(getattr(self._whatif, name)(params))

    def reply(self, say: Say, message: Mapping[str, Any]) -> None:
        """Answer one message with an `answer` event, whatever comes of it."""
        reply(say, str(message.get("id", "")), lambda: self.answer(message))

    def answer(self, message: Mapping[str, Any]) -> Any:
        values = message.get("set") or {}
        if not isinstance(values, dict):
            raise UserError("set", "expected an object of parameters")
        return self.ask(str(message.get("question")), values)


def reply(say: Say, id: str, make: Callable[[], Any]) -> None:
    started = time.monotonic()
    answer, error, where = None, None, None
    try:
        answer = make()
    except UserError as fault:
        error, where = str(fault), fault.where
    except Failure as fault:
        error = str(fault)
        sys.stderr.write(f"{error}\n{fault.details}\n")
    except Exception as fault:  # noqa: BLE001 - the session outlives a question that fails
        traceback.print_exc(file=sys.stderr)
        error = f"{type(fault).__name__}: {fault}"
    seconds = round(time.monotonic() - started, 6)
    ok = error is None
    say("answer", id=id, ok=ok, answer=answer, error=error, where=where, seconds=seconds)


def stay(folder: Path, lines: Iterable[bytes], say: Say) -> int:
    """Load the session, say `ready`, then answer one JSON line after the other."""
    session: Session | None = None

    def load() -> Any:
        nonlocal session
        session = Session(folder)
        settle(session.job.seed, session.job.threads)
        return {"questions": [question.name for question in session.job.method.questions]}

    reply(say, "ready", load)
    if session is None:
        return BAD_INPUT
    for line in lines:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            message = None
        if isinstance(message, dict):
            session.reply(say, message)
        else:
            error = f"expected one JSON object per line, got {line[:80]!r}"
            say("answer", id="", ok=False, error=error, seconds=0.0)
    return 0
