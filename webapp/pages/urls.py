"""Home, methods, queue, docs, and what machines ask."""

from __future__ import annotations

from django.urls import path

from webapp.pages import docs, health

urlpatterns = [
    path("", docs.docs, name="home"),
    path("methods/", docs.docs, name="methods"),
    path("queue/", docs.docs, name="queue"),
    path("docs/", docs.docs, name="docs"),
    path("docs/<slug:slug>/", docs.doc, name="doc"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
