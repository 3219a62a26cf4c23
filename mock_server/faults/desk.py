"""The seam between endpoints and commands: an endpoint hands over what came, and what was decided becomes of it.

Everything happens on the server's loop; what takes time is a timer. An endpoint knows no rules, and nothing here
knows bytes.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import itertools
import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mock_server.answers import Late
from mock_server.faults.course import PLAIN, Course, End, Form, Moment, Passage, Plant, Point
from mock_server.faults.impostor import Impostor
from mock_server.faults.rules import ActiveRule, Rule
from mock_server.sessions import AdminSessions
from mock_server.transcript.facts import Trace

if TYPE_CHECKING:
    from mock_server.context import Request
    from mock_server.variation.pedant import Pedant

_logger = logging.getLogger("mock_server")

Lost = Callable[["Request", "End | None", Form], None]
"""Takes a command that is not carried out: how it ends, or, where an answer leaves all the same, in which form."""

_Answer = TypeVar("_Answer")
_Sent_contra = TypeVar("_Sent_contra", contravariant=True)


class Line(Protocol[_Sent_contra]):
    """The way back to whoever asked; each endpoint has its own."""

    def send(self, answer: _Sent_contra, form: Form) -> None:
        """Send an answer in a form. A connection that is gone by then is no error."""

    def end(self, how: End) -> None:
        """End without an answer."""


class Exchange(Generic[_Answer]):
    """A request that is to be answered.

    Args:
        moment: what it is.
        act: carries it out; must not wait.
        empty: the answer that a fault makes its own of, where nothing is carried out.
        line: the way back.
        trace: the connection that it came on.
        command: what came, where it is a command.
    """

    def __init__(
        self,
        moment: Moment,
        act: Callable[[], _Answer | Late[_Answer]],
        empty: Callable[[], _Answer],
        line: Line[_Answer],
        trace: Trace,
        command: Request | None = None,
    ) -> None:
        self.moment = moment
        self.act = act
        self.empty = empty
        self.line = line
        self.trace = trace
        self.command = command


class FaultDesk:
    """The rules in force on one server.

    Args:
        rules: those of the scenario.
        sessions: who is logged in.
        impostor: what a server that shows itself wrongly shows; without one no server can.
    """

    def __init__(self, rules: Iterable[Rule], sessions: AdminSessions, impostor: Impostor | None = None) -> None:
        self._numbers = itertools.count(1)
        self.rules: list[ActiveRule] = []
        for rule in rules:
            self.add(rule)
        self.received: collections.Counter[str] = collections.Counter()
        self.plant: Plant | None = None
        """Set by the server once it is there."""
        self.lost: Lost | None = None
        """Is told of each command that is not carried out; likewise."""
        self.impostor = impostor
        self.pedant: Pedant | None = None
        """Varies what no fault strikes; set by the server where it is pedantic."""
        self._sessions = sessions
        self._postponed: list[Callable[[], None]] = []
        self._resets = 0

    def start_over(self, rules: Iterable[Rule], sessions: AdminSessions) -> None:
        """Be as if just made: what is still to happen to requests of before does not."""
        self._resets += 1
        self._postponed.clear()
        self.received.clear()
        self.rules.clear()
        for rule in rules:
            self.add(rule)
        self._sessions = sessions

    def add(self, rule: Rule) -> ActiveRule:
        """Put a rule in force, after those that are; its number is one that none had before."""
        active = ActiveRule(rule, next(self._numbers))
        self.rules.append(active)
        return active

    def course(self, moment: Moment) -> Course | None:
        """What is to become of something; ``None``: what usually does."""
        if not self.rules:
            return None
        session = self._sessions.find(moment.session)
        number = session.number if session is not None else 0
        striking = [rule for rule in self.rules if rule.strikes(moment, number)]
        if not striking:
            return None
        course = Course()
        for rule in striking:
            _logger.info(
                "fault %s strikes %s of %s", rule.rule.action, moment.command or moment.point.value, moment.user
            )
            course = rule.bend(course)
        return dataclasses.replace(course, struck=tuple(rule.told(moment) for rule in striking))

    def serve(self, exchange: Exchange[_Answer]) -> None:
        """Carry a request out and answer it, with whatever goes wrong on the way."""
        if exchange.moment.point is Point.COMMAND:
            self.received[exchange.moment.command] += 1
        course = self.course(exchange.moment)
        if course is None and self.pedant is not None:
            # What a fault does is to be seen as it is.
            course = self.pedant.course(exchange.moment, exchange.trace)
        if course is None:
            self._act(exchange, lambda answer: self._send(exchange, answer))
            return
        for strike in course.struck:
            exchange.trace.note(strike)
        self._later(course.request.delay, lambda: self._carry_out(exchange, course))

    def deeds(self, passage: Passage, moment: Moment) -> None:
        """Do to the server what happens on a way."""
        for deed in passage.deeds:
            if self.plant is not None:
                deed(self.plant, moment)

    def _carry_out(self, exchange: Exchange[_Answer], course: Course) -> None:
        self.deeds(course.request, exchange.moment)
        if course.request.end is not None:
            self._lose(exchange.command, course.request.end, course.form)
            exchange.line.end(course.request.end)
            return
        if course.acts:
            self._act(exchange, lambda answer: self._on_its_way(exchange, course, answer))
        else:
            self._lose(exchange.command, course.answer.end, course.form)
            self._on_its_way(exchange, course, exchange.empty())

    def _act(self, exchange: Exchange[_Answer], then: Callable[[_Answer], None]) -> None:
        """Carry a request out, now or as late as it takes, and go on with its answer."""
        answer = exchange.act()
        if isinstance(answer, Late):
            late: Late[_Answer] = answer
            self._later(late.seconds, lambda: then(late.then()))
        else:
            then(answer)

    def _on_its_way(self, exchange: Exchange[_Answer], course: Course, answer: _Answer) -> None:
        self._later(course.answer.delay, lambda: self._answer(exchange, course, answer))

    def _send(self, exchange: Exchange[_Answer], answer: _Answer) -> None:
        exchange.line.send(answer, PLAIN)
        self._release()

    def _lose(self, command: Request | None, end: End | None, form: Form) -> None:
        if command is None:
            return
        if self.lost is not None:
            self.lost(command, end, form)
        command.drop_upload()

    def _answer(self, exchange: Exchange[_Answer], course: Course, answer: _Answer) -> None:
        self.deeds(course.answer, exchange.moment)
        if course.answer.end is not None:
            exchange.line.end(course.answer.end)
        elif course.postponed is None:
            exchange.line.send(answer, course.form)
            self._release()
        else:
            self._postpone(course.postponed, lambda: exchange.line.send(answer, course.form))

    def _postpone(self, seconds: float, send: Callable[[], None]) -> None:
        waiting = self._postponed
        waiting.append(send)

        def at_last() -> None:
            if send in waiting:
                waiting.remove(send)
                send()

        self._later(seconds, at_last)

    def _release(self) -> None:
        while self._postponed:
            self._postponed.pop(0)()

    def _later(self, seconds: float, then: Callable[[], None]) -> None:
        if seconds <= 0:
            then()
            return
        resets = self._resets
        asyncio.get_running_loop().call_later(seconds, lambda: then() if self._resets == resets else None)
