"""Artifacts by their id."""

from __future__ import annotations

from django.urls import path

from webapp.artifacts import views

urlpatterns = [
    path("artifacts/<slug:pk>/", views.artifact, name="artifact"),
    path("artifacts/<slug:pk>/raw/", views.artifact_raw, name="artifact-raw"),
    path("artifacts/<slug:pk>/download/", views.artifact_download, name="artifact-download"),
]
