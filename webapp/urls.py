"""Every address. The apps' own files name the views; the policy walk test walks them all."""

from __future__ import annotations

from django.urls import include, path

from webapp.pages import views

urlpatterns = [
    path("", include("webapp.pages.urls")),
    path("", include("webapp.accounts.urls")),
    path("", include("webapp.audit.urls")),
    path("", include("webapp.jobs.urls")),
    path("", include("webapp.datasets.urls")),
    path("", include("webapp.artifacts.urls")),
    path("", include("webapp.inspectors.urls")),
    path("", include("webapp.api.urls")),
]

handler400 = views.refused
handler403 = views.forbidden
handler404 = views.missing
handler500 = views.broken
