"""One command: flare_client on MockServer against the floor of one connection a command, and against the official pair.

All four run in processes of their own, a server and a client each, and are measured in turn. The floor sends the bytes
of the very command and gets as many bytes back as the command's reply has.
"""

from __future__ import annotations

import contextlib
import datetime
import tempfile
from collections.abc import Iterator
from pathlib import Path

from conformance.lab.jobs import WAITING, write_named
from conformance.lab.provisioning import LabError
from conformance.lab.server import OfficialServer
from conformance.peers import PeerUnavailable
from flare_client import new_secure_session
from flare_client.protocol.envelope import request
from flare_client.protocol.hci.text import encode_text
from tests.benchmarks.figures import Figure, Progress, above, at_most, number_text, ratio
from tests.benchmarks.processes import (
    ADMIN,
    OFFICIAL_VERSION,
    ClientProcess,
    MockServerProcess,
    bare_server,
    mock_server,
    official_client,
    own_client,
)
from tests.benchmarks.programs.bare import BareClient
from tests.benchmarks.timing import Samples, Take, interleaved

MAX_TIMES_FLOOR = 1.5
SESSIONS = 8

_ROUNDS = 30
_CALLS_A_ROUND = 10
_LOAD_ROUNDS = 3
_LOAD_CALLS = 10
"""Commands of each session in a round under load."""
_LOAD_CALLS_OWN = 100
_METHOD = "get_job_meta"


def measure(progress: Progress) -> list[Figure]:
    """Measure one command alone, and commands of several sessions at once."""
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flare-bench-")))
        progress("starting MockServer and the bare server")
        server = stack.enter_context(mock_server(scratch))
        pair = _Pair(stack.enter_context(own_client(scratch)), _submit(server.kit, scratch), server.kit)
        load = _Pair(stack.enter_context(own_client(scratch)), pair.job_id, server.kit, SESSIONS)
        resumed, full = stack.enter_context(_floors(scratch, server, pair.job_id))
        official: tuple[_Pair, _Pair] | str
        try:
            progress(f"starting the official server {OFFICIAL_VERSION}")
            official = stack.enter_context(_official_pairs(scratch))
        except (LabError, PeerUnavailable) as problem:
            official = str(problem)
        sides: dict[str, Take] = {
            "own": lambda: pair.take(_CALLS_A_ROUND),
            "floor": lambda: resumed.time("exchange", count=_CALLS_A_ROUND),
            "full": lambda: full.time("exchange", count=_CALLS_A_ROUND),
        }
        load_sides: dict[str, Take] = {"own": lambda: load.take_together(_LOAD_CALLS_OWN)}
        if not isinstance(official, str):
            alone, together = official
            sides["official"] = lambda: alone.take(_CALLS_A_ROUND)
            load_sides["official"] = lambda: together.take_together(_LOAD_CALLS)
        progress(f"`{_METHOD}`, one session")
        found = interleaved(_ROUNDS, sides)
        progress(f"`{_METHOD}`, {SESSIONS} sessions at once")
        under_load = interleaved(_LOAD_ROUNDS, load_sides)
        reason = official if isinstance(official, str) else ""
        return command_figures(found, reason) + load_figures(under_load, reason)


def command_figures(found: dict[str, Samples], reason: str) -> list[Figure]:
    """The figures of one command alone.

    Args:
        found: ``own``, ``floor``, ``full`` and, if it could be measured, ``official``.
        reason: why there is no ``official``.
    """
    own, floor, full, official = found["own"], found["floor"], found["full"], found.get("official")
    return [
        Figure(f"`{_METHOD}`, flare_client on MockServer", own.median * 1e3, "ms", detail=own.spread("ms")),
        Figure(
            "the same as a multiple of the floor: a bare mutual-TLS connect, resumed as flare_client does, and the "
            "same bytes",
            ratio(own.median, floor.median),
            "×",
            at_most(MAX_TIMES_FLOOR),
            f"floor {floor.spread('ms')}",
        ),
        Figure(
            "for comparison: as a multiple of the floor with a whole handshake each time",
            ratio(own.median, full.median),
            "×",
            detail=f"floor {full.spread('ms')}",
        ),
        Figure(
            f"the official client {OFFICIAL_VERSION} on the official server, as a multiple of flare_client's time",
            ratio(official.median, own.median) if official else None,
            "×",
            above(1),
            official.spread("ms") if official else reason,
        ),
    ]


