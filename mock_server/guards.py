"""What keeps a mock from being taken for, or used as, a real server: what it says of itself, where it may listen."""

from __future__ import annotations

import ipaddress
import socket

MOCK_ORG = "flare-conformance mock"
"""What certificates call the organisation or the unit behind them: whoever meets one sees what it is."""

NOTICE = "This is a mock server of flare-conformance, for tests only: it runs no federated learning."
"""What the server says of itself wherever there is room for words."""


def check_host(host: str) -> None:
    """Make sure that nobody on another machine reaches what listens on a host.

    Args:
        host: a name or an address.

    Raises:
        ValueError: it is not of this machine alone.
        OSError: the name stands for no address.
    """
    # An empty host is every address there is.
    found = socket.getaddrinfo(host or "0.0.0.0", None, type=socket.SOCK_STREAM)  # noqa: S104 - to be refused
    for address in sorted({str(entry[4][0]) for entry in found}):
        # The scope of an address ("%eth0") is none of its own.
        if ipaddress.ip_address(address.partition("%")[0]).is_loopback:
            continue
        named = address if host in ("", address) else f"{host}, which is {address}"
        raise ValueError(
            f"expected a host that only this machine reaches, as 127.0.0.1, but got {named}: a mock is for tests, "
            "and others reach it only where that is allowed (allow_remote=True, flare-mock serve --allow-remote)"
        )
