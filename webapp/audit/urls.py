from __future__ import annotations

from django.urls import path

from webapp.audit.views import audit

urlpatterns = [path("teams/<slug:slug>/audit/", audit, name="audit")]