def load_figures(found: dict[str, Samples], reason: str) -> list[Figure]:
    """The figures of several sessions at once; the times are per command.

    Args:
        found: ``own`` and, if it could be measured, ``official``.
        reason: why there is no ``official``.
    """
    own, official = found["own"], found.get("official")
    return [
        Figure(
            f"commands a second over {SESSIONS} sessions, flare_client on MockServer",
            1 / own.median,
            "1/s",
            detail=f"{len(own.seconds)} runs of {SESSIONS * _LOAD_CALLS_OWN} commands",
        ),
        Figure(
            f"the same as a multiple of the official client {OFFICIAL_VERSION} on the official server",
            ratio(official.median, own.median) if official else None,
            "×",
            above(1),
            f"official: {number_text(1 / official.median)} commands a second "
            f"({len(official.seconds)} runs of {SESSIONS * _LOAD_CALLS} commands)"
            if official
            else reason,
        ),
    ]


class _Pair:
    """A client with open sessions on a server, and a job there."""

    def __init__(self, client: ClientProcess, job_id: str, kit: Path, sessions: int = 1) -> None:
        self.job_id = job_id
        self._client = client
        self._sessions = sessions
        client.open(sessions, user=ADMIN, kit=str(kit))

    def take(self, count: int) -> list[float]:
        return self._client.time(_METHOD, self.job_id, count=count)

    def take_together(self, count: int) -> list[float]:
        """Seconds per command, all sessions at once."""
        return [self._client.together(_METHOD, self.job_id, count=count) / (count * self._sessions)]


def _submit(kit: Path, scratch: Path) -> str:
    """Submit a job that waits for ever, so that its meta stays as it is."""
    with new_secure_session(ADMIN, str(kit)) as session:
        return session.submit_job(str(write_named(scratch / "jobs", WAITING)))


@contextlib.contextmanager
def _official_pairs(scratch: Path) -> Iterator[tuple[_Pair, _Pair]]:
    with (
        OfficialServer(OFFICIAL_VERSION) as server,
        official_client(scratch) as one,
        official_client(scratch) as several,
    ):
        job_id = _submit(server.kit(), scratch)
        yield _Pair(one, job_id, server.kit()), _Pair(several, job_id, server.kit(), SESSIONS)


@contextlib.contextmanager
def _floors(scratch: Path, server: MockServerProcess, job_id: str) -> Iterator[tuple[ClientProcess, ClientProcess]]:
    """Two clients of the bare server: one that resumes its TLS session, one that never does."""
    line, reply_size = _real_bytes(server, job_id)
    with (
        bare_server(scratch, server, len(line), reply_size) as port,
        own_client(scratch, "bare") as resumed,
        own_client(scratch, "bare") as full,
    ):
        for client, resume in ((resumed, True), (full, False)):
            client.open(
                host=server.host, port=port, kit=str(server.kit), request=line, reply_size=reply_size, resume=resume
            )
        yield resumed, full


def _real_bytes(server: MockServerProcess, job_id: str) -> tuple[str, int]:
    """The request of the measured command as flare_client sends it, and the size of the reply."""

    def ask(line: str, token: str | None) -> tuple[str, bytes]:
        message = encode_text(request(line, token, None, str(datetime.datetime.now()))).decode("ascii")  # noqa: DTZ005
        return message, BareClient(server.host, server.admin_port, str(server.kit), message).exchange()

    _, login = ask(f"_cert_login {ADMIN}", None)
    token = login.decode("utf-8").rpartition('"token", "data": "')[2].partition('"')[0]
    message, reply = ask(f"{_METHOD} {job_id}", token)
    if job_id.encode() not in reply:
        raise ValueError(f"expected the meta of the job in the reply, but got {reply!r:.200}")
    return message, len(reply)
