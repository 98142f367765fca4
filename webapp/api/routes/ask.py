"""What-ifs: a question to a job, answered by a worker within half a minute."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.http import HttpRequest
from ninja import Router
from pydantic import Field

from engine.core import params as parameters
from engine.core.method import Question
from engine.core.registry import methods
from webapp.api.errors import BadQuestion, NoAnswer, Unreachable
from webapp.api.fields import Given, Id, Problem, Shown, Slug, answers
from webapp.ids import new_id
from webapp.jobs.models import WAITING, Job, State
from webapp.live.passing import AWAY, pass_on
from webapp.policy import get_or_404
from webapp.refused import Refused

router = Router(tags=["results"])
PATIENCE = 30  # seconds


class Asking(Given):
    question: Slug
    set: dict[str, Any] = Field({}, description="the question's parameters")


class Answer(Shown):
    answer: Any
    seconds: float


@router.post(
    "/jobs/{job_id}/ask",
    response={**answers(Answer), 503: Problem, 504: Problem},
    summary="A what-if",
)
def ask(request: HttpRequest, job_id: Id, given: Asking) -> dict:
    job = get_or_404(request.user, Job, "job.ask", pk=job_id)
    question = _checked(job, given)
    if job.state in WAITING:
        raise _too_early(job)
    begun = time.monotonic()
    try:
        reply = async_to_sync(_reply)(job.pk, given.question, values=given.set)
    except AWAY as fault:
        raise Unreachable from fault
    if not reply.get("ok"):
        raise _unanswered(job, question, reply["error"], where=reply.get("where"))
    return {"answer": reply["answer"], "seconds": time.monotonic() - begun}


def _unanswered(job: Job, question: Question, error: str, *, where: str | None) -> Exception:
    """What the job refused may be a parameter; else a file that it has not written, or a fault."""
    if where in question.params.model_fields:
        return BadQuestion(error, where)  # it begins with the parameter's name
    job.refresh_from_db(fields=["state"])
    if job.state != State.DONE:
        return _too_early(job, error)
    return BadQuestion(f"question: this job could not answer it: {error}", "question")


def _too_early(job: Job, error: str = "") -> Refused:
    words = f"expected a job that has come far enough to answer; this one is {job.state}"
    return Refused([("state", f"{words} ({error})" if error else words)])


def _checked(job: Job, given: Asking) -> Question:
    """What the card can refuse is refused here, before a worker is troubled."""
    card = methods().get(job.method)
    question = card.question(given.question) if card else None
    if question is None:
        known = ", ".join(entry.name for entry in card.questions) if card else ""
        words = f"expected one of: {known}" if known else "this method answers none"
        raise Refused([("question", f"{words}, got {given.question!r}")])
    parameters.parse(question.params, given.set)
    return question


async def _reply(job_id: str, question: str, *, values: dict[str, Any]) -> dict[str, Any]:
    """Listens first, then asks: the answer cannot come too early."""
    layer, reply_id = get_channel_layer(), new_id()
    channel = await layer.new_channel()
    await layer.group_add(f"ask.{reply_id}", channel)
    try:
        await pass_on("ask", job_id, question, values, reply_id)
        async with asyncio.timeout(PATIENCE):
            return json.loads((await layer.receive(channel))["text"])
    except TimeoutError:
        raise NoAnswer(f"No worker answered within {PATIENCE} s.") from None
    finally:
        await layer.group_discard(f"ask.{reply_id}", channel)
