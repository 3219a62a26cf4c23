"""Ports that are held for later."""

from __future__ import annotations

import socket

from mock_server.errors import ServerError


def reserve_port(host: str, port: int) -> socket.socket:
    """Hold a port that a kit names but nobody serves yet, so that no other program gets it."""
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        holder.bind((host, port))
    except OSError as problem:
        holder.close()
        raise ServerError(f"expected port {port} of {host} to be free, but {problem.strerror}") from problem
    return holder
