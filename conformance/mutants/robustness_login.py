"""Wrong where a login goes wrong, or another server than the kit's answers."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import ssl
from collections.abc import Callable
from typing import Any

from conformance.mutants.base import MAY, Factory, Wrong, client, factory, log_in, mutant, open_reference
from conformance.mutants.robustness import look_at_bytes, unknown_fields

_NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME of OpenSSL."""

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
    return log_in(session, timeout)


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


@mutant("ROBUST-LOGIN-03", "ROBUST-LOGIN-04", "ROBUST-LOGIN-05", also={"CONN-TIMEOUT-01": "it does not use its time"})
@_of_secure_sessions
def tries_once(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It tries to log in once."""
    return client().new_secure_session(username, kit, timeout=timeout, auto_login_max_tries=1)


@mutant(
    "ROBUST-LOGIN-06",
    also={
        "ROBUST-FIELDS-01": "it takes them in no answer, either",
        "ROBUST-MON-*": f"{MAY} its time to connect is a second",
    },
)
@_of_secure_sessions
def knows_every_field_at_login(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It refuses a login with a field that it does not know."""
    return _changed(username, kit, min(timeout, 1.0), lambda connection: look_at_bytes(connection, unknown_fields))


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


@mutant("ROBUST-LOGIN-07", also={"CONN-USER-01": "the server refuses the user there, too"})
@_of_secure_sessions
def takes_no_for_yes(username: str, kit: str, timeout: float = 10.0) -> Any:
    """It returns a session though the server refused the user."""
    return _pretends(username, kit, timeout, "the server rejects the login")


@mutant("ROBUST-LOGIN-08", also={"CONN-TIMEOUT-01": _EARLY, "CONN-TIMEOUT-02": _EARLY})
def gives_up_logins_early(username: str, kit: str, secure: bool = True, timeout: float = 10.0) -> Any:
    """It gives up when half of the time to connect is over."""
    return factory(Wrong)(username, kit, secure=secure, timeout=timeout / 2)


@mutant(
    "ROBUST-LOGIN-09",
    also={
        "CONN-TIMEOUT-02": "so does a server that is not there",
        "ROBUST-LOGIN-08": "a login without an answer looks the same",
    },
)
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


@mutant(
    "ROBUST-CERT-01",
    also={
        "CONN-CERT-06": "the certificate is another CA's there, too",
        "ROBUST-CERT-02": "who looks at no certificate looks at no date",
    },
)
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
