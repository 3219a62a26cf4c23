"""Kits, good ones and broken ones."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, field_validator

from mock_server.broken_kits import BROKEN_KITS
from mock_server.clock import LATEST
from mock_server.control.models.base import Answer, Body
from mock_server.scenarios.base import check_one_of
from mock_server.scenarios.system import User

Moment = Annotated[float, Field(ge=0, le=LATEST, allow_inf_nan=False)]
"""Seconds since the epoch."""


class KitOrder(User):
    """Who a startup kit is for, and what is to be wrong with it."""

    broken: str | None = None
    """What is wrong with it on purpose, by its name, as ``expired``; nothing by default."""
    common_name: str | None = None
    """Who stands in the certificate, where that is to be another than the user."""
    not_before: Moment | None = None
    """From when the certificate holds; from now on by default."""
    not_after: Moment | None = None
    """Until when it holds; 360 days by default."""

    @field_validator("broken")
    @classmethod
    def _is_known(cls, broken: str | None) -> str | None:
        if broken is not None:
            check_one_of(broken, BROKEN_KITS)
        return broken


class KitQuery(Body):
    """Which kit of a user."""

    broken: str | None = None
    """The one that is broken so; the right one by default."""


class KitView(Answer):
    """A startup kit."""

    name: str
    """The user."""
    path: str
    """The folder above ``startup``, on the server's machine."""
    broken: str | None
    """What is wrong with it on purpose; null: nothing."""


class BrokenKitView(Answer):
    """A way in which a kit can be broken on purpose."""

    name: str
    what: str
    """What is wrong with it."""
    part: str
    """The part of the kit that is broken."""
    possible: bool
    """Whether kits of this server can be broken so."""
