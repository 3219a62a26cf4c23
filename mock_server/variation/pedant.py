"""Draws what is varied, and has it done: the pedantic side of one server.

Each draw has a chance of its own, of the seed, the variation, the command and how often that came: another variation,
another client or another order of commands changes nothing in it. Must not know endpoints; what is to become of an
answer is a ``Course``, as where a fault strikes.
"""

from __future__ import annotations

import collections
import json
import random
from collections.abc import Callable, Sequence

from flare_client.protocol.releases import ReleaseProfile
from mock_server.answers import Reply
from mock_server.faults.course import Course, Form, Moment, Passage, Point
from mock_server.transcript.facts import Trace, Varied
from mock_server.variation.declared import Draw, OfIdentifier, OfReply, OfState, OfText, OfWire, Variation, Written
from mock_server.variation.identifiers import JOB_IDS, SESSION_TOKENS, TRANSFER_IDS
from mock_server.variation.pedantry import Pedantry

NewId = Callable[[], str]

_GIVES_A_TOKEN = ("_cert_login", "_login")


class Pedant:
    """Varies what a server does.

    Args:
        pedantry: what was asked for.
        profile: the release that is played.
    """

    def __init__(self, pedantry: Pedantry, profile: ReleaseProfile) -> None:
        self.pedantry = pedantry
        self._variations = pedantry.variations(profile)
        self._seen: collections.Counter[str] = collections.Counter()
        self._made: set[str] = set()

    def begin_anew(self, seed: int) -> None:
        """Draw by another seed from now on, as if nothing had been drawn before.

        Args:
            seed: the seed; what is varied stays.
        """
        self.pedantry = Pedantry(seed, self.pedantry.only, self.pedantry.without, self.pedantry.share)
        self._seen.clear()
        self._made.clear()

    def know(self, command: str, reply: Reply, trace: Trace | None) -> None:
        """Have a reply tell what a server knows that knows more.

        Args:
            command: what it answers.
            reply: changed in place.
            trace: the connection; is told which variation strikes.
        """
        envelope = {"data": [item.to_json() for item in reply.items], "meta": reply.meta}
        written = Written(command, envelope, self._draw("always", ""))
        found = [(one, self._struck(one, "always")) for one in self._variations if isinstance(one, OfState)]
        struck = [one for one, draw in found if draw is not None and one.vary(written, draw)]
        if trace is not None:
            self._tell(trace, command, struck)

    # --- answers ------------------------------------------------------------------------------------------------------

    def course(self, moment: Moment, trace: Trace) -> Course | None:
        """What is to become of a request; ``None``: nothing is varied.

        Args:
            moment: the request.
            trace: the connection that it came on; is told which variation strikes.
        """
        if moment.point is Point.CONNECT:
            return None
        when = self._count(f"{moment.point.value} {moment.command}")
        drawn = [(one, draw) for one in self._variations if (draw := self._struck(one, when)) is not None]
        delay, pieces = 0.0, 1
        on_wire: list[Variation] = []
        for one, draw in drawn:
            if isinstance(one, OfWire):
                # A token goes in one piece, so that the transcript can tell it from what is no secret.
                portions = 1 if moment.command in _GIVES_A_TOKEN else one.pieces(draw)
                wait = one.delay(draw)
                delay, pieces = delay + wait, max(pieces, portions)
                on_wire += [one] if wait > 0 or portions > 1 else []
        self._tell(trace, moment.command, on_wire, delay=round(delay, 3), pieces=pieces)
        in_text = [
            (one, draw) for one, draw in drawn if isinstance(one, (OfReply, OfText)) and not isinstance(one, OfState)
        ]
        if moment.point is not Point.COMMAND or not in_text:
            return Course(answer=Passage(delay), form=Form(pieces=pieces)) if on_wire else None
        form = Form(rewrites=(lambda text: self._rewritten(text, moment, trace, in_text),), pieces=pieces)
        return Course(answer=Passage(delay), form=form)

    def _rewritten(self, text: str, moment: Moment, trace: Trace, drawn: Sequence[tuple[Variation, Draw]]) -> str:
        if not text:  # of an answer without an envelope
            return text
        written = Written(moment.command, json.loads(text), self._draw("always", ""))
        struck: list[Variation] = [one for one, draw in drawn if isinstance(one, OfReply) and one.vary(written, draw)]
        written.text = json.dumps(written.envelope)
        for one, draw in drawn:
            if isinstance(one, OfText):
                before, written.text = written.text, one.write(written, draw)
                struck += [one] if written.text != before else []
        self._tell(trace, moment.command, struck)
        return written.text

    def _tell(self, trace: Trace, command: str, struck: Sequence[Variation], **more: float) -> None:
        if struck:
            names = tuple(one.name for one in struck)
            trace.note(Varied(names, command, {"seed": self.pedantry.seed, **more}))

    # --- names --------------------------------------------------------------------------------------------------------

    def job_ids(self, usual: NewId) -> NewId:
        """What makes ids of jobs, in place of what usually does."""
        return self._identifiers(JOB_IDS, usual)

    def session_tokens(self, usual: NewId) -> NewId:
        """What makes tokens of sessions, in place of what usually does."""
        return self._identifiers(SESSION_TOKENS, usual)

    def transfer_ids(self, usual: NewId) -> NewId:
        """What makes ids of downloads and of their files, in place of what usually does."""
        return self._identifiers(TRANSFER_IDS, usual)

    def _identifiers(self, name: str, usual: NewId) -> NewId:
        variation = next((one for one in self._variations if one.name == name), None)
        if not isinstance(variation, OfIdentifier):
            return usual
        found: OfIdentifier = variation

        def make() -> str:
            draw = self._struck(found, self._count(name))
            made = usual() if draw is None else found.make(draw)
            while made in self._made:
                made = usual()
            self._made.add(made)
            return made

        return make

    # --- chance -------------------------------------------------------------------------------------------------------

    def _count(self, what: str) -> str:
        self._seen[what] += 1
        return f"{what} {self._seen[what]}"

    def _draw(self, variation: str, moment: str) -> Draw:
        return random.Random(f"{self.pedantry.seed}/{variation}/{moment}")  # noqa: S311 - a repeatable one is wanted

    def _struck(self, variation: Variation, moment: str) -> Draw | None:
        """The chance of a variation at a moment; ``None`` where it does not strike."""
        draw = self._draw(variation.name, moment)
        share = variation.share if self.pedantry.share is None else self.pedantry.share
        return draw if draw.random() < share else None
