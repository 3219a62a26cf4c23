"""Sites and sessions."""

from __future__ import annotations

from mock_server.control.models.base import Answer, Body


class SiteView(Answer):
    """A site."""

    name: str
    org: str
    connected: bool
    disabled: bool
    """Whether it is kept out, as by ``disable_client``."""
    since: float
    """When it connected."""


class SiteChange(Body):
    """What is to become of a site; what is left out stays."""

    connected: bool | None = None
    disabled: bool | None = None


class SessionView(Answer):
    """An admin session."""

    number: int
    """The how-manieth of the server it is; what faults call ``session``."""
    mark: str
    """What stands for its token in the transcript."""
    user: str
    org: str
    role: str | None
    study: str
    started: float
    last_used: float
    expires: float
    """When it is over, if no command comes."""


class Expired(Answer):
    """Sessions that are over."""

    expired: int
