"""One client's connection, whatever carries its frames: the protocol's state machine and the service behind it.

Knows neither sockets nor TLS. A transport hands frames in, and gives a function that sends and one that ends.
"""

from __future__ import annotations

import collections
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from flare_client.protocol.cellnet.blocks import Content
from flare_client.protocol.cellnet.server import ClientLeft, ClientRegistered, Dropped, Greeted, ServerPeer
from flare_client.protocol.cellnet.sfm import BadFrame, Frame
from flare_client.protocol.errors import ProtocolError
from mock_server.endpoints.cellnet.uploads import Uploads

if TYPE_CHECKING:
    from mock_server.endpoints.cellnet.endpoint import CellEndpoint

_logger = logging.getLogger("mock_server")


class Conversation:
    """What is known of one connection.

    Args:
        endpoint: the endpoint that accepted it.
        send: sends frames, in order.
        close: ends the connection once everything is sent.
        abort: cuts the connection.
    """

    def __init__(
        self,
        endpoint: CellEndpoint,
        send: Callable[[list[Content]], None],
        close: Callable[[], None],
        abort: Callable[[], None],
    ) -> None:
        self._endpoint = endpoint
        self._send = send
        self.close = close
        self.abort = abort
        self.peer = ServerPeer(endpoint.service.identity, time.time(), endpoint.limits)
        self.uploads = Uploads(endpoint.service.upload_dir, endpoint.limits)
        self._waiting: collections.deque[Frame | BadFrame] = collections.deque()
        self._held = False
        self._heard = time.monotonic()
        self._pinged = False
        endpoint.conversations.add(self)

    @property
    def name(self) -> str:
        """What the log calls it."""
        return self.peer.endpoint_name or "a client that has not greeted"

    def hold(self) -> None:
        """Answer nothing more for now: the client does not take what was sent."""
        self._held = True

    def go_on(self) -> None:
        """Answer what has waited."""
        self._held = False
        self._work()

    def receive(self, frames: list[Frame | BadFrame]) -> None:
        """Take frames in the order in which they came."""
        self.note_bytes()
        self._waiting.extend(frames)
        self._work()

    def note_bytes(self) -> None:
        """Note that the client is there."""
        self._heard = time.monotonic()
        self._pinged = False

    def push(self, channel: str, topic: str, content: object) -> None:
        """Tell the client something that it did not ask for."""
        self.peer.push(channel, topic, content, time.time())
        self._flush()

    def look_after(self) -> None:
        """Give up what stands still; called now and then."""
        for event in self.peer.stalled(time.time()):
            _logger.warning("%s: %s", self.name, event)
        silent = time.monotonic() - self._heard
        if silent <= self._endpoint.stall_timeout:
            return
        if self.peer.endpoint_name is None or self._pinged or self._held:
            _logger.warning("closing the connection of %s: silent for %.0f s", self.name, silent)
            self.abort()
            return
        self._pinged = True
        self._heard = time.monotonic()
        self.peer.ping()
        self._flush()

    def lost(self) -> None:
        """The connection is over."""
        self._waiting.clear()
        self.uploads.close()
        self._endpoint.forget(self)

    def _work(self) -> None:
        while self._waiting and not self._held:
            frame = self._waiting.popleft()
            try:
                self._take(frame)
            except ProtocolError as problem:
                _logger.warning("closing the connection of %s: %s", self.name, problem)
                self._waiting.clear()
                self._flush()
                self.close()

    def _take(self, frame: Frame | BadFrame) -> None:
        left = False
        for event in self.peer.receive(frame, time.time()):
            if isinstance(event, Dropped):
                _logger.warning("dropping what %s sent: %s", self.name, event.reason)
            elif isinstance(event, Greeted):
                self._endpoint.greeted(self, event.endpoint_name)
            elif isinstance(event, ClientRegistered):
                _logger.debug("%s registered as %s", self.name, event.user)
            elif isinstance(event, ClientLeft):
                left = True
            else:
                self._endpoint.service.take(self, event)
        self._flush()
        if left:
            _logger.debug("%s left", self.name)

    def _flush(self) -> None:
        while frames := self.peer.frames_to_send():
            self._send(frames)
