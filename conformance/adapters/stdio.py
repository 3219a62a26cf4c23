"""A client under test that is a program: JSON-RPC 2.0, one message a line, calls in both directions.

``docs/adapter-protocol.md`` specifies it. Whatever the program does wrong, a crash, silence, garbage, a flood, calls
without end, is a ``ClientFailure`` with a reason, never a failure of the harness. The next check gets a fresh program.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from conformance.adapters import features, messages
from conformance.adapters.base import Callback, CannotStart, ClientError, ClientFailure
from conformance.adapters.conversation import Conversation
from conformance.adapters.features import Feature
from conformance.adapters.messages import Answer, BadMessage, Failure
from conformance.verdicts import Unsuitable

CALL_SECONDS = 60.0
"""How long a call may take, beside the time that it is given as a timeout."""
MOST_STARTS = 3
"""How often a program that never got as far as its ``hello`` is started; later checks fail with the last reason."""
_RELEASE = re.compile(r"\d+\.\d+")


@dataclasses.dataclass(frozen=True)
class Hello:
    """What a program says of itself.

    Attributes:
        language: in which the client is written.
        name: of the client.
        version: of the client.
        releases: the release lines that it speaks, as ``2.6``.
        features: what it claims to have.
    """

    language: str
    name: str
    version: str
    releases: frozenset[str]
    features: frozenset[str]


def read_hello(answer: Any) -> Hello:
    """Read the result of ``hello``.

    Raises:
        BadMessage: it is none.
    """
    if not isinstance(answer, dict) or answer.get("protocol") != messages.PROTOCOL:
        raise BadMessage(f"expected protocol {messages.PROTOCOL} from hello, but got {answer!r:.200}")
    texts = {key: answer.get(key) for key in ("language", "name", "version")}
    if wrong := [key for key, value in texts.items() if not isinstance(value, str)]:
        raise BadMessage(f"expected a text as {wrong[0]} from hello, but got {answer.get(wrong[0])!r:.200}")
    releases, claimed = answer.get("releases"), answer.get("features")
    if not isinstance(releases, list) or not releases or not all(map(_is_release, releases)):
        raise BadMessage(f"expected releases, as ['2.6'], from hello, but got {releases!r:.200}")
    if not isinstance(claimed, list) or not all(isinstance(word, str) for word in claimed):
        raise BadMessage(f"expected a list of features from hello, but got {claimed!r:.200}")
    return Hello(
        **{key: str(value) for key, value in texts.items()}, releases=frozenset(releases), features=frozenset(claimed)
    )


def _is_release(value: object) -> bool:
    return isinstance(value, str) and _RELEASE.fullmatch(value) is not None


def _seconds(value: object) -> float:
    """What a timeout adds to the time that a call may take."""
    return max(0.0, float(value)) if isinstance(value, (int, float)) else 0.0


@dataclasses.dataclass(frozen=True)
class _Live:
    """A program that said hello."""

    conversation: Conversation
    hello: Hello
    turn: threading.Lock


class StdioSession:
    """A session inside the program."""

    def __init__(self, adapter: StdioAdapter, live: _Live, name: str) -> None:
        self._adapter = adapter
        self._live = live
        self._name = name

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method by its name."""
        return self._request(method, list(args), kwargs, None, 0.0)

    def monitor(self, job_id: str, *args: Any, cb: Callback | None = None, **kwargs: Any) -> Any:
        """Call ``monitor_job`` with a callback that runs here."""
        allowed = _seconds(args[0] if args else kwargs.get("timeout"))
        mark = messages.marked(cb)
        if len(args) > 2:
            return self._request("monitor_job", [job_id, *args[:2], mark, *args[2:]], kwargs, cb, allowed)
        if mark is not None:
            kwargs = {**kwargs, "cb": mark}
        return self._request("monitor_job", [job_id, *args], kwargs, cb, allowed)

    def close(self) -> None:
        """Call ``close``."""
        self.call("close")

    def _request(
        self, method: str, args: list[Any], kwargs: dict[str, Any], callback: Callback | None, allowed: float
    ) -> Any:
        parameters = {"session": self._name, "method": method, "args": args, "kwargs": kwargs}
        needed = features.of_call(method, kwargs, callback=callback is not None)
        return self._adapter.request(self._live, "session.call", parameters, needed, callback=callback, allowed=allowed)


