"""What connections that asyncio carries have in common, whatever the form of their frames."""

from __future__ import annotations

import asyncio
import logging

from mock_server.endpoints.cellnet.conversation import Conversation
from mock_server.faults.door import reset
from mock_server.transcript.facts import CLIENT

_logger = logging.getLogger("mock_server")


class Carrier(asyncio.Protocol):
    """One connection; a subclass sets both attributes when it is made.

    Attributes:
        transport: the connection.
        conversation: what is said on it.
    """

    transport: asyncio.Transport
    conversation: Conversation

    def reset(self) -> None:
        """Cut the connection with a TCP reset."""
        reset(self.transport)

    def pause_writing(self) -> None:
        """Answer nothing more: the client does not keep up."""
        self.conversation.hold()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self.transport.resume_reading()
        self.conversation.go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up."""
        if exc is not None:
            _logger.debug("connection of %s lost: %s", self.conversation.name, exc)
            self.conversation.trace.ending(CLIENT, str(exc))
        self.conversation.lost()
