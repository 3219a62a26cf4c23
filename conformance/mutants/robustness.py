"""Wrong where something goes wrong: answers, connections and sessions that end."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from conformance.mutants.base import MAY, Wrong, client, mutant

_IMPATIENCE = 0.1
_FIELDS = frozenset({"time", "data", "meta", "type", "rows"})


def errors() -> Any:
    """The reference client's errors."""
    return client().errors


class WrongInside(Wrong):
    """A session whose parts are changed before it is used."""

    def __init__(self, session: Any) -> None:
        super().__init__(session)
        self.connection = session._connection
        self.change()

    def change(self) -> None:
        """Change a part."""


def look_at_bytes(connection: Any, look: Callable[[bytes], str | None]) -> None:
    """Have each answer of the socket dialect refused of which something says why."""
    transport = connection._transport
    take = transport._receive

    class Watched:
        def __init__(self, inner: Any) -> None:
            self.inner = inner

        def receive(self) -> bytes:
            data: bytes = self.inner.receive()
            why = look(data)
            if why:
                raise errors().MalformedReply(why)
            return data

    transport._receive = lambda inner, protocol: take(Watched(inner), protocol)


def _is_text(data: bytes) -> bool:
    """Whether bytes begin a text reply; others are of files."""
    return data.startswith(b"{")


def unknown_fields(data: bytes) -> str | None:
    """Why an answer is refused by a client that takes no field that it does not know."""
    try:
        envelope = json.loads(data.partition(b"\x03")[0])
    except ValueError:
        return None
    if not isinstance(envelope, dict) or not isinstance(envelope.get("data"), list):
        return None  # no answer: bytes of a file, or what no client takes
    parts = [envelope, *envelope["data"]]
    unknown = {key for part in parts for key in part} - _FIELDS - {"data"}
    return f"unknown fields {sorted(unknown)}" if unknown else None


# --- answers that are fine ---------------------------------------------------------------------------------------


_HASTE = "it waits a tenth of a second"


@mutant(
    "ROBUST-LATE-01",
    release="2.9",
    also={"CMD-TIMEOUT-01": _HASTE, "CMD-TIMEOUT-04": _HASTE, "ROBUST-SLOW-01": _HASTE},
)
class HasNoPatience(Wrong):
    """It waits a tenth of a second for list_jobs."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        self._session.set_timeout(_IMPATIENCE)
        return self._session.list_jobs(*args, **kwargs)


@mutant("ROBUST-SLOW-01", release="2.6", also={"*": f"{MAY} answers and files come in pieces there, too"})
class TakesOneBlock(WrongInside):
    """It takes the first bytes of an answer for all of it."""

    def change(self) -> None:
        look_at_bytes(
            self.connection, lambda data: None if b"\x04" in data or not _is_text(data) else "an answer in pieces"
        )


@mutant("ROBUST-TWICE-01", release="2.6")
class RefusesASecondCopy(WrongInside):
    """It refuses an answer that is followed by another."""

    def change(self) -> None:
        look_at_bytes(
            self.connection, lambda data: "more than an answer" if _is_text(data) and data.count(b"\x04") > 1 else None
        )


@mutant("ROBUST-FIELDS-01", release="2.6")
class ExpectsKnownFields(WrongInside):
    """It refuses an answer with a field that it does not know."""

    def change(self) -> None:
        look_at_bytes(self.connection, unknown_fields)


@mutant("ROBUST-ACK-01", release="2.9")
class WaitsForAcknowledgements(Wrong):
    """It takes a command for lost whose request was not acknowledged."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        sender = self._session._connection.live_link()._peer._sender
        came, take = threading.Event(), sender.receive_ack

        def receive_ack(*given: Any) -> Any:
            came.set()
            return take(*given)

        sender.receive_ack = receive_ack
        listed = self._session.list_jobs(*args, **kwargs)
        if not came.wait(2.0):
            raise errors().CommandTimeout("no acknowledgement")
        return listed


# --- answers that are none ---------------------------------------------------------------------------------------


class _Lists(Wrong):
    """Does something else where list_jobs fails with some words."""

    words = ""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._session.list_jobs(*args, **kwargs)
        except Exception as problem:
            if self.words in str(problem):
                return self.instead(problem, lambda: self._session.list_jobs(*args, **kwargs))
            raise

    def instead(self, problem: Exception, again: Callable[[], Any]) -> Any:
        return []


@mutant("ROBUST-GARBAGE-01")
class AsksAgainAfterGarbage(_Lists):
    """It sends a command again whose answer is no JSON."""

    words = "'garbage'"

    def instead(self, problem: Exception, again: Callable[[], Any]) -> Any:
        return again()


@mutant("ROBUST-GARBAGE-02", release="2.9")
class TakesAnyJson(_Lists):
    """It takes an answer without a list of items for an empty one."""

    words = "expected `data` to be a list"


@mutant("ROBUST-TRUNC-01", release="2.9")
class TakesTheBeginning(_Lists):
    """It takes an answer that is too short for an empty one."""

    words = "Unterminated string"


