"""The tab Inspect of a job."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from webapp.inspectors.framework import inspector_of
from webapp.jobs.models import WAITING, Job
from webapp.jobs.results import card_of
from webapp.jobs.views.job import get_job, page


@login_required
@require_safe
def inspect(request: HttpRequest, pk: str) -> HttpResponse:
    job = get_job(request, pk)
    inspector = inspector_of(job.method)
    context = inspector.page(job)
    return page(
        request,
        job,
        "job-inspect",
        template=inspector.template,
        script=inspector.script,
        warming=_answers(job),
        **context,
    )


def _answers(job: Job) -> bool:
    """Whether the page's script should have a process made ready for questions."""
    card = card_of(job)
    return card is not None and card.whatif is not None and job.state not in WAITING
