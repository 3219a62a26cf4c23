"""The users of the machines, and who may do what by the official default policy.

Owns a table of its own on purpose: a model that asked the server under test for its policy would prove nothing.

Source: the policy that official provisioning writes, and the measured matrix of roles (observed: 2.3.12-2.9.0).
"""

from __future__ import annotations

import dataclasses
import enum


@dataclasses.dataclass(frozen=True)
class User:
    """An admin user.

    Attributes:
        name: as in the certificate.
        org: the organisation.
        role: one of ``project_admin``, ``org_admin``, ``lead``, ``member``.
    """

    name: str
    org: str
    role: str


PROJECT_ADMIN = User("admin@nvidia.com", "nvidia", "project_admin")
ORG_ADMIN = User("orgadmin@nvidia.com", "nvidia", "org_admin")
LEAD = User("lead@nvidia.com", "nvidia", "lead")
MEMBER = User("member@nvidia.com", "nvidia", "member")
OTHER_LEAD = User("lead@other.com", "other", "lead")


class Grant(enum.Enum):
    """To whom a right is given."""

    ALL = "all"
    NOBODY = "nobody"
    OWN = "the submitter"
    """Of the job in question."""
    ORG = "users of the submitter's organisation"


_ANY_JOB = ("get_job_meta", "monitor_job", "list_jobs", "get_system_info")
"""What every role may do."""
_MANAGING = ("abort_job", "delete_job", "download_job_result")

_GRANTS: dict[str, dict[str, Grant]] = {
    "project_admin": dict.fromkeys(("submit_job", "clone_job", *_MANAGING), Grant.ALL),
    "org_admin": dict.fromkeys(_MANAGING, Grant.ORG),
    "lead": {"submit_job": Grant.ALL, "clone_job": Grant.OWN, **dict.fromkeys(_MANAGING, Grant.OWN)},
    "member": {},
}


def may(user: User, method: str, submitter: User | None = None) -> bool:
    """Whether a user may do something.

    Args:
        user: who asks.
        method: the method of ``Session``.
        submitter: the submitter of the job in question, if one is.
    """
    if method in _ANY_JOB:
        return True
    grant = _GRANTS[user.role].get(method, Grant.NOBODY)
    if grant is Grant.OWN:
        return submitter is not None and submitter.name == user.name
    if grant is Grant.ORG:
        return submitter is not None and submitter.org == user.org
    return grant is Grant.ALL
