"""What machines ask: is the process alive, and can it serve? Nothing else is told."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from webapp.pages.disk import free_bytes


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"ok": True})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    checks = {"database": _database(), "disk": free_bytes() >= settings.MIN_FREE_DISK}
    return JsonResponse(
        {"ok": all(checks.values()), "checks": checks}, status=200 if all(checks.values()) else 503
    )


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True
