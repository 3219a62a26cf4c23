"""Rights and studies."""

from __future__ import annotations

from typing import Any

from mock_server.control.models.base import Answer


class PolicyView(Answer):
    """Who may do what on the server."""

    content: dict[str, Any]
    """As an ``authorization.json``."""


class StudyView(Answer):
    """A study."""

    name: str
    site_orgs: dict[str, list[str]]
    """The sites that take part, by organisation."""
    users: list[str]
    """Who may work in it."""
