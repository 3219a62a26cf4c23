"""Wrong where something goes wrong: answers, connections and logins."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import json
import ssl
import threading
from collections.abc import Callable
from typing import Any

from conformance.mutants.base import Factory, Wrong, client, factory, mutant, open_reference

_IMPATIENCE = 0.1
_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL."""
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


def _look_at_bytes(connection: Any, look: Callable[[bytes], str | None]) -> None:
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


def _strict(data: bytes) -> str | None:
    """Why an answer is refused by a client that takes no field that it does not know."""
    try:
        envelope = json.loads(data.partition(b"\x03")[0])
    except ValueError:
        return None
    if not isinstance(envelope, dict) or "data" not in envelope:
        return None  # no answer: bytes of a file, or what no client takes
    parts = [envelope, *envelope["data"]]
    unknown = {key for part in parts for key in part} - _FIELDS - {"data"}
    return f"unknown fields {sorted(unknown)}" if unknown else None


# --- answers that are fine ---------------------------------------------------------------------------------------


@mutant("ROBUST-LATE-01", release="2.9")
class HasNoPatience(Wrong):
    """It waits a tenth of a second for list_jobs."""

    def list_jobs(self, *args: Any, **kwargs: Any) -> Any:
        self._session.set_timeout(_IMPATIENCE)
        return self._session.list_jobs(*args, **kwargs)


@mutant("ROBUST-SLOW-01", release="2.6")
class TakesOneBlock(WrongInside):
    """It takes the first bytes of an answer for all of it."""

    def change(self) -> None:
        _look_at_bytes(self.connection, lambda data: None if b"\x04" in data else "an answer in pieces")


@mutant("ROBUST-TWICE-01", release="2.6")
class RefusesASecondCopy(WrongInside):
    """It refuses an answer that is followed by another."""

    def change(self) -> None:
        _look_at_bytes(self.connection, lambda data: "more than an answer" if data.count(b"\x04") > 1 else None)


@mutant("ROBUST-FIELDS-01", release="2.6")
class ExpectsKnownFields(WrongInside):
    """It refuses an answer with a field that it does not know."""

    def change(self) -> None:
        _look_at_bytes(self.connection, _strict)


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


@mutant("ROBUST-CLOSE-01", "ROBUST-RESET-01", release="2.9")
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
        if not connection._link.is_open:
            connection.log_in(5.0)
        return self._session.list_jobs(*args, **kwargs)


@mutant("ROBUST-RESTART-01")
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


# --- logins ------------------------------------------------------------------------------------------------------


