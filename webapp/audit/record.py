"""Writes the audit log, in the same transaction as the deed: one is never without the other."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction

from webapp.accounts.models import Team, User
from webapp.audit.models import AuditEvent


def record(
    user: User | None, action: str, target: models.Model | str, *, team: Team | None, **detail: Any
) -> AuditEvent:
    """`action` as in the policy ("job.cancel"); `user` is None for what the bench does itself."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError(f"{action} was recorded outside the transaction of its deed")
    return AuditEvent.objects.create(
        user=user, action=action, target=_name(target), team=team, detail=detail
    )


def _name(target: models.Model | str) -> str:
    if isinstance(target, str):
        return target[:200]
    return f"{target._meta.model_name} {target}"[:170] + f" ({target.pk})"
