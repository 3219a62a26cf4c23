"""Wrong on the wire of the socket dialect, a rule each."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterable
from typing import Any

from conformance.mutants.base import MAY
from conformance.mutants.twists import SocketTwist, as_exchange, edited, line_of, twist

_2_6 = "2.6"


def _first(envelope: dict[str, Any]) -> str:
    return str(envelope["data"][0]["data"])


@twist("WIRE-ENV-01", release=_2_6)
class NumbersItsRequests(SocketTwist):
    """It puts a number beside time, data and meta."""

    def edit(self, envelope: dict[str, Any]) -> None:
        envelope["id"] = 1


@twist("WIRE-TIME-01", release=_2_6)
class TellsTheTimeInIso(SocketTwist):
    """It writes the time of a request with a T and a zone."""

    def edit(self, envelope: dict[str, Any]) -> None:
        envelope["time"] = envelope["time"].replace(" ", "T") + "+00:00"


@twist("WIRE-ITEM-01", release=_2_6)
class AddsAnItem(SocketTwist):
    """It adds a text item to a request."""

    def edit(self, envelope: dict[str, Any]) -> None:
        envelope["data"].append({"type": "string", "data": "hello"})


@twist("WIRE-ITEM-02", release=_2_6)
class PutsTheTokenFirst(SocketTwist):
    """It puts the token before the command."""

    def edit(self, envelope: dict[str, Any]) -> None:
        envelope["data"].reverse()


@twist("WIRE-TOKEN-01", release=_2_6)
class LogsInWithAToken(SocketTwist):
    """It logs in with a token from elsewhere."""

    def edit(self, envelope: dict[str, Any]) -> None:
        if _first(envelope).startswith("_cert_login"):
            envelope["data"].append({"type": "token", "data": "0f0e0d0c-0b0a-4908-8706-050403020100"})


@twist("WIRE-TOKEN-02", release=_2_6, also={"*": f"{MAY} it cannot list jobs"})
class ListsWithoutAToken(SocketTwist):
    """It lists jobs without the token."""

    def edit(self, envelope: dict[str, Any]) -> None:
        if _first(envelope).startswith("list_jobs"):
            envelope["data"].pop()


@twist("WIRE-NAME-01", release=_2_6)
class TriesAnotherName(SocketTwist):
    """It tries a command that no server has before it lists jobs."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        if line_of(data) == "list_jobs":
            yield data.replace(b"list_jobs", b"show_jobs")
        yield data


@twist(
    "WIRE-LOGIN-01",
    release=_2_6,
    also={"CONN-TIMEOUT-02": f"{MAY} it logs in twice", "ROBUST-LOGIN-01": "it logs in twice"},
)
class SaysMoreAtTheLogin(SocketTwist):
    """It logs in with a word too many, and again without it where that was refused."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        line = line_of(data)
        if line.startswith("_cert_login"):
            yield data.replace(line.encode(), f"{line} please".encode())
        yield data


@twist("WIRE-LOGIN-02", release=_2_6)
class ListsBeforeItAsks(SocketTwist):
    """It lists jobs before it asks for the commands."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        if line_of(data) == "_commands":
            yield data.replace(b'"_commands"', b'"list_jobs"')
        yield data


@twist("WIRE-META-01", release=_2_6)
class NamesItself(SocketTwist):
    """It says in the meta of a request which client it is."""

    def edit(self, envelope: dict[str, Any]) -> None:
        envelope["meta"]["client"] = "mine"


@twist("WIRE-END-01", release=_2_6)
class EndsNoLine(SocketTwist):
    """It leaves out the end of the line."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        yield data[:-2] + b"\x04" if data.endswith(b"\x03\x04") else data


@twist("WIRE-ASCII-01", release=_2_6)
class EscapesNothing(SocketTwist):
    """It writes characters beyond ASCII as they are."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        note = '"meta": {"custom_props": {"note": "für später"}}'.encode()
        yield data if data[0] == 1 else data.replace(b'"meta": {}', note)


@twist("WIRE-READ-01", release=_2_6)
class SaysHello(SocketTwist):
    """It sends a greeting that is no request before it lists jobs."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        if line_of(data) == "list_jobs":
            yield b"hello\x03\x04"
        yield data


@twist("WIRE-ONE-01", release=_2_6)
class AsksTwiceAtOnce(SocketTwist):
    """It sends a request twice on one connection."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        yield data + data if line_of(data) == "list_jobs" else data


@twist(
    "WIRE-WAIT-01",
    release=_2_6,
    also={
        "ROBUST-DOWN-09": "the fault strikes the file that it does not wait for",
        "WIRE-PULL-01": "the file whose transfer it cut off is asked for again",
    },
)
class HangsUp(SocketTwist):
    """It asks for a file, hangs up before it came, and asks again."""

    def connected(self, transport: Any, data: bytes) -> None:
        if line_of(data).endswith("workspace.zip"):
            with contextlib.closing(transport._connect(5.0)) as channel:
                channel.send(data)


@twist("WIRE-SUBMIT-01", release="2.3", also={"*": f"{MAY} none of its jobs is accepted"})
class SendsNoArchive(SocketTwist):
    """It sends what is no archive in the place of the job."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        yield data.replace(b" UEsDB", b" AAAAA")


@twist("WIRE-SUBMIT-02", release=_2_6)
class SendsEverythingAsExchanges(SocketTwist):
    """It lists jobs by a binary exchange."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        yield as_exchange(data, b"body", zlib.crc32(b"body")) if line_of(data) == "list_jobs" else data


@twist("WIRE-SUBMIT-03", release=_2_6)
class EndsTheLineInAnExchange(SocketTwist):
    """It ends the line of the envelope in a binary exchange."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        if data[0] == 1:
            size = int.from_bytes(data[1:5], "big")
            data = data[:1] + (size + 1).to_bytes(4, "big") + data[5 : 13 + size] + b"\x03" + data[13 + size :]
        yield data


@twist("WIRE-SUBMIT-04", release=_2_6, also={"*": f"{MAY} none of its jobs is accepted"})
class SumsWrong(SocketTwist):
    """It sends a wrong checksum after the body."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        yield data[:-1] + bytes([data[-1] ^ 1]) if data[0] == 1 else data


@twist("WIRE-PULL-01", release=_2_6)
class NeverSaysEnd(SocketTwist):
    """It does not tell the server which file of a download is the last."""

    def requests(self, data: bytes) -> Iterable[bytes]:
        def edit(envelope: dict[str, Any]) -> None:
            if _first(envelope).startswith("download_job_file"):
                envelope["data"][0]["data"] = _first(envelope).removesuffix(" end")

        yield edited(data, edit)
