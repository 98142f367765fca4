"""What the schemas of the API are made of. A field that is not known is refused everywhere."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest
from ninja import Schema
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function

from webapp.refused import NOT_IN_LINE, NOT_IN_TEXT, Refused, stray


@dataclass(frozen=True)
class Checked:
    """Texts against which `refusal` has no words; in the schema, those of the `pattern`."""

    pattern: str
    refusal: Callable[[str], str | None]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(core), "pattern": self.pattern}

    def _check(self, text: str) -> str:
        if words := self.refusal(text):
            raise ValueError(words)
        return text


def like(pattern: str, expected: str) -> Checked:
    """Texts of the pattern; `expected` says to people what that is."""

    def refusal(text: str) -> str | None:
        fits = re.fullmatch(pattern, text)
        return None if fits else f"expected {expected}, got {text!r:.60}"

    return Checked(f"^({pattern})$", refusal)


one_line = Checked(f"^[^{NOT_IN_LINE}]*$", stray)
some_lines = Checked(f"^[^{NOT_IN_TEXT}]*$", partial(stray, lines=True))

Id = Annotated[str, like("[0-9a-hjkmnp-tv-z]{26}", "an id of 26 digits and small letters")]
Slug = Annotated[str, like("[A-Za-z0-9_-]{1,50}", "1 to 50 letters, digits, - and _")]
Word = Annotated[str, like("[a-z_]{0,20}", "at most 20 small letters")]
# A line that people read.
Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), one_line
]
Text = Annotated[str, StringConstraints(max_length=20_000), some_lines]
Words = Annotated[str, StringConstraints(max_length=1000), one_line]


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError(f"expected an e-mail address, got {text!r:.40}") from None
    if len(text) > 254:
        raise ValueError(f"expected an e-mail address of at most 254 characters, got {len(text)}")
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
            raise Refused([(name, f"there is no such name; there are: {', '.join(known)}")])


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
