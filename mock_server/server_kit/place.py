"""Where a server listens whose kit names a host of the real world."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Sequence

from mock_server.errors import ServerError

LOOPBACK = "127.0.0.1"


def addresses_of(host: str) -> tuple[str, ...]:
    """The addresses that a name stands for on this machine; none where it stands for none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


def listening_host(hosts: Sequence[str]) -> tuple[str, str]:
    """Choose the address to listen on: that of loopback, for which one of the server's names must stand.

    Args:
        hosts: the names by which admin kits may know the server, its own first.

    Returns:
        The address, and the name that leads there.

    Raises:
        ServerError: no name leads to this machine alone.
    """
    seen = []
    for host in hosts:
        addresses = addresses_of(host)
        local = [one for one in addresses if ":" not in one and ipaddress.ip_address(one).is_loopback]
        if local:  # of IPv4, to which official servers and sites keep, too
            return (LOOPBACK if LOOPBACK in local else local[0]), host
        seen.append(f"{host} is {', '.join(addresses) if addresses else 'unknown'}")
    raise ServerError(
        f"expected a server whose name leads to this machine alone, but {'; '.join(seen)}. Write "
        f"'{LOOPBACK} {hosts[0]}' into /etc/hosts, so that the kit's clients come here; or say where to listen: "
        f"host='{LOOPBACK}' (flare-mock serve --host {LOOPBACK}) for clients that find the way otherwise. "
        "Other addresses need allow_remote, too."
    )
