"""Wrong on the wire of CellNet: who is who, from the registration to the goodbye."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from conformance.mutants.base import Wrong, client, factory, mutant
from conformance.mutants.twists import CellTwist, OutFrame, each, twist, twisted
from flare_client.protocol.cellnet import fobs
from flare_client.protocol.cellnet.fobs import Shareable
from flare_client.protocol.cellnet.tokens import AuthHeader

_2_9 = "2.9"


@twist("WIRE-AUTH-01", release=_2_9)
class ChallengesByNumber(CellTwist):
    """It challenges the server by a number."""

    def __init__(self) -> None:
        self.nonce = str(uuid.uuid4().int)


@twist("WIRE-AUTH-02", release=_2_9)
class ChallengesAlwaysTheSame(CellTwist):
    """It challenges the server by the same nonce in every session."""

    nonce = "22222222-2222-4222-8222-222222222222"


@twist("WIRE-AUTH-03", release=_2_9)
class RegistersAsASite(CellTwist):
    """It registers as a client of another type."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "register":
            frame.headers["client_type"] = "regular"
        yield frame


@twist("WIRE-AUTH-04", release=_2_9)
class RegistersWithoutContext(CellTwist):
    """It registers without a peer context."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "register":
            frame = frame.with_payload(fobs.encode(Shareable(fobs.decode(frame.payload).items)))
        yield frame


class _SignsWrong(CellTwist):
    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic == "register":
            content = fobs.decode(frame.payload)
            items = {**content.items, "signature": content.items["signature"][::-1]}
            frame = frame.with_payload(fobs.encode(Shareable(items, content.headers)))
        yield frame


@mutant("WIRE-AUTH-05", release=_2_9)
def signs_wrong_at_first(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It registers with a wrong signature, and again with a good one where that was refused."""
    try:
        return twisted(_SignsWrong)(username, kit, secure=secure, timeout=timeout, **further)
    except client().NoConnection:
        return factory(Wrong)(username, kit, secure=secure, timeout=timeout, **further)


@twist("WIRE-PROOF-01", release=_2_9)
class ForgetsTheServersSession(CellTwist):
    """It leaves the id of the server's session out of its proof."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        frame.headers.pop("ssid", None)
        yield frame


@twist("WIRE-PROOF-02", release=_2_9)
class ProvesTooEarly(CellTwist):
    """It carries a token before it was given one."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        if frame.topic in ("challenge", "register"):
            frame.headers[AuthHeader.TOKEN] = str(uuid.uuid4())
        yield frame


@twist("WIRE-LOGIN-03", release=_2_9, also={"STUDY-*": "its sessions are all in the default study"})
class NamesNoStudy(CellTwist):
    """It logs in without naming a study."""

    def headers(self, headers: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: value for name, value in headers.items() if name != "study"}


@mutant("WIRE-LOGOUT-01", release=_2_9)
def leaves_without_logout(username: str, kit: str, secure: bool = True, timeout: float = 10.0, **further: Any) -> Any:
    """It closes its connection without logging out."""
    session = factory(Wrong)(username, kit, secure=secure, timeout=timeout, **further)
    connection = session._session._connection
    connection.log_out = connection._link.close
    return session


@twist("WIRE-BYE-01", release=_2_9)
class LeavesWithoutGoodbye(CellTwist):
    """It closes its connection without a goodbye."""

    def frames(self, frame: OutFrame) -> Iterable[OutFrame]:
        return () if frame.topic == "bye" else each(frame)
