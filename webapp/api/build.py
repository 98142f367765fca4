"""The API as one object: its operations, who may call, and how it refuses."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import ValidationError, ValidationErrorContext
from ninja.openapi.docs import DocsBase

from webapp.api import errors
from webapp.api.auth import Bearer, Session
from webapp.api.describe import sections
from webapp.api.rate import Rate
from webapp.api.routes import (
    ask,
    datasets,
    jobs,
    methods,
    people,
    projects,
    queue,
    results,
    teams,
    uploads,
)

ABOUT = """Everything that the pages do, for scripts. Data belong to teams; what is not in a team
of yours is answered with 404. Shares are fractions in [0, 1], times seconds, sizes bytes."""


class Pages(DocsBase):
    """Our own page of the API: no file from another host, no inline script."""

    def render_page(self, request: HttpRequest, api: NinjaAPI, **kwargs: object) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        page = {"api": api, "sections": sections(api.get_openapi_schema())}
        return render(request, "api/docs.html", page)


class Api(NinjaAPI):
    """Ninja's own leaves out of a fault what came; our words tell it."""

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext]
    ) -> ValidationError:
        came = [
            fault["input"]
            for context in error_contexts
            for fault in context.pydantic_validation_error.errors(include_url=False)
        ]
        found = super().validation_error_from_error_contexts(error_contexts)
        for fault, value in zip(found.errors, came, strict=True):
            fault["input"] = value
        return found


def build() -> NinjaAPI:
    api = Api(
        title="Tenfold",
        version="1.0.0",
        description=ABOUT,
        docs=Pages(),
        docs_decorator=require_safe,
        auth=[Bearer(), Session()],
        throttle=Rate(),
    )
    nouns = (people, teams, projects, datasets, uploads, methods, jobs, results, ask, queue)
    for module in nouns:
        api.add_router("", module.router)
    errors.install(api)
    return api


api = build()
