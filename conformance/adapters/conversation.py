"""A conversation with a client program: who asked what, which answer belongs to it, and who is to blame.

Requests of several threads may be open at the same time. The thread that reads sorts what comes; the first thing that
breaks the protocol ends the program, and every open request with that reason. Nothing is kept that was not asked for,
so a program can make the harness hold one message a request and no more.
"""

from __future__ import annotations

import dataclasses
import itertools
import queue
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from conformance.adapters import messages
from conformance.adapters.base import Callback, ClientFailure
from conformance.adapters.messages import Answer, BadMessage, Failure, Invocation, Message
from conformance.adapters.process import ProgramProcess
from conformance.verdicts import Unsuitable


@dataclasses.dataclass(frozen=True)
class _Over:
    """Nothing more will come for a request."""


class _Open:
    """A request that waits for its answer."""

    def __init__(self, called: str, callback: Callback | None) -> None:
        self.called = called
        self.callback = callback
        self.in_callback = False
        self.unsuitable: Unsuitable | None = None
        self.inbox: queue.SimpleQueue[Message | _Over] = queue.SimpleQueue()


class Conversation:
    """A program that was started, and the requests to it; safe to use from several threads.

    Args:
        command: the words of the command.

    Raises:
        CannotStart: it cannot be started.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._open: dict[int, _Open] = {}
        self._asked = 0
        self._fault: str | None = None
        self._process = ProgramProcess(command, self._take)

    @property
    def is_over(self) -> bool:
        """Whether the program broke the protocol, ended, or was ended."""
        return self._fault is not None

    def ask(
        self, method: str, parameters: Mapping[str, Any], seconds: float, callback: Callback | None = None
    ) -> Answer | Failure:
        """Send a request and wait for its answer; callbacks that come meanwhile run in this thread.

        Args:
            method: the method of the protocol.
            parameters: its parameters.
            seconds: how long it may take in all.
            callback: what ``callback.invoke`` runs.

        Raises:
            ClientFailure: the program crashed, took too long, or broke the protocol.
            Unsuitable: the callback found that the client lacks what the check needs.
        """
        request = _Open(str(parameters.get("method", method)), callback)
        with self._lock:
            number = self._asked = next(self._numbers)
            self._open[number] = request
            if self._fault is not None:
                request.inbox.put(_Over())
        # One limit on the whole: on silence, on callbacks without end, on a program that does not read its input.
        late = f"{request.called}: no answer in {seconds:g} s"
        limit = threading.Timer(seconds, self.blame, (late,))
        limit.daemon = True
        limit.start()
        try:
            self._send(messages.request(number, method, parameters))
            while True:
                message = request.inbox.get()
                if isinstance(message, _Over):
                    raise self._failure()
                if not isinstance(message, Invocation):
                    if request.unsuitable is not None:
                        raise request.unsuitable
                    return message
                self._run_callback(request, message)
        finally:
            limit.cancel()
            with self._lock:
                self._open.pop(number, None)

    def blame(self, reason: str) -> None:
        """End the program, and every open request with a reason; the first one counts."""
        with self._lock:
            if self._fault is not None:
                return
            self._fault = reason
            waiting = list(self._open.values())
        self._process.kill()
        for request in waiting:
            request.inbox.put(_Over())

    def end(self) -> bool:
        """End the program.

        Returns:
            Whether it ended by itself once its input had.
        """
        with self._lock:
            self._fault = self._fault or "the program was told to end"
        return self._process.end()

    def _failure(self) -> ClientFailure:
        self._process.end()
        words = self._process.last_words
        return ClientFailure(f"{self._fault}; it last wrote to standard error: {words}" if words else str(self._fault))

    def _send(self, line: bytes) -> None:
        try:
            self._process.write(line)
        except OSError as problem:
            # A program that ended closed its input, too: that it ended says more, if that is on its way already.
            self._process.end()
            self.blame(f"cannot send to the client program: {problem}")

    def _run_callback(self, request: _Open, asked: Invocation) -> None:
        try:
            if request.callback is None:
                raise AssertionError("invocations without a callback are refused")
            value = request.callback(asked.same_session, asked.job_id, asked.job_meta, *asked.args, **asked.kwargs)
            reply = messages.result(asked.id, value)
        except Unsuitable as problem:
            # No matter of the client's: the check is given up once the call is over.
            request.unsuitable = problem
            reply = messages.error(asked.id, problem)
        except Exception as problem:  # noqa: BLE001 - what the check's callback raises belongs to the client
            reply = messages.error(asked.id, problem)
        request.in_callback = False
        self._send(reply)

    # --- what comes, in the thread that reads -----------------------------------------------------------------------

    def _take(self, line: bytes) -> None:
        if self._fault is not None:
            return
        if not line:
            self.blame(f"{self._current()}: the client program ended")
            return
        try:
            message = messages.read(line)
        except BadMessage as problem:
            self.blame(f"{self._current()}: {problem}")
            return
        if isinstance(message, Invocation):
            self._take_invocation(message)
        else:
            self._take_answer(message)

    def _take_answer(self, message: Answer | Failure) -> None:
        with self._lock:
            request = self._open.get(message.id)
            if request is not None and not request.in_callback:
                del self._open[message.id]
        if request is None:
            asked = "it was answered before" if 0 < message.id <= self._asked else "nobody asked for that"
            self.blame(
                f"{self._current()}: expected the answer to an open request, but got one to {message.id}: {asked}"
            )
        elif request.in_callback:
            self.blame(f"{request.called}: expected no answer before that of its callback was there, but got one")
        else:
            request.inbox.put(message)

    def _take_invocation(self, message: Invocation) -> None:
        with self._lock:
            request = self._open.get(message.call)
        if request is None or request.callback is None:
            expected = f"expected {messages.CALLBACK} for a call of monitor_job with a callback"
            self.blame(f"{self._current()}: {expected}, but got it for {message.call}")
        elif request.in_callback:
            self.blame(f"{request.called}: expected one callback at a time, but got the next before the answer")
        else:
            request.in_callback = True
            request.inbox.put(message)

    def _current(self) -> str:
        with self._lock:
            open_calls = [request.called for request in self._open.values()]
        return " and ".join(open_calls[:3]) if open_calls else "without a request"
