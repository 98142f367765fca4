"""Jobs, groups and comparison."""

from __future__ import annotations

from django.urls import path

from webapp.jobs.views import compare, deeds, group, job, lists, new

urlpatterns = [
    path("jobs/", lists.jobs, name="jobs"),
    path("jobs/new/", new.job_new, name="job-new"),
    path("jobs/new/foretold/", new.job_foretold, name="job-foretold"),
    path("jobs/columns/", lists.columns, name="jobs-columns"),
    path("jobs/bulk/", deeds.bulk, name="jobs-bulk"),
    path("jobs/<str:pk>/", job.overview, name="job"),
    path("jobs/<str:pk>/charts/", job.charts, name="job-charts"),
    path("jobs/<str:pk>/logs/", job.logs, name="job-logs"),
    path("jobs/<str:pk>/log.txt", job.log_text, name="job-log"),
    path("jobs/<str:pk>/artifacts/", job.artifacts, name="job-artifacts"),
    path("jobs/<str:pk>/config/", job.config, name="job-config"),
    path("jobs/<str:pk>/attempts/", job.attempts, name="job-attempts"),
    path("jobs/<str:pk>/cancel/", deeds.cancel, name="job-cancel"),
    path("jobs/<str:pk>/retry/", deeds.retry, name="job-retry"),
    path("jobs/<str:pk>/resume/", deeds.resume, name="job-resume"),
    path("jobs/<str:pk>/delete/", deeds.delete, name="job-delete"),
    path("jobs/<str:pk>/edit/", deeds.edit, name="job-edit"),
    path("compare/", compare.compare, name="compare"),
    path("groups/<str:pk>/", group.group, name="group"),
]
