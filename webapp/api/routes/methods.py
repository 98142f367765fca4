"""The methods that this bench has: their cards."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest
from ninja import Router

from engine.core.registry import methods
from webapp.api.fields import Shown, Slug, answers

router = Router(tags=["methods"])


class MethodOut(Shown):
    """What `python -m engine describe METHOD` prints."""

    slug: str
    title: str
    paper: dict[str, Any]
    summary: str
    inputs: list[dict[str, Any]]
    params: dict[str, Any]
    defaults: dict[str, Any]
    metrics: list[dict[str, Any]]
    baselines: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    requires: str
    threads: int


@router.get("/methods", response=answers(list[MethodOut]), summary="Every method")
def list_methods(request: HttpRequest) -> list[dict]:
    return [method.describe() for method in methods().values()]


@router.get("/methods/{slug}", response=answers(MethodOut), summary="One method")
def get_method(request: HttpRequest, slug: Slug) -> dict:
    if slug not in methods():
        raise Http404
    return methods()[slug].describe()