class StdioAdapter:
    """Drives a program; starts it anew after it failed. Safe to use from several threads.

    Args:
        command: the words of the command.
        name: how reports call it.
        call_seconds: how long a call may take, beside the time that it is given as a timeout.

    Raises:
        ValueError: the command is empty.
    """

    def __init__(self, command: Sequence[str], name: str, call_seconds: float = CALL_SECONDS) -> None:
        if not command:
            raise ValueError("expected the command of a client program, but got nothing")
        self.name = name
        self._command = list(command)
        self.call_seconds = call_seconds
        self._starting = threading.Lock()
        self._live: _Live | None = None
        self._latest: Conversation | None = None
        self._failed_starts: list[ClientFailure] = []

    @property
    def hello(self) -> Hello:
        """What the program says of itself.

        Raises:
            ClientFailure: it does not get that far.
        """
        return self._started().hello

    @property
    def features(self) -> frozenset[str]:
        """What the program claims that its client has."""
        return self.hello.features

    @property
    def releases(self) -> frozenset[str]:
        """The release lines that the client speaks."""
        return self.hello.releases

    def open(
        self, username: str, kit: Path, *, secure: bool = True, timeout: float = 10.0, **further: Any
    ) -> StdioSession:
        """Open a session in the program."""
        parameters: dict[str, Any] = {
            "username": username,
            "kit": str(kit),
            "secure": secure,
            "timeout": timeout,
            **further,
        }
        live = self._started()
        needed = features.of_opening(secure, further)
        answer = self.request(live, "session.open", parameters, needed, allowed=_seconds(timeout))
        if not isinstance(answer, dict) or not isinstance(answer.get("session"), str):
            raise self._blame(live, f"expected a session from session.open, but got {answer!r:.200}")
        return StdioSession(self, live, answer["session"])

    def basic_cb(self, status: str, count: int) -> tuple[Any, int]:
        """Call the client's sample callback."""
        live = self._started()
        answer = self.request(live, "basic_cb", {"status": status, "count": count}, {Feature.BASIC_CB})
        if not isinstance(answer, dict) or not isinstance(answer.get("count"), int):
            raise self._blame(live, f"expected value and count from basic_cb, but got {answer!r:.200}")
        return answer.get("value"), answer["count"]

    def interrupt(self) -> bool:
        """Kill the program; whoever waits for its answer learns of that."""
        if (latest := self._latest) is not None:  # one that never says hello hangs, too
            latest.blame("the harness gave it up")
        return True

    def another(self) -> StdioAdapter:
        """The same program once more, as a process of its own."""
        return StdioAdapter(self._command, self.name, self.call_seconds)

    def close(self) -> None:
        """End the program."""
        with self._starting:
            live, self._live = self._live, None
        if live is not None:
            live.conversation.end()

    def request(
        self,
        live: _Live,
        method: str,
        parameters: dict[str, Any],
        needed: set[Feature],
        *,
        callback: Callback | None = None,
        allowed: float = 0.0,
    ) -> Any:
        """Send a request and return its result; callbacks that come meanwhile are answered.

        Args:
            live: the program to ask.
            method: the method of the protocol.
            parameters: its parameters.
            needed: the features that it needs.
            callback: what ``callback.invoke`` runs.
            allowed: seconds that the call may take beside the usual ones.

        Raises:
            ClientError: the client raised.
            ClientFailure: the program crashed, took too long, broke the protocol, or lacks what it claims.
            Unsuitable: the client does not claim what the call needs.
        """
        features.require(needed, live.hello.features, self.name)
        try:
            with self._turn(live):
                answer = live.conversation.ask(method, parameters, self.call_seconds + allowed, callback)
        except ClientFailure:
            self._forget(live)
            raise
        if isinstance(answer, Failure):
            raise self._problem(live, answer, str(parameters.get("method", method)), needed)
        return self._value(live, answer)

    @contextlib.contextmanager
    def _turn(self, live: _Live) -> Iterator[None]:
        """Wait for nothing: a client without threads is never asked two things at once, so a check must not try."""
        if Feature.THREADS in live.hello.features:
            yield
            return
        if not live.turn.acquire(blocking=False):
            raise Unsuitable(f"needs the feature threads, which {self.name} does not claim: a request is open already")
        try:
            yield
        finally:
            live.turn.release()

    def _value(self, live: _Live, answer: Answer) -> Any:
        try:
            return messages.decode(answer.value)
        except BadMessage as problem:
            raise self._blame(live, str(problem)) from None

    def _problem(self, live: _Live, failure: Failure, called: str, needed: set[Feature]) -> Exception:
        """What the check is told of an error."""
        if failure.code == messages.CLIENT_RAISED:
            return ClientError(failure.types, failure.text)
        if failure.code in (messages.METHOD_NOT_FOUND, messages.INVALID_PARAMS) and needed:
            words = ", ".join(sorted(feature.value for feature in needed))
            return ClientFailure(f"it claims the feature {words}, but {called} is answered with: {failure.text}")
        if failure.code == messages.METHOD_NOT_FOUND and called not in ("hello", "session.open", "session.call"):
            # To a caller in Python, a method that is not there is this error.
            return ClientError(failure.types or ("AttributeError", "Exception"), failure.text)
        return self._blame(live, f"{called}: it answers with error {failure.code}: {failure.text}")

    def _started(self) -> _Live:
        with self._starting:
            if self._live is None:
                self._live = self._start()
            return self._live

    def _start(self) -> _Live:
        if len(self._failed_starts) >= MOST_STARTS:
            last = self._failed_starts[-1]
            raise ClientFailure(f"{last} (started {MOST_STARTS} times, and never got past hello)")
        conversation = self._latest = Conversation(self._command)
        try:
            answer = conversation.ask("hello", {"protocol": messages.PROTOCOL}, self.call_seconds)
            if isinstance(answer, Failure):
                raise BadMessage(f"expected hello to be answered, but got error {answer.code}: {answer.text}")
            hello = read_hello(answer.value)
        except (ClientFailure, BadMessage) as problem:
            conversation.end()
            self._failed_starts.append(ClientFailure(str(problem)))
            raise self._failed_starts[-1] from None
        self._failed_starts.clear()
        return _Live(conversation, hello, threading.Lock())

    def _blame(self, live: _Live, reason: str) -> ClientFailure:
        """Blame the program and get rid of it; the next request starts another one."""
        live.conversation.blame(reason)
        live.conversation.end()
        self._forget(live)
        return ClientFailure(reason)

    def _forget(self, live: _Live) -> None:
        with self._starting:
            if self._live is live:
                self._live = None
        live.conversation.end()


def require_release(adapter: Any, release: str) -> None:
    """Check that a client speaks the release that it is to be held to.

    A client that cannot even say so is not judged here: its contracts will be.

    Raises:
        ValueError: it does not list the release.
        CannotStart: there is no such program.
    """
    try:
        releases = adapter.releases
    except CannotStart:
        raise
    except ClientFailure:
        return
    if releases is not None and release not in releases:
        raise ValueError(
            f"{adapter.name} speaks releases {', '.join(sorted(releases))}, but the run is of release {release}: "
            f"expected --release to be one of them"
        )
