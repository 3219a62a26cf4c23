"""A store of 20,000 jobs against one of 20: what looking costs must not grow with what is stored.

The bound is on the server's own work, from the request to the answer: the two stores are asked in turn, in one thread,
without a network. (Each in a thread of its own would compare cores as well.) The same calls through flare_client and a
socket stand beside it.
"""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from flare_client import Session, new_secure_session
from flare_client.protocol.hci.text import encode_text
from flare_client.protocol.jobs import JobMetaKey
from mock_server import MockServer
from mock_server.answers import Reply
from mock_server.commands.dispatch import answer
from mock_server.context import Peer, Request, ServerContext
from mock_server.jobs.store import Submitter
from tests.benchmarks.figures import Figure, Progress, at_most, ratio
from tests.benchmarks.processes import ADMIN, RELEASE
from tests.benchmarks.timing import Samples, Take, interleaved
from tests.support import write_job

FEW = 20
MANY = 20_000
MAX_RATIO = 2

_ROUNDS = 30
_CALLS_A_ROUND = 10
_WIRE_CALLS_A_ROUND = 3
_BATCH = 500
_LIST = "list_jobs -m 20"
_LIST_DETAILED = "list_jobs -d -m 20"


def measure(progress: Progress) -> list[Figure]:
    """Measure both stores, on the server's loop and through a client."""
    # Every job is over at once: what is measured is looking at a store, not the life of jobs.
    scenario = {"jobs": [{"queued": 0, "running": 0}]}
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flare-bench-")))
        few, many = (stack.enter_context(MockServer(RELEASE, scenario=scenario)) for _ in range(2))
        few_session, many_session = (stack.enter_context(_session(server)) for server in (few, many))
        few_id = fill(few, few_session, write_job(scratch), FEW)
        progress(f"filling a store with {MANY:,} jobs")
        started = time.perf_counter()
        many_id = fill(many, many_session, write_job(scratch), MANY)
        progress(f"that took {time.perf_counter() - started:.1f} s; asking both stores in turn")
        figures = []
        for name, few_line, many_line in (
            ("list_jobs(limit=20)", _LIST, _LIST),
            ("list_jobs(limit=20, detailed=True)", _LIST_DETAILED, _LIST_DETAILED),
            ("get_job_meta", f"get_job_meta {few_id}", f"get_job_meta {many_id}"),
        ):
            found = asked_in_turn(few, few_line, many, many_line)
            figures.append(
                growth_figure(f"{name}: the server's work with {MANY:,} jobs", found["few"], found["many"], bound=True)
            )
        return figures + _over_the_wire(few_session, few_id, many_session, many_id)


def growth_figure(name: str, few: Samples, many: Samples, *, bound: bool) -> Figure:
    """The figure of a call: how many times longer it takes with many jobs."""
    return Figure(
        f"{name}, as a multiple of {FEW} jobs",
        ratio(many.median, few.median),
        "×",
        at_most(MAX_RATIO) if bound else None,
        f"{MANY:,} jobs: {many.spread('µs')}; {FEW} jobs: {few.spread('µs')}",
    )


@contextlib.contextmanager
def _session(server: MockServer) -> Iterator[Session]:
    with new_secure_session(ADMIN, str(server.kit(ADMIN))) as session:
        yield session


def fill(server: MockServer, session: Session, job: Path, count: int) -> str:
    """Put so many jobs into the store of a server, and return the id of one in its middle.

    One is submitted, the others are clones that the engine makes of it as it does for the command.
    """
    source_id = session.submit_job(str(job))
    submitter = Submitter(ADMIN, "nvidia", "project_admin")

    def clone(number: int) -> Callable[[ServerContext], str]:
        def work(context: ServerContext) -> str:
            source = context.engine.get(source_id)
            if source is None:
                raise LookupError(f"expected the job {source_id} that was just submitted")
            made = [context.engine.clone(source, submitter).job_id for _ in range(number)]
            return made[len(made) // 2] if made else source_id

        return work

    left = count - 1
    ids: list[str] = []
    while left > 0:
        ids.append(server.call(clone(min(left, _BATCH))))
        left -= _BATCH
    stored = server.call(lambda context: len(context.engine))
    if stored != count:
        raise AssertionError(f"expected {count} jobs in the store, but there are {stored}")
    return ids[len(ids) // 2]


def asked_in_turn(few: MockServer, few_line: str, many: MockServer, many_line: str) -> dict[str, Samples]:
    """Have two servers answer a command line in turn, down to the bytes of the reply.

    Both are asked on the loop of the first: the state of the second is nobody else's meanwhile, for its loop has
    nothing to do.
    """
    few_work, many_work = asking(few, few_line), asking(many, many_line)
    many_context = many.call(lambda context: context)

    def work(context: ServerContext) -> dict[str, Samples]:
        return interleaved(_ROUNDS, {"few": lambda: few_work(context), "many": lambda: many_work(many_context)})

    return few.call(work)


def asking(server: MockServer, line: str) -> Callable[[ServerContext], list[float]]:
    """Return what asks a server's state to answer a command line a few times, and returns the seconds of each."""
    token = server.call(lambda context: context.sessions.open(ADMIN, "nvidia", "project_admin").token)
    request = Request(line, token, {}, Peer(ADMIN, "nvidia", "project_admin"))

    def work(context: ServerContext) -> list[float]:
        seconds = []
        for _ in range(_CALLS_A_ROUND):
            started = time.perf_counter()
            reply = answer(context, request)
            if not isinstance(reply, Reply):
                raise TypeError(f"expected a text reply to {line!r}, but got {reply!r}")
            encode_text(reply.envelope(""))
            seconds.append(time.perf_counter() - started)
            if JobMetaKey.JOB_ID.value not in str(reply.meta):
                raise ValueError(f"expected jobs in the reply to {line!r}, but its meta is {reply.meta}")
        return seconds

    return work


def _over_the_wire(few: Session, few_id: str, many: Session, many_id: str) -> list[Figure]:
    def repeated(work: Callable[[], object]) -> Take:
        def take() -> Sequence[float]:
            seconds = []
            for _ in range(_WIRE_CALLS_A_ROUND):
                started = time.perf_counter()
                work()
                seconds.append(time.perf_counter() - started)
            return seconds

        return take

    pairs = {
        "list_jobs(limit=20)": (lambda: few.list_jobs(limit=20), lambda: many.list_jobs(limit=20)),
        "get_job_meta": (lambda: few.get_job_meta(few_id), lambda: many.get_job_meta(many_id)),
    }
    figures = []
    for name, (of_few, of_many) in pairs.items():
        found = interleaved(_ROUNDS, {"few": repeated(of_few), "many": repeated(of_many)})
        figures.append(growth_figure(f"{name}: the same over the wire", found["few"], found["many"], bound=False))
    return figures