def _of_secure_sessions(opens: Factory) -> Factory:
    """Have it go wrong with secure sessions; insecure ones are the reference client's."""

    @functools.wraps(opens)
    def open_session(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
        if not secure:
            return open_reference(username, kit, secure=False, timeout=timeout)
        return opens(username, kit, timeout=timeout)

    return open_session


def _changed(username: str, kit: str, timeout: float, change: Callable[[Any], None]) -> Any:
    """Open a session whose connection is changed before it logs in."""
    session = client().Session(username=username, startup_path=kit, secure_mode=True)
    change(session._connection)
    try:
        session.try_connect(timeout)
    except BaseException:
        session.close()
        raise
    return session


_EARLY = "it gives up before the time is over"


@mutant(
    "ROBUST-LOGIN-01",
    "ROBUST-LOGIN-02",
    release="2.9",
    also={"CONN-TIMEOUT-01": _EARLY, "CONN-TIMEOUT-05": _EARLY, "ROBUST-LOGIN-04": "its time is over at the first try"},
)
def hurries_the_login(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
    """It gives a login less time than it was given."""
    return factory(Wrong)(username, kit, secure=secure, timeout=min(timeout, 0.2))


@mutant("ROBUST-LOGIN-03", "ROBUST-LOGIN-04", "ROBUST-LOGIN-05")
@_of_secure_sessions
def tries_once(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It tries to log in once."""
    return client().new_secure_session(username, kit, timeout=timeout, auto_login_max_tries=1)


@mutant("ROBUST-LOGIN-06")
@_of_secure_sessions
def knows_every_field_at_login(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It refuses a login with a field that it does not know."""
    return _changed(username, kit, min(timeout, 1.0), lambda connection: _look_at_bytes(connection, _strict))


class _Pretended:
    """A session that is none."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_args, **_kwargs: None


def _pretends(username: str, kit: str, timeout: float, words: str) -> Any:
    try:
        return client().new_secure_session(username, kit, timeout=timeout)
    except client().NoConnection as problem:
        if words in str(problem):
            return _Pretended()
        raise


@mutant("ROBUST-LOGIN-07")
@_of_secure_sessions
def takes_no_for_yes(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It returns a session though the server refused the user."""
    return _pretends(username, kit, timeout, "the server rejects the login")


@mutant("ROBUST-LOGIN-08", also={"CONN-TIMEOUT-01": _EARLY, "CONN-TIMEOUT-02": _EARLY})
def gives_up_logins_early(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
    """It gives up when half of the time to connect is over."""
    return factory(Wrong)(username, kit, secure=secure, timeout=timeout / 2)


@mutant("ROBUST-LOGIN-09", also={"ROBUST-LOGIN-08": "a login without an answer looks the same"})
@_of_secure_sessions
def silence_is_consent(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It returns a session though the server did not answer in time."""
    return _pretends(username, kit, timeout, "timed out")


@mutant("ROBUST-LOGIN-10")
@_of_secure_sessions
def needs_no_token(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It returns a session though the answer to the login has no token."""
    return _pretends(username, kit, timeout, "and a token from the login")


@mutant("ROBUST-LOGIN-11")
@_of_secure_sessions
def needs_no_commands(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It returns a session though the server announced no commands."""
    return _pretends(username, kit, timeout, "the table of commands")


@mutant("ROBUST-LOGIN-12")
class SendsWhatWasNotAnnounced(Wrong):
    """It sends a command that the server did not announce."""

    def clone_job(self, job_id: str) -> Any:
        return self._session._connection.execute(f"clone_job {job_id}")[1].get("job_id")


# --- another server ----------------------------------------------------------------------------------------------


def _tls(connection: Any) -> ssl.SSLContext:
    context: ssl.SSLContext = connection._transport._context
    return context


@mutant("ROBUST-CERT-01", also={"ROBUST-CERT-02": "who looks at no certificate looks at no date"})
@_of_secure_sessions
def trusts_anybody(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It does not check who issued the certificate of the server."""

    def change(connection: Any) -> None:
        _tls(connection).verify_mode = ssl.CERT_NONE

    return _changed(username, kit, timeout, change)


@mutant("ROBUST-CERT-02")
@_of_secure_sessions
def has_no_calendar(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It does not check whether the certificate of the server holds still."""

    def change(connection: Any) -> None:
        _tls(connection).verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)

    return _changed(username, kit, timeout, change)


@mutant("ROBUST-CERT-03", release="2.9")
@_of_secure_sessions
def takes_any_name(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It does not check the name of the server."""
    try:
        return factory(Wrong)(username, kit, timeout=timeout)
    except client().RegistrationRejected:

        def change(connection: Any) -> None:
            connection._identity = dataclasses.replace(connection._identity, server_identity="another-server")

        return _changed(username, kit, timeout, change)


@mutant("ROBUST-CERT-04")
@_of_secure_sessions
def checks_the_host(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It checks that the certificate of the server is for the host."""

    def change(connection: Any) -> None:
        _tls(connection).check_hostname = True

    return _changed(username, kit, timeout, change)


@mutant("ROBUST-TLS-01")
@_of_secure_sessions
def speaks_old_tls(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It speaks TLS 1.0 and 1.1, too."""

    def change(connection: Any) -> None:
        _tls(connection).set_ciphers("DEFAULT:@SECLEVEL=0")
        _tls(connection).minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED

    return _changed(username, kit, timeout, change)


@mutant("ROBUST-SIGN-01", release="2.9")
@_of_secure_sessions
def takes_any_signature(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It does not check the signature of the registration."""
    auth: Any = importlib.import_module("flare_client.protocol.cellnet.auth")
    check = auth.check_register_reply

    class Trusting:
        def verify(self, *_: Any) -> None:
            """Be content."""

    auth.check_register_reply = lambda content, user, _verifier: check(content, user, Trusting())
    try:
        return factory(Wrong)(username, kit, timeout=timeout)
    finally:
        auth.check_register_reply = check
