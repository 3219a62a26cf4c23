"""How sessions are opened: made from a kit, and connected."""

from __future__ import annotations

from flare_client.protocol.formats import DEFAULT_STUDY
from flare_client.protocol.kit import INSECURE_USER
from flare_client.session import Session


def new_session(
    username: str,
    startup_kit_location: str,
    secure_mode: bool = True,
    debug: bool = False,
    timeout: float = 10.0,
    study: str = DEFAULT_STUDY,
    command_timeout: float | None = None,
    auto_login_max_tries: int | None = None,
) -> Session:
    """Connect as the caller says; official from 2.7 on, here with kits of all releases.

    Args:
        username: the user; the name in the certificate of the kit.
        startup_kit_location: the startup kit, the folder above ``startup``.
        secure_mode: see ``Session``.
        debug: see ``Session``.
        timeout: seconds until it gives up.
        study: see ``Session``.
        command_timeout: see ``Session.set_timeout``.
        auto_login_max_tries: how often the login is tried; ``None``: until the time is over.

    Returns:
        A connected session.

    Raises:
        ConfigError: the kit is unusable.
        NoConnection: no login within the time; ``LoginRejected`` where waiting would not help.
    """
    session = Session(username, startup_kit_location, secure_mode, debug, study)
    session.api.auto_login_max_tries = auto_login_max_tries
    try:
        if command_timeout is not None:
            session.set_timeout(command_timeout)
        session.try_connect(timeout)
    except BaseException:
        session.close()
        raise
    return session


def new_secure_session(
    username: str,
    startup_kit_location: str,
    debug: bool = False,
    timeout: float = 10.0,
    study: str = DEFAULT_STUDY,
    command_timeout: float | None = None,
    auto_login_max_tries: int | None = None,
) -> Session:
    """Connect over mutual TLS.

    Args:
        username: the user; the name in the certificate of the kit.
        startup_kit_location: the startup kit, the folder above ``startup``.
        debug: see ``Session``.
        timeout: seconds until it gives up.
        study: see ``Session``.
        command_timeout: see ``Session.set_timeout``.
        auto_login_max_tries: how often the login is tried; ``None``: until the time is over.

    Returns:
        A connected session.

    Raises:
        ConfigError: the kit is unusable.
        NoConnection: no login within the time; ``LoginRejected`` where waiting would not help.
    """
    return new_session(
        username, startup_kit_location, True, debug, timeout, study, command_timeout, auto_login_max_tries
    )


def new_insecure_session(
    startup_kit_location: str, debug: bool = False, timeout: float = 10.0, study: str = DEFAULT_STUDY
) -> Session:
    """Connect in clear text as ``admin``, as proof-of-concept kits of release 2.3 do.

    With a kit of releases from 2.7 on: connect as the kit says, as the user whom its certificate names.

    Args:
        startup_kit_location: the startup kit, the folder above ``startup``.
        debug: see ``Session``.
        timeout: seconds until it gives up.
        study: see ``Session``.

    Returns:
        A connected session.

    Raises:
        ConfigError: the kit is unusable.
        NoConnection: no login within the time; ``LoginRejected`` where waiting would not help.
    """
    return new_session(INSECURE_USER, startup_kit_location, False, debug, timeout, study)
