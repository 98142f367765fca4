from django.apps import AppConfig


class InspectorsConfig(AppConfig):
    name = "webapp.inspectors"
    default_auto_field = "django.db.models.BigAutoField"
