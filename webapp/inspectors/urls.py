"""The tab Inspect."""

from __future__ import annotations

from django.urls import path

from webapp.inspectors import views

urlpatterns = [path("jobs/<str:pk>/inspect/", views.inspect, name="job-inspect")]
