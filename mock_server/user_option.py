"""Users on the command line."""

from __future__ import annotations

import click

from mock_server.scenarios.base import check_one_of
from mock_server.scenarios.system import ROLES, User


class UserType(click.ParamType):  # type: ignore[type-arg] # generic in the newest click alone
    """``NAME:ORG:ROLE``."""

    name = "NAME:ORG:ROLE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> User:
        """Read a user."""
        if isinstance(value, User):
            return value
        parts = str(value).split(":")
        if len(parts) != 3:
            self.fail(f"expected NAME:ORG:ROLE, but got {value!r}", param, ctx)
        try:
            check_one_of(parts[2], ROLES)
            return User(name=parts[0], org=parts[1], role=parts[2])
        except ValueError as problem:
            self.fail(
                f"expected NAME:ORG:ROLE with a known role, but got {value!r}: {_first_line(problem)}", param, ctx
            )


def _first_line(problem: ValueError) -> str:
    errors = getattr(problem, "errors", None)
    return str(errors()[0]["msg"]).removeprefix("Value error, ") if callable(errors) else str(problem)
