"""``adapter check``: tells an implementer what a client program lacks before contracts are run against it.

It starts the program, hears what it claims, and uses every part of the protocol once on a mock server of each release:
every method with every form of value, callbacks, exceptions, what the protocol says no to, and the end of its input.
It judges the adapter; whether the client keeps the contracts is the business of ``run``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from conformance.adapters import messages
from conformance.adapters.base import ClientError, ClientFailure
from conformance.adapters.check_release import ReleaseCheck, Wrong
from conformance.adapters.conversation import Conversation
from conformance.adapters.features import MEANINGS, Feature
from conformance.adapters.messages import BadMessage, Failure
from conformance.adapters.stdio import Hello, StdioAdapter, read_hello
from conformance.contract import RELEASES
from conformance.targets import MockTarget
from conformance.verdicts import Unsuitable

CALL_SECONDS = 20.0
"""How long a call may take here, beside the time that it is given as a timeout."""


class State(enum.Enum):
    """What came of a point."""

    OK = "ok"
    MISSING = "missing"
    """The protocol asks for it, and the program says that it does not know it."""
    WRONG = "wrong"
    UNCLAIMED = "unclaimed"
    """The client does not claim it, and need not: its contracts will be skipped."""


@dataclasses.dataclass(frozen=True)
class Finding:
    """One point that was looked at.

    Attributes:
        point: what was looked at; of a release where it is one's.
        state: what came of it.
        expected: what the protocol asks for.
        came: what the program did, where that is something else.
    """

    point: str
    state: State
    expected: str
    came: str = ""


Report = Callable[[Finding], None]


class AdapterCheck:
    """Looks at a client program, point by point.

    Args:
        command: the words of its command.
        report: is told of each finding as it comes.
        call_seconds: how long a call may take.
    """

    def __init__(self, command: Sequence[str], report: Report, call_seconds: float = CALL_SECONDS) -> None:
        self._command = list(command)
        self._report = report
        self._call_seconds = call_seconds
        self.findings: list[Finding] = []

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing or wrong."""
        return not any(finding.state in (State.MISSING, State.WRONG) for finding in self.findings)

    def run(self) -> None:
        """Look at every point.

        Raises:
            CannotStart: there is no such program.
        """
        hello = self._hello()
        if hello is None:
            return
        for feature in Feature:
            claimed = feature.value in hello.features
            self._add(f"feature {feature}", State.OK if claimed else State.UNCLAIMED, MEANINGS[feature])
        unknown = sorted(hello.features - {feature.value for feature in Feature})
        if unknown:
            self._add("features", State.WRONG, "words of the protocol", ", ".join(unknown))
        self._refusals()
        known = [line for line in RELEASES if line in hello.releases]
        if not known:
            said = ", ".join(sorted(hello.releases))
            self._add("releases", State.WRONG, f"at least one of {', '.join(RELEASES)}", said)
        for line in known:
            self._release(line)

    # --- points -----------------------------------------------------------------------------------------------------

    def _add(self, point: str, state: State, expected: str, came: str = "") -> None:
        self.findings.append(Finding(point, state, expected, came))
        self._report(self.findings[-1])

    @contextlib.contextmanager
    def _point(self, point: str, expected: str) -> Iterator[None]:
        try:
            yield
        except Unsuitable:
            pass  # told once, among the features
        except (ClientError, ClientFailure, BadMessage, Wrong) as problem:
            is_missing = isinstance(problem, ClientError) and "AttributeError" in problem.types
            self._add(point, State.MISSING if is_missing else State.WRONG, expected, str(problem))
        else:
            self._add(point, State.OK, expected)

    def _hello(self) -> Hello | None:
        conversation = Conversation(self._command)
        hello: Hello | None = None
        try:
            with self._point("hello", f"protocol {messages.PROTOCOL}, language, name, version, releases, features"):
                answer = conversation.ask("hello", {"protocol": messages.PROTOCOL}, self._call_seconds)
                hello = read_hello(None if isinstance(answer, Failure) else answer.value)
        finally:
            with self._point("end of input", "the program to end by itself once its standard input has"):
                if not conversation.end() and hello is not None:
                    raise Wrong("it went on, and was killed")
        return hello

    def _refusals(self) -> None:
        """What the protocol says no to, each with its code."""
        conversation = Conversation(self._command)
        no_call = {"session": "no-such-session", "method": "list_jobs", "args": [], "kwargs": {}}
        cases: list[tuple[str, str, dict[str, Any], int]] = [
            ("a method of no protocol", "no.such.method", {}, messages.METHOD_NOT_FOUND),
            ("a session that was never opened", "session.call", no_call, messages.INVALID_PARAMS),
        ]
        try:
            conversation.ask("hello", {"protocol": messages.PROTOCOL}, self._call_seconds)
            for what, method, parameters, code in cases:
                with self._point(what, f"error {code}"):
                    answer = conversation.ask(method, parameters, self._call_seconds)
                    if not isinstance(answer, Failure):
                        raise Wrong(f"the result {answer.value!r:.200}")
                    if answer.code != code:
                        raise Wrong(f"error {answer.code}: {answer.text}")
        except ClientFailure as problem:
            self._add("hello again", State.WRONG, "a second start to be like the first", str(problem))
        finally:
            conversation.end()

    def _release(self, line: str) -> None:
        with (
            contextlib.closing(MockTarget(line)) as target,
            contextlib.closing(StdioAdapter(self._command, "program", self._call_seconds)) as adapter,
            tempfile.TemporaryDirectory(prefix="flare-adapter-check-") as scratch,
        ):
            ReleaseCheck(line, target, adapter, Path(scratch), self._point).run()


def check(command: Sequence[str], report: Report, call_seconds: float = CALL_SECONDS) -> AdapterCheck:
    """Look at a client program.

    Args:
        command: the words of its command.
        report: is told of each finding as it comes.
        call_seconds: how long a call may take.

    Raises:
        ValueError: the command is empty.
        CannotStart: there is no such program.
    """
    if not command:
        raise ValueError("expected the command of a client program, but got nothing")
    found = AdapterCheck(command, report, call_seconds)
    found.run()
    return found
