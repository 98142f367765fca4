"""Addresses of the API. Also what ninja would refuse in words of its own comes in our shape."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.urls import path

from webapp.api.build import api
from webapp.api.errors import problem

View = Callable[..., HttpResponse]


def _shaped(view: View) -> View:
    @wraps(view)  # keeps `csrf_exempt`: the session's authentication checks it
    def answer(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code == 405:
            allowed = response["Allow"]
            response = problem(request, 405, f"Expected one of: {allowed}.")
            response["Allow"] = allowed
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer


def _missing(request: HttpRequest, rest: str) -> HttpResponse:
    hint = "Every address is listed in /api/v1/openapi.json."
    return problem(request, 404, f"No such address: {request.path}", hint=hint)


_patterns, *_names = api.urls
for _pattern in _patterns:
    _pattern.callback = _shaped(_pattern.callback)

urlpatterns = [
    path("api/v1/", (_patterns, *_names)),
    path("api/v1/<path:rest>", _missing, name="api-missing"),
]
