"""What a socket may hear, asked of the database: every function here blocks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from types import SimpleNamespace

from django.conf import settings
from django.contrib.auth import get_user
from django.core.exceptions import PermissionDenied
from django.http import Http404

from webapp import policy
from webapp.accounts.models import Team, User
from webapp.ids import LENGTH
from webapp.jobs.models import Job

_ID = rf"[0-9a-z]{{{LENGTH}}}"
_TOPIC = re.compile(rf"(job|team|warm)\.({_ID})")


@dataclass(frozen=True)
class Subscription:
    """A topic that a user may hear, the team that it belongs to, and where its job stands."""

    topic: str
    team: str
    seq: int | None = None


def standing(session_key: str) -> tuple[User, frozenset[str]] | None:
    """The user of a session and their teams, as of now; None when the session has ended."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    user = get_user(SimpleNamespace(session=store(session_key)))
    if not user.is_authenticated:
        return None
    return user, frozenset(user.memberships.values_list("team_id", flat=True))


def is_topic(text: str) -> bool:
    return _TOPIC.fullmatch(text) is not None


def subscription(user: User, topic: str) -> Subscription | None:
    """None where the topic does not exist, or not for this user: both look the same."""
    kind, pk = topic.split(".")
    try:
        if kind == "team":
            team = policy.get_or_404(user, Team, "team.view", pk=pk)
            return Subscription(topic, team.pk)
        action = "job.view" if kind == "job" else "job.ask"
        job = policy.get_or_404(user, Job, action, pk=pk)
    except (Http404, PermissionDenied):
        return None
    return Subscription(topic, job.team_id, job.seq if kind == "job" else None)


def may_ask(user: User, job_id: str) -> bool:
    if not re.fullmatch(_ID, job_id):
        return False
    try:
        policy.get_or_404(user, Job, "job.ask", pk=job_id)
    except (Http404, PermissionDenied):
        return False
    return True
