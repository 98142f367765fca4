"""The API as one object: its operations, who may call, and how it refuses."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
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


def build() -> NinjaAPI:
    api = NinjaAPI(
        title="Tenfold",
        version="1.0.0",
        description=ABOUT,
        docs=Pages(),
        docs_decorator=require_safe,
        auth=[Bearer(), Session()],
        throttle=Rate(),
    )
    for module in (people, teams, projects, datasets, methods, jobs, results, ask, queue):
        api.add_router("", module.router)
    errors.install(api)
    return api


api = build()
