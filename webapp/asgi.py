"""The ASGI application: pages and API over HTTP, live updates over a WebSocket."""

from __future__ import annotations

import gc
import os
from importlib import import_module

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
pages = get_asgi_application()

# Only now that the apps are loaded can what uses models be imported.
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402

from webapp.bodies import BodyLimit  # noqa: E402
from webapp.live.routing import sockets  # noqa: E402
from webapp.parts import BrokenParts  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": BodyLimit(BrokenParts(pages)),
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(sockets))),
    }
)

# All pages and the API are made now, not in somebody's first request. What stands then stays, so
# the collector need not look at it: each full collection stopped the server for 60 ms.
import_module("webapp.urls")
gc.collect()
gc.freeze()
