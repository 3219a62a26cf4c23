"""What makes a server durable: its state in a directory, so that it outlives the process, however that ends."""

from __future__ import annotations

from mock_server.state.database import StateError
from mock_server.state.directory import Owner, State

__all__ = ["Owner", "State", "StateError"]
