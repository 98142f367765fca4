from django.apps import AppConfig


class WebappConfig(AppConfig):
    """Holds what belongs to no noun: commands and template tags."""

    name = "webapp"
