"""The addresses that speak WebSocket."""

from __future__ import annotations

from django.urls import path, re_path

from webapp.live.consumers import Live, Nowhere

sockets = [path("ws/live", Live.as_asgi()), re_path("", Nowhere.as_asgi())]
