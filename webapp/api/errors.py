"""Every refusal in one shape: code, message, field, hint, request_id."""

from __future__ import annotations

import logging
from functools import partial

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import HttpError, Throttled, ValidationError

from engine.core.errors import UserError
from engine.core.wording import worded
from webapp.datasets.uploads import WrongOffset
from webapp.jobs.query import QueryError
from webapp.refused import Refused

log = logging.getLogger(__name__)

CODES = {
    400: "unreadable",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    412: "unknown_protocol",
    413: "too_large",
    415: "wrong_media",
    422: "invalid",
    429: "too_many_requests",
    500: "broken",
    503: "unavailable",
    504: "no_answer",
}
SIGN_IN = "Send a header Authorization: Bearer TOKEN; tokens are made on the account page."


class BadQuestion(Exception):
    """A job refused what it was asked; `where` is the parameter that was bad."""

    def __init__(self, message: str, where: str | None):
        super().__init__(message)
        self.where = where


class NoAnswer(Exception):
    """A worker did not answer a what-if in time."""


class Unreachable(Exception):
    """A what-if could not be passed on to a worker, or its answer not listened for."""


def problem(
    request: HttpRequest,
    status: int,
    message: str,
    *,
    field: str | None = None,
    hint: str | None = None,
) -> HttpResponse:
    body = {
        "code": CODES.get(status, "refused"),
        "message": message,
        "field": field,
        "hint": hint,
        "request_id": getattr(request, "id", ""),
    }
    return JsonResponse(body, status=status)


def install(api: NinjaAPI) -> None:
    for kind, handler in HANDLERS.items():
        api.add_exception_handler(kind, handler)


def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    """The first fault; the others, if any, in the hint. A wrong state is a conflict."""
    (where, expected), *others = refused.faults
    more = "; ".join(f"{other}: {text}" for other, text in others)
    status = 409 if where == "state" else 422
    return problem(
        request,
        status,
        f"{where}: {expected}",
        field=where,
        hint=f"Also: {more}" if more else None,
    )


def _user_error(request: HttpRequest, error: UserError) -> HttpResponse:
    return problem(request, 422, str(error), field=error.where)


def _wrong_offset(request: HttpRequest, error: WrongOffset) -> HttpResponse:
    hint = "Go on from there, with the header Upload-Offset of this answer."
    answer = problem(request, 409, f"Upload-Offset: {error}", field="Upload-Offset", hint=hint)
    answer["Upload-Offset"] = str(error.offset)
    return answer


def _query(request: HttpRequest, error: QueryError) -> HttpResponse:
    hint = "For example: method:gagn state:done params.lr<0.01 tag:paper"
    return problem(request, 422, f"q: {error}", field="q", hint=hint)


def _validation(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first, *others = error.errors
    if any(item["loc"][0] == "path" for item in error.errors):
        return _missing(request, error)  # an id that cannot be one names nothing
    hint = f"Also: {'; '.join(map(_said, others[:10]))}" if others else None
    return problem(request, 422, _said(first), field=_where(first["loc"]), hint=hint)


def _said(item: dict) -> str:
    if item["type"] == "extra_forbidden":
        return f"{_where(item['loc'])}: there is no such field"
    return f"{_where(item['loc'])}: {worded(item)}"


def _where(place: tuple) -> str:
    """("body", "given", "tags", 0) is tags.0 for people: the first two name our own code."""
    rest = [str(part) for part in place[1:] if part not in ("given", "asked")]
    return ".".join(rest) or str(place[0])


def _missing(request: HttpRequest, error: Exception) -> HttpResponse:
    hint = "It may have been deleted, or belong to a team that you are not in."
    return problem(request, 404, "There is no such thing here.", hint=hint)


def _denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
    return problem(request, 403, str(error) or "Your role does not allow this.")


def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if error.status_code == 400 and request.content_type == "application/json":
        digits = "integer string conversion" in str(error.__cause__)
        hint = "Its numbers may have at most 4,300 digits." if digits else None  # as Python's
        return problem(request, 400, "body: expected JSON", field="body", hint=hint)
    hint = SIGN_IN if error.status_code == 401 else None
    return problem(request, error.status_code, str(error), hint=hint)


def _throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
    return problem(request, 429, "Too many calls.", hint="See the header Retry-After.")


def _bad_question(request: HttpRequest, error: BadQuestion) -> HttpResponse:
    return problem(request, 422, str(error), field=error.where)


def _no_answer(request: HttpRequest, error: NoAnswer) -> HttpResponse:
    hint = "A worker for the queue “ask” may be missing, or busy: see /queue."
    return problem(request, 504, str(error), hint=hint)


def _unreachable(request: HttpRequest, error: Unreachable) -> HttpResponse:
    log.warning("a question could not be passed on: %s", error.__cause__)
    message = "No worker can be reached: the message broker or the live channel is not there."
    return problem(request, 503, message, hint="Ask again in a while.")


def _plain(request: HttpRequest, error: Exception, *, status: int, message: str) -> HttpResponse:
    return problem(request, status, message)


def _broken(request: HttpRequest, error: Exception) -> HttpResponse:
    log.error("%s %s broke", request.method, request.path, exc_info=error)
    hint = "This is a fault of the bench; the request_id leads to it in the log."
    return problem(request, 500, "The bench failed to answer.", hint=hint)


UNREADABLE = partial(_plain, status=400, message="The request could not be read.")
HANDLERS = {
    Refused: _refused,
    UserError: _user_error,
    WrongOffset: _wrong_offset,
    QueryError: _query,
    ValidationError: _validation,
    Http404: _missing,
    PermissionDenied: _denied,
    HttpError: _http,
    Throttled: _throttled,
    BadQuestion: _bad_question,
    NoAnswer: _no_answer,
    Unreachable: _unreachable,
    RequestDataTooBig: partial(_plain, status=413, message="The request is too large."),
    SuspiciousOperation: UNREADABLE,
    UnreadablePostError: UNREADABLE,
    MultiPartParserError: UNREADABLE,
    Exception: _broken,
}
