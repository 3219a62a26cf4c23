"""Who may do what: the official default policy, policies of a test's own, and how their conditions are evaluated.

Source: ``authorization.json`` as official provisioning writes it, how official servers read one, and the measured
matrix of four roles in two organisations (observed: 2.3.12-2.9.0).
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flare_client.protocol.commands import Right

SUPER_ROLE = "super"
"""The role of the one user of an insecure 2.3 server; it passes every check."""

PROJECT_ADMIN = "project_admin"
ORG_ADMIN = "org_admin"

AUTHORIZATION_FILE = "authorization.json"
"""The policy of a machine, in its ``local`` folder; it counts before the file of that name with ``.default``."""

_ROLES = {
    Right.PROJECT_ADMIN_ROLE: frozenset({PROJECT_ADMIN}),
    Right.STUDY_ADMIN_ROLE: frozenset({PROJECT_ADMIN, ORG_ADMIN}),
    Right.KNOWN_ROLE: frozenset({PROJECT_ADMIN, ORG_ADMIN, "lead", "member"}),
}
"""The roles that have a right whatever the policy says."""

_FORMAT = "1.0"

DEFAULT_AUTHORIZATION: Mapping[str, Any] = {
    "format_version": _FORMAT,
    "permissions": {
        PROJECT_ADMIN: "any",
        ORG_ADMIN: {
            "submit_job": "none",
            "clone_job": "none",
            "manage_job": "o:submitter",
            "download_job": "o:submitter",
            "view": "any",
            "operate": "o:site",
            "shell_commands": "o:site",
            "byoc": "none",
        },
        "lead": {
            "submit_job": "any",
            "clone_job": "n:submitter",
            "manage_job": "n:submitter",
            "download_job": "n:submitter",
            "view": "any",
            "operate": "o:site",
            "shell_commands": "o:site",
            "byoc": "any",
        },
        "member": {"view": "any"},
    },
}
"""The policy that official provisioning gives every machine, in the form of its file."""


class PolicyError(ValueError):
    """A policy is unusable; the text says where, what was expected and what is there."""


@dataclasses.dataclass(frozen=True)
class Person:
    """A user or the submitter of a job."""

    name: str
    org: str
    role: str | None


class Kind(enum.Enum):
    """What a condition looks at."""

    ANY = "any"
    NONE = "none"
    ORG = "o"
    """The organisation of the user."""
    NAME = "n"
    """The name of the user."""


_KINDS = {"o": Kind.ORG, "org": Kind.ORG, "n": Kind.NAME, "name": Kind.NAME}
_SITE = "site"
_SUBMITTER = "submitter"


def plain(text: str) -> str:
    """A name as policies compare it: in small letters, with one blank for many."""
    return " ".join(text.lower().split())


@dataclasses.dataclass(frozen=True)
class Condition:
    """One expression of a policy, as ``any`` or ``not o:submitter``.

    Attributes:
        kind: what it looks at.
        value: the organisation or name that it wants; ``site`` and ``submitter`` stand for theirs.
        blocks: whether it takes the right away where it holds.
    """

    kind: Kind
    value: str = ""
    blocks: bool = False

    def holds(self, user: Person, site_org: str, submitter: Person | None) -> bool:
        """Whether the condition is met."""
        if self.kind is Kind.ORG:
            wanted = {_SITE: site_org, _SUBMITTER: submitter.org if submitter else ""}.get(self.value, self.value)
            return plain(user.org) == plain(wanted)
        if self.kind is Kind.NAME:
            name = (submitter.name if submitter else "") if self.value == _SUBMITTER else self.value
            return plain(user.name) == plain(name)
        return self.kind is Kind.ANY


@dataclasses.dataclass(frozen=True)
class Grant:
    """When a right is granted: no blocking condition holds, and one of the others does, if there are any.

    Attributes:
        blocking: the conditions that take the right away.
        allowing: the others.
    """

    blocking: tuple[Condition, ...]
    allowing: tuple[Condition, ...]

    @classmethod
    def of(cls, conditions: Iterable[Condition]) -> Grant:
        """The grant of conditions of both kinds."""
        found = tuple(conditions)
        return cls(tuple(one for one in found if one.blocks), tuple(one for one in found if not one.blocks))

    def holds(self, user: Person, site_org: str, submitter: Person | None) -> bool:
        """Whether the right is granted."""
        if any(one.holds(user, site_org, submitter) for one in self.blocking):
            return False
        return not self.allowing or any(one.holds(user, site_org, submitter) for one in self.allowing)


_MOST_DECISIONS = 4096
"""Decisions that are remembered: a server is asked the same with every command of a session."""


class Policy:
    """Decides whether a user has a right at a machine.

    Args:
        content: the content of an ``authorization.json``; the official default one without it.

    Raises:
        PolicyError: the content is no policy.
    """

    def __init__(self, content: object = DEFAULT_AUTHORIZATION) -> None:
        self.content = content
        self._grants = _read(content)
        self._decide = functools.lru_cache(_MOST_DECISIONS)(self._judge)

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles that it gives rights to, as it compares them."""
        return tuple(self._grants)

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """Read a policy file.

        Raises:
            PolicyError: the file cannot be read, or is no policy.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as problem:
            raise PolicyError(f"{path}: expected a policy file, but {problem.strerror}") from problem
        except (ValueError, RecursionError) as problem:
            raise PolicyError(f"{path}: expected JSON, but {problem}") from problem
        try:
            return cls(content)
        except PolicyError as problem:
            raise PolicyError(f"{path}: {problem}") from problem

    def allows(
        self, right: Right, user: Person, *, site_org: str, submitter: Person | None = None, command: str | None = None
    ) -> bool:
        """Whether the user has the right.

        Args:
            right: the right asked for; for a command, the category that it belongs to.
            user: who asks.
            site_org: the organisation of the machine at which the command runs.
            submitter: the submitter of the job in question, if one is.
            command: the name of the command, which a policy may name beside its category.

        Raises:
            TypeError: the user's certificate carries no role; the text is that of the official server.
        """
        return self._decide(right, user, site_org, submitter, command)

    def _judge(self, right: Right, user: Person, site_org: str, submitter: Person | None, command: str | None) -> bool:
        if not isinstance(user.role, str):
            raise TypeError(f"User role must be a str but got {type(user.role)}")
        role = plain(user.role)
        if right is Right.NONE or role == SUPER_ROLE:
            return True
        if right in _ROLES:
            return role in _ROLES[right]
        granted = self._grants.get(role, {})
        if isinstance(granted, dict):
            found = granted.get(command or "")
            if found is None and right is not Right.UNCATEGORISED:
                found = granted.get(right.value)
            return found is not None and found.holds(user, site_org, submitter)
        return granted.holds(user, site_org, submitter)


DEFAULT_POLICY: Policy
"""The official default policy."""


# --- reading a policy -------------------------------------------------------------------------------------------


def _read(content: object) -> dict[str, Grant | dict[str, Grant]]:
    """Read the content of a policy file: for each role one grant for everything, or one for each right."""
    if not isinstance(content, Mapping) or not content:
        raise PolicyError(f"expected a mapping of format_version and permissions, but got {content!r:.60}")
    version = content.get("format_version")
    if version != _FORMAT:
        raise PolicyError(f"format_version: expected {_FORMAT!r}, but got {version!r:.60}")
    permissions = content.get("permissions")
    if not isinstance(permissions, Mapping) or not permissions:
        raise PolicyError(f"permissions: expected a mapping of roles, but got {permissions!r:.60}")
    grants: dict[str, Grant | dict[str, Grant]] = {}
    for role, rights in permissions.items():
        where = f"permissions.{role}"
        if isinstance(rights, Mapping):
            grants[plain(str(role))] = {
                plain(str(right)): _read_grant(conditions, f"{where}.{right}") for right, conditions in rights.items()
            }
        else:
            grants[plain(str(role))] = _read_grant(rights, where)
    return grants


def _read_grant(conditions: object, where: str) -> Grant:
    if isinstance(conditions, str):
        return Grant.of([_read_condition(conditions, where)])
    if not isinstance(conditions, (list, tuple)) or not conditions:
        raise PolicyError(f"{where}: expected a condition or a list of some, but got {conditions!r:.60}")
    return Grant.of(_read_condition(one, where) for one in conditions)


def _read_condition(expression: object, where: str) -> Condition:
    if not isinstance(expression, str):
        raise PolicyError(f"{where}: expected a condition as text, but got {expression!r:.60}")
    words = plain(expression).split()
    blocks = len(words) == 2 and words[0] == "not"
    text = words[1] if blocks else " ".join(words)
    if text in ("any", "all"):
        return Condition(Kind.ANY, blocks=blocks)
    if text in ("none", "no"):
        return Condition(Kind.NONE, blocks=blocks)
    kind, colon, value = text.partition(":")
    if not colon or ":" in value or kind.strip() not in _KINDS:
        expected = "any, none, o:site, o:submitter, o:<org>, n:submitter or n:<name>, each also after 'not'"
        raise PolicyError(f"{where}: expected {expected}, but got {expression!r:.60}")
    return Condition(_KINDS[kind.strip()], value.strip(), blocks)


DEFAULT_POLICY = Policy()
