"""The pages that say what went wrong, and what to do."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

log = logging.getLogger(__name__)


def _answer(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    user = getattr(request, "user", None)  # missing where a middleware refused
    shell = "base.html" if user and user.is_authenticated else "components/alone.html"
    shown = {
        "shell": shell,
        "title": title,
        "text": text,
        "status": status,
        "request_id": request.id,
    }
    return render(request, "errors/error.html", shown, status=status)


def refused(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        request,
        400,
        "This request could not be read",
        "Something in the address or the form is not what the page expects. Go back and send it"
        " again; if it came from a script, compare it with the API's documentation.",
    )


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    reason = str(exception) if exception and str(exception) else "this needs a higher role"
    return _answer(
        request,
        403,
        "Your role does not allow this",
        f"Asked for and refused: {reason}. An owner of the team can change your role.",
    )


def missing(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        request,
        404,
        "There is no such page here",
        "The address may be mistyped, the thing may have been deleted, or it belongs to a team"
        " that you are not a member of.",
    )


def broken(request: HttpRequest) -> HttpResponse:
    """Plain on purpose: the database or a template may be what broke."""
    return render(
        None, "errors/broken.html", {"request_id": getattr(request, "id", "")}, status=500
    )


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token does not match: often a page that stayed open over a new sign-in."""
    return _answer(
        request,
        403,
        "This form is no longer valid",
        "It was opened before you signed in, or your browser sends no cookies to this site. Go"
        " back, reload the page and send it again.",
    )
