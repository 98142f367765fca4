"""What stands in a table's columns, and so what is learnt from it. Light: no numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.methods.flat_lora.params import FlatLoraParams

ROLES = ("text", "text2", "label", "prompt", "completion")  # each a parameter
NONE = "-"  # a column that is not to be used


@dataclass(frozen=True)
class Columns:
    """By what was asked for, else by the table's roles. None: there is none."""

    text: str | None
    text2: str | None
    label: str | None
    prompt: str | None
    context: str | None
    completion: str | None

    @classmethod
    def of(cls, params: FlatLoraParams, roles: Any) -> Columns:
        """`roles` has the names of all six, as found in the table."""
        found = {
            name: {"": getattr(roles, name), NONE: None}.get(asked, asked)
            for name in ROLES
            for asked in (getattr(params, name),)
        }
        own = params.prompt in ("", roles.prompt)
        return cls(context=roles.context if own else None, **found)

    @property
    def classify(self) -> tuple[str, ...]:
        return tuple(name for name in (self.text, self.text2, self.label) if name)

    @property
    def causal(self) -> tuple[str, ...]:
        return tuple(name for name in (self.prompt, self.context, self.completion) if name)


def task_of(params: FlatLoraParams, found: Columns) -> str:
    """classify or causal, by what was asked for, else by the columns."""
    if params.task != "auto":
        return params.task
    if params.completion or (found.completion and not params.label):
        return "causal"
    return "classify" if found.label and found.text else "causal"
