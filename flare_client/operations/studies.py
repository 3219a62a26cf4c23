"""Studies: which sites take part in one, and who may work in it (releases from 2.8).

The server refuses with an object, not with a status: it becomes a ``CommandError``.
"""

from __future__ import annotations

from typing import Any

from flare_client import errors
from flare_client.conversation import Conversation
from flare_client.operations.replies import object_of


def register_study(
    conversation: Conversation, study: str, sites: list[str] | None = None, site_orgs: list[str] | None = None
) -> dict[str, Any]:
    """Begin a study, or add sites to one that is there.

    Args:
        study: its name.
        sites: sites of the caller's organisation; what an org admin gives.
        site_orgs: an organisation and its sites each, as ``nvidia:site-1,site-2``; what a project admin gives.

    Returns:
        The study.

    Raises:
        InvalidArgumentError: the name or the sites are missing or no such thing, or both kinds of sites are given.
        CommandError: the server refuses.
    """
    return _ask(conversation, "register_study", study, *_site_options(study, sites, site_orgs))


def add_study_site(
    conversation: Conversation, study: str, sites: list[str] | None = None, site_orgs: list[str] | None = None
) -> dict[str, Any]:
    """Add sites to a study.

    Args:
        study: its name.
        sites: see ``register_study``.
        site_orgs: see ``register_study``.

    Returns:
        The study, and what was added.

    Raises:
        InvalidArgumentError: the name or the sites are missing or no such thing, or both kinds of sites are given.
        CommandError: the server refuses.
    """
    return _ask(conversation, "add_study_site", study, *_site_options(study, sites, site_orgs))


def remove_study_site(
    conversation: Conversation, study: str, sites: list[str] | None = None, site_orgs: list[str] | None = None
) -> dict[str, Any]:
    """Take sites out of a study.

    Args:
        study: its name.
        sites: see ``register_study``.
        site_orgs: see ``register_study``.

    Returns:
        The study, and what was removed.

    Raises:
        InvalidArgumentError: the name or the sites are missing or no such thing, or both kinds of sites are given.
        CommandError: the server refuses.
    """
    return _ask(conversation, "remove_study_site", study, *_site_options(study, sites, site_orgs))


def remove_study(conversation: Conversation, study: str) -> dict[str, Any]:
    """Forget a study that has no jobs.

    Args:
        study: its name.

    Returns:
        What the server says of it.

    Raises:
        InvalidArgumentError: the name is missing or no text.
        CommandError: the server refuses.
    """
    _check_name("study", study)
    return _ask(conversation, "remove_study", study)


def list_studies(conversation: Conversation) -> dict[str, Any]:
    """List the studies that the user may see.

    Returns:
        ``studies``, each with its name and what the user may do in it.
    """
    return _ask(conversation, "list_studies")


def show_study(conversation: Conversation, study: str) -> dict[str, Any]:
    """Get a study with its sites and users.

    Args:
        study: its name.

    Returns:
        The study.

    Raises:
        InvalidArgumentError: the name is missing or no text.
        CommandError: the server refuses.
    """
    _check_name("study", study)
    return _ask(conversation, "show_study", study)


def add_study_user(conversation: Conversation, study: str, user: str) -> dict[str, Any]:
    """Let a user work in a study.

    Args:
        study: its name.
        user: the user.

    Returns:
        What the server says of it.

    Raises:
        InvalidArgumentError: a name is missing or no text.
        CommandError: the server refuses.
    """
    _check_name("study", study)
    _check_name("user", user)
    return _ask(conversation, "add_study_user", study, user)


def remove_study_user(conversation: Conversation, study: str, user: str) -> dict[str, Any]:
    """Let a user work in a study no more.

    Args:
        study: its name.
        user: the user.

    Returns:
        What the server says of it.

    Raises:
        InvalidArgumentError: a name is missing or no text.
        CommandError: the server refuses.
    """
    _check_name("study", study)
    _check_name("user", user)
    return _ask(conversation, "remove_study_user", study, user)


def _check_name(what: str, name: object) -> None:
    if not isinstance(name, str):
        raise errors.InvalidArgumentError(f"{what} must be str but got {type(name)}")
    if not name:
        raise errors.InvalidArgumentError(f"{what} is required but not specified.")


def _site_options(study: object, sites: object, site_orgs: object) -> list[str]:
    """The sites as options of a command: once an organisation, or all in one word."""
    _check_name("study", study)
    if sites and site_orgs:
        raise errors.InvalidArgumentError("sites and site_orgs are mutually exclusive; provide only one")
    if site_orgs:
        return [word for entry in _checked_list("site_orgs", site_orgs) for word in ("--site-org", entry)]
    return ["--sites", ",".join(_checked_list("sites", sites))]


def _checked_list(what: str, entries: object) -> list[str]:
    if not isinstance(entries, list):
        raise errors.InvalidArgumentError(f"{what} must be list but got {type(entries)}")
    if not entries:
        raise errors.InvalidArgumentError(f"{what} are required but not specified.")
    for entry in entries:
        if not isinstance(entry, str) or not entry:
            raise errors.InvalidArgumentError(f"{what} must hold names, but got {entry!r}")
    return list(entries)


def _ask(conversation: Conversation, *words: str) -> dict[str, Any]:
    reply, _ = conversation.ask(conversation.line(*words))
    payload = object_of(reply)
    code = payload.get("error_code")
    if code:
        message, hint = payload.get("message", code), payload.get("hint", "")
        raise errors.CommandError(str(code), str(message), str(hint), payload.get("exit_code", 1))
    return payload
