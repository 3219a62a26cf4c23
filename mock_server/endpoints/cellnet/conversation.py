"""One client's connection, whatever carries its frames: the protocol's state machine and the service behind it.

Knows neither sockets nor TLS. A transport hands frames in, and gives a function that sends and one that ends.
"""

from __future__ import annotations

import asyncio
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
from mock_server.faults.course import PLAIN, USUAL_WELCOME, End, Form, Welcome
from mock_server.transcript.facts import SERVER, Decided, FrameCame, FrameSent, Trace, what_came_of

if TYPE_CHECKING:
    from mock_server.endpoints.cellnet.endpoint import CellEndpoint

_logger = logging.getLogger("mock_server")


class Conversation:
    """What is known of one connection.

    Args:
        endpoint: the endpoint that accepted it.
        trace: is told what happens.
        send: sends frames, in order.
        close: ends the connection once everything is sent.
        abort: cuts the connection.
        welcome: how the server shows itself on it.
    """

    def __init__(
        self,
        endpoint: CellEndpoint,
        trace: Trace,
        send: Callable[[list[Content]], None],
        close: Callable[[], None],
        abort: Callable[[], None],
        welcome: Welcome = USUAL_WELCOME,
    ) -> None:
        self._endpoint = endpoint
        self.trace = trace
        self._send = send
        self._close = close
        self._abort = abort
        self.reset = abort
        """Cuts it with a TCP reset, where the scheme knows one."""
        self.peer = ServerPeer(endpoint.identity_of(welcome), time.time(), endpoint.limits)
        self.peer.acknowledges = welcome.acknowledges
        self._is_lost = False
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

    def close(self, reason: str = "") -> None:
        """End the connection once everything is sent.

        Args:
            reason: why, for the transcript.
        """
        self.trace.ending(SERVER, reason)
        self._close()

    def abort(self, reason: str = "") -> None:
        """Cut the connection.

        Args:
            reason: why, for the transcript.
        """
        self.trace.ending(SERVER, reason or "cut off")
        self._abort()

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

    def answer(self, say: Callable[[], None], form: Form = PLAIN) -> None:
        """Answer a request.

        Args:
            say: hands the answer to the state machine.
            form: how it leaves.
        """
        if self._is_lost:
            return
        is_whole = form.cut is None and form.pace is None
        if not is_whole:
            self._flush()  # what was said before is no part of what is cut, or paced
        for _ in range(form.copies):
            say()
        if is_whole:
            self._flush()
        else:
            self._send_slowly(form)

    def end(self, how: End) -> None:
        """End the connection, or say nothing."""
        if how is End.CLOSE:
            self.close("a fault")
        elif how is End.RESET:
            self.trace.ending(SERVER, "a fault")
            self.reset()

    def _send_slowly(self, form: Form) -> None:
        """Send what there is frame by frame, each when its bytes would be through, or none after a cut."""
        loop = asyncio.get_running_loop()
        sent = 0
        for frame in self.peer.frames_to_send():
            if form.cut is not None and sent + len(frame) > form.cut:
                break
            sent += len(frame)
            if form.pace is None:
                self._put([frame])
            else:
                loop.call_later(sent / form.pace, self._send_late, [frame])
        if form.cut is not None:
            loop.call_later(0.0 if form.pace is None else sent / form.pace, self.end, form.then)

    def _send_late(self, frames: list[Content]) -> None:
        if not self._is_lost:
            self._put(frames)

    def look_after(self) -> None:
        """Give up what stands still; called now and then."""
        for event in self.peer.stalled(time.time()):
            _logger.warning("%s: %s", self.name, event)
            if isinstance(event, Dropped):
                self.trace.note(Decided("gave up a stream", {"reason": event.reason}))
        silent = time.monotonic() - self._heard
        if silent <= self._endpoint.stall_timeout:
            return
        if self.peer.endpoint_name is None or self._pinged or self._held:
            _logger.warning("closing the connection of %s: silent for %.0f s", self.name, silent)
            self.abort(f"silent for {silent:.0f} s")
            return
        self._pinged = True
        self._heard = time.monotonic()
        self.peer.ping()
        self._flush()

    def lost(self) -> None:
        """The connection is over."""
        self._is_lost = True
        self._waiting.clear()
        self.uploads.close()
        self.trace.closed()
        self._endpoint.forget(self)
        # The connection has this, and this has had the connection: let go of, both go at once, without the collector.
        self._send, self._close, self._abort, self.reset = _send_nothing, _do_nothing, _do_nothing, _do_nothing

    def _work(self) -> None:
        while self._waiting and not self._held:
            frame = self._waiting.popleft()
            try:
                self._take(frame)
            except ProtocolError as problem:
                _logger.warning("closing the connection of %s: %s", self.name, problem)
                self._waiting.clear()
                self._flush()
                self.trace.note(FrameCame(frame, ({"refused": str(problem)},)))
                self.close(str(problem))

    def _take(self, frame: Frame | BadFrame) -> None:
        left = False
        events = self.peer.receive(frame, time.time())
        self.trace.note(FrameCame(frame, what_came_of(events)))
        for event in events:
            if isinstance(event, Dropped):
                _logger.warning("dropping what %s sent: %s", self.name, event.reason)
            elif isinstance(event, Greeted):
                self._endpoint.greeted(self, event.endpoint_name)
            elif isinstance(event, ClientRegistered):
                _logger.debug("%s registered as %s", self.name, event.user)
                self.trace.user = event.user
            elif isinstance(event, ClientLeft):
                left = True
            else:
                self._endpoint.service.take(self, event)
        self._flush()
        if left:
            _logger.debug("%s left", self.name)

    def _flush(self) -> None:
        if frames := self.peer.frames_to_send():
            self._put(frames)

    def _put(self, frames: list[Content]) -> None:
        self._send(frames)
        for frame in frames:  # afterwards: the client waits for them
            self.trace.note(FrameSent(frame))


def _send_nothing(_frames: list[Content]) -> None:
    """What a lost connection sends."""


def _do_nothing() -> None:
    """How a lost connection ends."""
