"""Users on the command line."""

from __future__ import annotations

from collections.abc import Iterable

import click

from mock_server.scenarios.base import check_one_of, first_fault
from mock_server.scenarios.system import User


class UserType(click.ParamType):  # type: ignore[type-arg] # generic in the newest click alone
    """``NAME:ORG:ROLE``; which roles there are, the policies of the server say: see ``check_role``."""

    name = "NAME:ORG:ROLE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> User:
        """Read a user."""
        if isinstance(value, User):
            return value
        parts = str(value).split(":")
        if len(parts) != 3:
            self.fail(f"expected NAME:ORG:ROLE, but got {value!r}", param, ctx)
        try:
            return User(name=parts[0], org=parts[1], role=parts[2])
        except ValueError as problem:
            self.fail(f"expected NAME:ORG:ROLE, but got {value!r}: {first_fault(problem)}", param, ctx)


def check_role(user: User, roles: Iterable[str]) -> None:
    """Check that a user has a role that the server knows.

    Args:
        user: as ``--user`` names them.
        roles: the official ones, and those of the server's policies.

    Raises:
        ValueError: nobody knows it.
    """
    try:
        check_one_of(user.role, roles)
    except ValueError as problem:
        raise ValueError(f"--user {user.name}:{user.org}:{user.role}: role: {problem}") from None
