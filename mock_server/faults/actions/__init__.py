"""What a fault does. Each action says where and in which direction it can strike, and bends a course.

Actions are declared alike in Python, ``Delay(2.0)``, and in a scenario, ``{kind: delay, seconds: 2s}``; a module a
subject.
"""

from __future__ import annotations

import functools
import typing
from typing import Annotated

from pydantic import Field

from mock_server.faults.actions.action import Action
from mock_server.faults.actions.appearance import LoseAcknowledgements, OldTls, WrongCertificate, WrongSignature
from mock_server.faults.actions.connections import Close, Delay, Refuse, Reset, Silence
from mock_server.faults.actions.contents import (
    ExtraFields,
    FullDisk,
    LoseCommand,
    RefuseLogin,
    ReplyText,
    ReplyWith,
    UnknownItem,
)
from mock_server.faults.actions.sending import Corrupt, Cut, Duplicate, Postpone, Stall, Throttle, Truncate
from mock_server.faults.actions.server import ClockSkew, ExpireSession, ForgetToken, Restart

__all__ = [
    "Action",
    "AnyAction",
    "ClockSkew",
    "Close",
    "Corrupt",
    "Cut",
    "Delay",
    "Duplicate",
    "ExpireSession",
    "ExtraFields",
    "ForgetToken",
    "FullDisk",
    "LoseAcknowledgements",
    "LoseCommand",
    "OldTls",
    "Postpone",
    "Refuse",
    "RefuseLogin",
    "ReplyText",
    "ReplyWith",
    "Reset",
    "Restart",
    "Silence",
    "Stall",
    "Throttle",
    "Truncate",
    "UnknownItem",
    "WrongCertificate",
    "WrongSignature",
    "kind_of",
    "kinds",
]

AnyAction = Annotated[
    Silence
    | Close
    | Reset
    | Refuse
    | Delay
    | Throttle
    | Truncate
    | Cut
    | Stall
    | Corrupt
    | Duplicate
    | Postpone
    | ReplyWith
    | ReplyText
    | UnknownItem
    | ExtraFields
    | RefuseLogin
    | LoseCommand
    | FullDisk
    | ExpireSession
    | ForgetToken
    | Restart
    | ClockSkew
    | WrongCertificate
    | OldTls
    | WrongSignature
    | LoseAcknowledgements,
    Field(discriminator="kind"),
]
"""Every action, told apart by ``kind``."""


def kind_of(action: type[Action]) -> str:
    """The kind of an action, which tells it apart from others."""
    return str(action.__dataclass_fields__["kind"].default)  # type: ignore[attr-defined] # each is a dataclass


@functools.cache
def kinds() -> dict[str, type[Action]]:
    """Every action by its kind."""
    actions = typing.get_args(typing.get_args(AnyAction)[0])
    return {kind_of(action): action for action in actions}
