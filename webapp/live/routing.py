"""The addresses that speak WebSocket."""

from __future__ import annotations

from django.urls import path

from webapp.live.consumers import Live

sockets = [path("ws/live", Live.as_asgi())]
