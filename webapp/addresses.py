"""The names and addresses under which other machines reach this one."""

from __future__ import annotations

import socket

import psutil


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
