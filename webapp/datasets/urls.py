"""Datasets and their versions."""

from __future__ import annotations

from django.urls import path

from webapp.datasets import views

urlpatterns = [
    path("datasets/", views.datasets, name="datasets"),
    path("datasets/new/", views.dataset_new, name="dataset-new"),
    path("datasets/<str:pk>/", views.dataset, name="dataset"),
    path("datasets/<str:pk>/edit/", views.dataset_edit, name="dataset-edit"),
    path("datasets/<str:pk>/delete/", views.dataset_delete, name="dataset-delete"),
    path("versions/<str:pk>/download/", views.version_download, name="version-download"),
]
