from __future__ import annotations

from django.http import HttpRequest


def bench(request: HttpRequest) -> dict:
    return {}
