"""Home, methods, queue, docs, and what machines ask."""

from __future__ import annotations

from django.urls import path

from webapp.pages import docs, health, home, methods, queue

urlpatterns = [
    path("", home.home, name="home"),
    path("home/running/", home.running, name="home-running"),
    path("home/count/", home.count, name="running-count"),
    path("methods/", methods.methods, name="methods"),
    path("methods/<slug:slug>/", methods.method, name="method"),
    path("queue/", queue.queue, name="queue"),
    path("queue/parts/", queue.parts, name="queue-parts"),
    path("queue/<str:job_id>/priority/", queue.priority, name="queue-priority"),
    path("docs/", docs.docs, name="docs"),
    path("docs/<slug:slug>/", docs.doc, name="doc"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
