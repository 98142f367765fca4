"""What the schemas of the API are made of. A field that is not known is refused everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from ninja import Schema
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from webapp.refused import Refused

Id = Annotated[str, StringConstraints(pattern=r"^[0-9a-hjkmnp-tv-z]{26}$")]
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./\-]{1,200}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,50}$")]
# A line that people read: no control characters.
Line = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$"
    ),
]
Text = Annotated[
    str,
    StringConstraints(max_length=20_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"),
]
Words = Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00-\x1f]*$")]


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError("an e-mail address was expected") from None
    if len(text) > 254:
        raise ValueError("an e-mail address of at most 254 characters was expected")
    return text


Email = Annotated[
    str,
    AfterValidator(_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]


class Given(BaseModel):
    """A JSON body: exact types, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Asked(BaseModel):
    """Query parameters: text is read as its type, no unknown names."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> Asked:
        request: HttpRequest = (info.context or {})["request"]
        _only(request.GET, tuple(type(self).model_fields))
        return self


class Sent(BaseModel):
    """The fields of a form beside its file: text, no unknown names."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> Sent:
        request: HttpRequest = (info.context or {})["request"]
        known = (*type(self).model_fields, "file")
        _only((*request.POST, *request.FILES), known)
        return self


def _only(names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise Refused([(name, f"no such name; there are: {', '.join(known)}")])


class Shown(Schema):
    """What the API answers, read off a row of the database."""


class Problem(Schema):
    """The one shape of every refusal."""

    code: str
    message: str
    field: str | None = None
    hint: str | None = None
    request_id: str


def answers(shape: Any, *, status: int = 200) -> dict[int, Any]:
    """The responses of an operation as its OpenAPI lists them."""
    return {status: shape, **dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429), Problem)}
