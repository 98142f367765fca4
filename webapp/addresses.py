"""The names and addresses under which this machine is reached, by others and from itself."""

from __future__ import annotations

import socket

import psutil
from django.conf import settings

LOCAL = ("127.0.0.1", "0.0.0.0", "::")  # noqa: S104 - compared, not bound


def public_address(host: str, port: int) -> str:
    """Where the bench is, as told to people: one name, since a session is known by its host."""
    name = "localhost" if host in LOCAL else f"[{host}]" if ":" in host else host
    return settings.PUBLIC_URL or f"http://{name}:{port}"


def own_addresses() -> set[str]:
    """Host names and interface addresses, in the form in which a browser sends them."""
    found = {socket.gethostname(), socket.getfqdn()}
    for addresses in psutil.net_if_addrs().values():
        for address in addresses:
            if address.family == socket.AF_INET:
                found.add(address.address)
            elif address.family == socket.AF_INET6:
                found.add(f"[{address.address.partition('%')[0]}]")
    return found
