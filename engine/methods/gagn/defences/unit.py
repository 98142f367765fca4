"""One training of a defence: its name, and the settings in which it differs from the defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Unit:
    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def key(self, first: Unit) -> str:
        """The prefix of its series; the `first` setting of a defence has its plain name."""
        told = [
            _word(name, value)
            for name, value in self.settings.items()
            if first.settings.get(name) != value
        ]
        return ".".join(("baseline", self.name, *told))


def _word(name: str, value: float) -> str:
    """threshold003 is 0.03 and rank020 is 20: keys hold no decimal points."""
    return f"{name}{value if isinstance(value, int) else round(value * 100):03d}"
