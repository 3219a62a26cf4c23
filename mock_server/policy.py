"""Who may do what: the official default policy, and how its conditions are evaluated.

Source: the policy file that official provisioning of 2.3-2.6 writes, and the measured matrix of four roles in two
organisations (observed: 2.3.12-2.6.3).
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping

from flare_client.protocol.commands import Right

SUPER_ROLE = "super"
"""The role of the one user of an insecure 2.3 server; it passes every check."""

PROJECT_ADMIN = "project_admin"
ORG_ADMIN = "org_admin"

_ROLES = {
    Right.PROJECT_ADMIN_ROLE: frozenset({PROJECT_ADMIN}),
    Right.STUDY_ADMIN_ROLE: frozenset({PROJECT_ADMIN, ORG_ADMIN}),
    Right.KNOWN_ROLE: frozenset({PROJECT_ADMIN, ORG_ADMIN, "lead", "member"}),
}
"""The roles that have a right whatever the policy says."""


class Condition(enum.Enum):
    """When a right is granted."""

    ANY = "any"
    NONE = "none"
    SUBMITTERS_ORG = "o:submitter"
    """To users of the organisation of the job's submitter."""
    SUBMITTER = "n:submitter"
    """To the job's submitter."""
    SITES_ORG = "o:site"
    """To users of the organisation of the site where the command runs."""


@dataclasses.dataclass(frozen=True)
class Person:
    """A user or the submitter of a job."""

    name: str
    org: str
    role: str | None


_C = Condition

DEFAULT_PERMISSIONS: Mapping[str, Condition | Mapping[Right, Condition]] = {
    PROJECT_ADMIN: _C.ANY,
    ORG_ADMIN: {
        Right.SUBMIT_JOB: _C.NONE,
        Right.CLONE_JOB: _C.NONE,
        Right.MANAGE_JOB: _C.SUBMITTERS_ORG,
        Right.DOWNLOAD_JOB: _C.SUBMITTERS_ORG,
        Right.VIEW: _C.ANY,
        Right.OPERATE: _C.SITES_ORG,
        Right.SHELL_COMMANDS: _C.SITES_ORG,
        Right.BYOC: _C.NONE,
    },
    "lead": {
        Right.SUBMIT_JOB: _C.ANY,
        Right.CLONE_JOB: _C.SUBMITTER,
        Right.MANAGE_JOB: _C.SUBMITTER,
        Right.DOWNLOAD_JOB: _C.SUBMITTER,
        Right.VIEW: _C.ANY,
        Right.OPERATE: _C.SITES_ORG,
        Right.SHELL_COMMANDS: _C.SITES_ORG,
        Right.BYOC: _C.ANY,
    },
    "member": {Right.VIEW: _C.ANY},
}


class Policy:
    """Decides whether a user has a right at a site.

    Args:
        permissions: what each role may do; a role that is not named may do nothing.
    """

    def __init__(self, permissions: Mapping[str, Condition | Mapping[Right, Condition]] = DEFAULT_PERMISSIONS) -> None:
        self._permissions = permissions

    def allows(self, right: Right, user: Person, *, site_org: str, submitter: Person | None = None) -> bool:
        """Whether the user has the right.

        Args:
            right: the right asked for.
            user: who asks.
            site_org: the organisation of the site at which the command runs.
            submitter: the submitter of the job in question, if one is.

        Raises:
            TypeError: the user's certificate carries no role; the text is that of the official server.
        """
        if not isinstance(user.role, str):
            raise TypeError(f"User role must be a str but got {type(user.role)}")
        role = user.role.lower()
        if right is Right.NONE or role == SUPER_ROLE:
            return True
        if right in _ROLES:
            return role in _ROLES[right]
        granted = self._permissions.get(role, {})
        condition = granted if isinstance(granted, Condition) else granted.get(right, Condition.NONE)
        return _holds(condition, user, site_org, submitter)


def _holds(condition: Condition, user: Person, site_org: str, submitter: Person | None) -> bool:
    if condition is Condition.SUBMITTERS_ORG:
        return submitter is not None and user.org == submitter.org
    if condition is Condition.SUBMITTER:
        return submitter is not None and user.name == submitter.name
    if condition is Condition.SITES_ORG:
        return user.org == site_org
    return condition is Condition.ANY
