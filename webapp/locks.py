"""Row locks of deletions against submissions; SQLite has one writer at a time and needs none.

Taken in one order, so that nobody waits in a circle: projects, datasets, versions, jobs, and
last the team, which every transaction that writes the audit log holds from its commit on.
"""

from __future__ import annotations

from django.db.models import QuerySet


def lock(rows: QuerySet, *, to_use: bool = False) -> set[str]:
    """The ids of those that still exist, until the transaction ends.

    `to_use` is for who refers to them: it keeps off deletions and not other references.
    """
    held = rows.select_for_update(no_key=to_use).order_by("pk")
    return set(held.values_list("pk", flat=True))