@mutant("ROBUST-CORRUPT-01")
class ReadsBrokenBytes(_Lists):
    """It takes an answer with a broken byte for an empty one."""

    words = "expected UTF-8"


@mutant("ROBUST-ITEM-01", release="2.9")
class PassesOverUnknownItems(_Lists):
    """It passes over an item of an unknown type."""

    words = "expected an item type"

    def instead(self, problem: Exception, again: Callable[[], Any]) -> Any:
        return again()


@mutant("ROBUST-EMPTY-01")
class NothingIsAnAnswer(_Lists):
    """It takes an answer without items for one that is fine."""

    words = "runtime error encountered"


@mutant("ROBUST-STATUS-01")
class AnyStatusIsFine(_Lists):
    """It takes a status that it does not know for ok."""

    words = "on_fire"


@mutant("ROBUST-STATUS-02")
class KeepsTheInfoToItself(_Lists):
    """It does not say what the server said of its error."""

    words = "boom"

    def instead(self, problem: Exception, again: Callable[[], Any]) -> Any:
        raise errors().InternalError("server internal error")


@mutant("ROBUST-STATUS-03", release="2.9")
class NeedsAStatus(WrongInside):
    """It refuses a meta without a status."""

    def change(self) -> None:
        judge = self.connection._judge

        def strict(line: str, reply: Any, session: Any, **how: Any) -> Any:
            if reply is not None and reply.meta and "status" not in reply.meta:
                raise errors().InternalError("no status")
            return judge(line, reply, session, **how)

        self.connection._judge = strict


@mutant("ROBUST-META-01")
class NeedsNoMeta(_Lists):
    """It takes an answer without a meta for an empty list."""

    words = "missing meta"


# --- connections that end ----------------------------------------------------------------------------------------


_LOST_TOO = "the connection is lost there, too"


@mutant(
    "ROBUST-CLOSE-01",
    "ROBUST-RESET-01",
    release="2.9",
    also={"ROBUST-AFTER-01": _LOST_TOO, "ROBUST-CUT-01": _LOST_TOO, "ROBUST-RESTART-01": _LOST_TOO},
)
class AsksAgainAfterALoss(_Lists):
    """It sends list_jobs again after the connection was lost."""

    words = "the connection is lost"

    def instead(self, problem: Exception, again: Callable[[], Any]) -> Any:
        return again()


@mutant("ROBUST-CLOSE-02")
class BelievesInTheBest(Wrong):
    """It takes a deletion whose answer is lost for done."""

    def delete_job(self, job_id: str) -> None:
        try:
            self._session.delete_job(job_id)
        except client().ServerUnreachable:
            return


@mutant("ROBUST-CUT-01")
class HalfAnAnswerWillDo(_Lists):
    """It takes half an answer for an empty list."""

    words = "only a part of the answer"


@mutant("ROBUST-AFTER-01", release="2.9")
class LogsInAfterALoss(Wrong):
    """It logs in again after the connection was lost."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        connection = self._session._connection
        if connection._link is not None and not connection._link.is_open:
            connection.log_in(5.0)
        return self._session.list_jobs(*args, **kwargs)


@mutant(
    "ROBUST-RESTART-01",
    also={
        "CONN-GONE-01": "it tries to log in while the server is gone",
        **dict.fromkeys(("ROBUST-AFTER-01", "ROBUST-CLOSE-01", "ROBUST-CUT-01", "ROBUST-RESET-01"), _LOST_TOO),
    },
)
class OutlivesRestarts(_Lists):
    """It logs in again where the server restarted, and says nothing."""

    words = "Failed to communicate"

    def instead(self, problem: Exception, again: Callable[[], Any]) -> Any:
        self._session._connection.log_in(5.0)
        return again()


# --- sessions that end -------------------------------------------------------------------------------------------


@mutant("ROBUST-FORGET-01", release="2.9")
class HidesAForgottenToken(_Lists):
    """It does not say that the session is over."""

    words = "session_inactive"

    def instead(self, problem: Exception, again: Callable[[], Any]) -> Any:
        raise errors().InternalError("something went wrong")


@mutant("ROBUST-EXPIRE-01")
class DeletesWithANewSession(Wrong):
    """It logs in again where the session expired, and deletes all the same."""

    def delete_job(self, job_id: str) -> Any:
        try:
            return self._session.delete_job(job_id)
        except client().SessionExpired:
            self._session.try_connect(5.0)
            return self._session.delete_job(job_id)


_DEAF = "it does not hear of the end"


@mutant(
    "ROBUST-EXPIRE-02",
    release="2.9",
    also={"CONN-EXPIRE-02": _DEAF, "CONN-EXPIRE-03": _DEAF, "ROBUST-MON-06": _DEAF},
)
class DoesNotListen(WrongInside):
    """It does not hear that the server ended the session."""

    def change(self) -> None:
        self.connection._expire = lambda _reason: None
