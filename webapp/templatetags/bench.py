"""Filters and tags of every template: how ages, numbers, states and icons are written.

Built in (see settings), so that no template loads anything; `static` comes along.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import do_static, static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from engine.core.units import duration, size
from webapp.accounts.models import Team
from webapp.ids import slot_of
from webapp.jobs.models import Project
from webapp.pages import prose

register = template.Library()
register.tag("static", do_static)
register.filter("bytes", size)
register.filter("duration", duration)


def _age(moment: datetime) -> str:
    seconds = (timezone.now() - moment).total_seconds()
    if seconds < 5:
        return "just now"
    for below, step, unit in ((60, 1, "s"), (3600, 60, "min"), (86400, 3600, "h")):
        if seconds < below:
            return f"{int(seconds // step)} {unit} ago"
    if seconds < 60 * 86400:
        return f"{int(seconds // 86400)} d ago"
    return moment.date().isoformat()


@register.filter
def ago(moment: datetime | None) -> str:
    """A <time> that says how long ago, and exactly when under the pointer."""
    if moment is None:
        return ""
    return format_html(
        '<time data-ago datetime="{}" title="{} UTC">{}</time>',
        moment.isoformat(),
        moment.strftime("%Y-%m-%d %H:%M:%S"),
        _age(moment),
    )


@register.filter
def number(value: Any, digits: int = 4) -> str:
    """A number in so many significant digits; counts whole, with commas by thousands."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "not a number", "inf": "∞", "-inf": "−∞"}[str(value)]
    if isinstance(value, int) or (value.is_integer() and abs(value) < 1e7):  # counts may be floats
        return f"{int(value):,}".replace("-", "−")
    if value != 0 and not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    places = digits if abs(value) < 1 else max(0, digits - 1 - int(math.log10(abs(value))))
    return f"{value:.{places}f}".replace("-", "−")


@register.filter
def among(thing: Team | Project, others: list[Any]) -> str:
    """The name of a team or project, told apart from those of the others that one may choose."""
    return thing.title_among(others)


@register.filter
def slot(job_id: str) -> int:
    """The palette slot (1 to 8) of a job: the same on all pages, and in charts.js."""
    return slot_of(str(job_id))


@register.filter
def get(mapping: dict, key: str) -> Any:
    """The value under a key that is itself a variable."""
    return mapping.get(key)


@register.filter
def markdown(text: str) -> SafeString:
    """Prose that people wrote, below a heading of the page: Markdown without HTML."""
    return prose.render(text, demote=3, anchors=False).html


@register.simple_tag
def icon(name: str, label: str = "") -> str:
    """One drawing of the sprite; silent for screen readers unless it has a label."""
    address = f"{static('icons/sprite.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="icon" role="img" aria-label="{}"><use href="{}"/></svg>', label, address
        )
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"/></svg>', address)


SPARK_WIDTH, SPARK_HEIGHT = 100, 30


@register.simple_tag
def spark(values: list[float | None], colour: int = 0) -> str:
    """A curve without axes; whoever needs its numbers opens the job."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    least, span = min(known), max(known) - min(known) or 1
    step = SPARK_WIDTH / (len(known) - 1)
    points = " ".join(
        f"{at * step:.1f},{SPARK_HEIGHT - (value - least) / span * SPARK_HEIGHT:.1f}"
        for at, value in enumerate(known)
    )
    return format_html(
        '<svg class="spark slot-{}" viewBox="0 0 {} {}" preserveAspectRatio="none"'
        ' aria-hidden="true"><polyline points="{}"/></svg>',
        colour,
        SPARK_WIDTH,
        SPARK_HEIGHT,
        points,
    )


STATE_ICONS = {"checking": "queued", "ready": "done", "rejected": "failed"}


@register.simple_tag
def state(value: str) -> str:
    """A state as icon, word and colour; `data-state` is what tests and live pages read."""
    return format_html(
        '<span class="state state-{0}" data-state="{0}">{1} {0}</span>',
        value,
        icon(STATE_ICONS.get(value, value)),
    )
