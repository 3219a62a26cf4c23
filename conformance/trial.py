"""What a check works with: a client, a server, jobs with names of their own, and properties."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import hypothesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Flaky
from hypothesis.strategies import SearchStrategy

from conformance.adapters.base import Adapter, ClientError, ClientSession
from conformance.jobs import JobKind, write_job
from conformance.needs import Need
from conformance.recording import RecordingAdapter, RecordingServer, Watch
from conformance.script import Script
from conformance.seeds import Names, derived, only_given_constants
from conformance.targets import ControlledServer, Target, redirected_kit
from conformance.verdicts import TooLate, Unsuitable, Violation

FINISHED = "FINISHED"
_SESSION_SECONDS = 15.0
DISPATCHED = "DISPATCHED"


class Trial:
    """One run of contracts: one client, one server.

    Args:
        adapter: the client under test.
        target: the server under test.
        seed: makes properties draw the same examples again, and jobs have the same names.
        effort: how many examples are tried, as a multiple of the usual number.
        watch: is told of each call to the client before it is made.
    """

    def __init__(
        self, adapter: Adapter, target: Target, seed: int, effort: float = 1.0, watch: Watch | None = None
    ) -> None:
        self.script = Script()
        self.adapter = RecordingAdapter(adapter, self.script, watch)
        self.target = target
        self._run_seed = seed
        self._effort = effort
        self.begin("")
        self._scratch = Path(tempfile.mkdtemp(prefix="flare-conformance-"))
        self._numbers = itertools.count(1)
        self._session: ClientSession | None = None
        self._left: list[str] = []

    @property
    def release(self) -> str:
        """The release of the server."""
        return self.target.release

    def begin(self, contract_id: str, attempt: int = 0) -> None:
        """Begin a contract: what is drawn from now on depends on the seed of the run and on this contract alone.

        Args:
            contract_id: the id of the contract.
            attempt: how often it was checked before in this run. Examples are the same again, names of jobs are not:
                the server may still know those of the last time.
        """
        self.seed = derived(self._run_seed, contract_id)
        self.names = Names(derived(self._run_seed, contract_id, "names", str(attempt)))
        self.target.begin(derived(self._run_seed, contract_id, "ids", str(attempt)))
        self.adapter.begin()
        self._uses_session = False

    def close(self) -> None:
        """Remove what the checks made."""
        self.forget_session()
        shutil.rmtree(self._scratch, ignore_errors=True)

    # --- sessions ---------------------------------------------------------------------------------------------

    @property
    def session(self) -> ClientSession:
        """A session of the project admin that checks share; whoever breaks it calls ``forget_session``."""
        if not self._uses_session:
            # Whether it is open already depends on what ran before; the script of a contract does not.
            self._uses_session = True
            self.adapter.note_open("session", self.target.user, self.target.kit(), True, {"timeout": _SESSION_SECONDS})
        if self._session is None:
            self._session = self.adapter.open_unnoted(
                "session", self.target.user, self.target.kit(), timeout=_SESSION_SECONDS
            )
        return self._session

    def forget_session(self) -> None:
        """Close the shared session; the next check gets another one."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(Exception):  # a client that failed may be gone altogether
                session.close()

    @contextlib.contextmanager
    def own_session(self) -> Iterator[ClientSession]:
        """A session of the project admin that the check may break."""
        session = self.adapter.open(self.target.user, self.target.kit(), timeout=_SESSION_SECONDS)
        try:
            yield session
        finally:
            with contextlib.suppress(ClientError):
                session.close()

    @contextlib.contextmanager
    def own_server(self, scenario: dict[str, Any] | None = None, *, secure: bool = True) -> Iterator[ControlledServer]:
        """A server that the check may break."""
        with self.target.own_server(scenario, secure=secure) as server:
            recording: Any = RecordingServer(server, self.adapter.note)
            yield recording

    @property
    def shared(self) -> ControlledServer:
        """The server that checks share, to make things go wrong for a moment.

        Raises:
            Unsuitable: the target gives no control.
        """
        return cast("ControlledServer", RecordingServer(self.target.shared, self.adapter.note))

    def redirected_kit(self, kit: Path, port: int) -> Path:
        """A copy of a kit that names another admin port; it is removed at the end, with the key in it."""
        return redirected_kit(kit, port, self._scratch / str(next(self._numbers)))

    def copied_kit(self, kit: Path) -> Path:
        """A copy of a kit, to break something in; it is removed at the end, with the key in it."""
        return Path(shutil.copytree(kit, self._scratch / str(next(self._numbers)) / kit.name))

    def kit_of_a_gone_server(self) -> tuple[Path, int]:
        """A kit as its server wrote it, and the port of that server, which is gone.

        Some releases notice a kit that was changed to name another port.
        """
        with self.own_server() as server:
            return self.copied_kit(server.kit()), server.admin_port

    # --- jobs -------------------------------------------------------------------------------------------------

    def name(self, kind: JobKind, tail: str = "") -> str:
        """A name that no other job has."""
        return f"{kind.value}-{self.names.word()}{tail}"

    def folder(
        self, kind: JobKind = JobKind.WAITING, name: str | None = None, meta: dict[str, Any] | None = None
    ) -> Path:
        """Write a job definition."""
        return write_job(self._scratch / str(next(self._numbers)), name or self.name(kind), kind, meta)

    def empty_folder(self) -> Path:
        """A path for files of the check; nothing is there yet."""
        return self._scratch / str(next(self._numbers))

    def submit_folder(self, folder: Path) -> str:
        """Submit a job definition that was written before."""
        job_id = self.session.call("submit_job", str(folder))
        if not isinstance(job_id, str) or not job_id:
            raise Violation("submit_job to return a job id", repr(job_id))
        self.adopt(job_id)
        return job_id

    def submit(self, kind: JobKind = JobKind.WAITING, name: str | None = None) -> str:
        """Submit a job."""
        return self.submit_folder(self.folder(kind, name))

    def adopt(self, job_id: str) -> None:
        """Take a job among those that are cleaned up after the check."""
        self._left.append(job_id)

    def meta(self, job_id: str) -> dict[str, Any]:
        """The meta of a job."""
        meta = self.session.call("get_job_meta", job_id)
        if not isinstance(meta, dict):
            raise Violation("get_job_meta to return a dict", repr(meta))
        return meta

    def status(self, job_id: str) -> str:
        """The status of a job."""
        return str(self.meta(job_id).get("status"))

    def running(self) -> str:
        """A job that runs."""
        job_id = self.submit(JobKind.LONG)
        self.until(job_id, "RUNNING")
        return job_id

    def finished(self) -> str:
        """A job that is over."""
        job_id = self.submit(JobKind.QUICK)
        self.until(job_id, FINISHED)
        return job_id

    def until(self, job_id: str, status: str) -> None:
        """Wait until the status of a job begins so.

        Raises:
            Unsuitable: the server does not get there.
        """
        deadline = time.monotonic() + self.target.patience
        while not (seen := self.status(job_id)).startswith(status):
            if time.monotonic() > deadline or seen.startswith(FINISHED):
                raise Unsuitable(f"the server did not bring job {job_id} to {status}: it is {seen}")
            time.sleep(self.target.poll_interval)

    def clean_up(self) -> None:
        """Abort and delete the jobs of a check, so that a real server is not full of them."""
        jobs, self._left = self._left, []
        for job_id in jobs:
            self._let_start(job_id)
            for method in ("abort_job", "delete_job"):
                with contextlib.suppress(ClientError):
                    self.session.call(method, job_id)

    def _let_start(self, job_id: str) -> None:
        """Let a real server finish what it begins with a job.

        One of 2.3.12 starts no job ever again once a job was deleted that was just being dispatched.
        """
        if Need.CONTROL in self.target.provides:
            return
        deadline = time.monotonic() + self.target.patience
        with contextlib.suppress(ClientError):
            while self.status(job_id) == DISPATCHED and time.monotonic() < deadline:
                time.sleep(self.target.poll_interval)

    # --- claims -----------------------------------------------------------------------------------------------

    def raises(
        self, names: tuple[str, ...], what: str, function: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> ClientError:
        """Demand that a call raises an exception of one of the classes.

        Args:
            names: the names of the classes.
            what: the call in words.
            function: the function to call.
            *args: its arguments.
            **kwargs: likewise.

        Raises:
            Violation: it returns, or raises another one.
        """
        try:
            result = function(*args, **kwargs)
        except ClientError as problem:
            if problem.is_a(*names):
                return problem
            raise Violation(f"{what} to raise {' or '.join(names)}", str(problem)) from problem
        raise Violation(f"{what} to raise {' or '.join(names)}", f"it to return {result!r:.200}")

    def forall(
        self,
        check: Callable[..., None],
        *,
        examples: int | None = None,
        always: Sequence[Mapping[str, Any]] = (),
        **strategies: SearchStrategy[Any],
    ) -> None:
        """Check a property on examples; a failure is shrunk to the smallest one that still fails.

        Args:
            check: takes the values of an example.
            examples: how many to draw; what suits the target by default.
            always: examples that are tried first in every run, whatever the seed: the smallest ones that tell a client
                apart which is wrong in just this point.
            **strategies: where the values come from.

        Raises:
            Violation: an example breaks it; the text ends with that example.
        """
        last: dict[str, Any] = {}
        broken: list[Violation | ClientError] = []
        final: list[Exception] = []

        def example(**values: Any) -> None:
            if final:
                raise final[0]
            last.clear()
            last.update(values)
            self.script.begin_example()
            try:
                check(**values)
            except TooLate as problem:
                # Shown to be late several times by now; waiting for a smaller example would take for ever.
                broken.append(problem)
                final.append(problem)
                raise
            except (Violation, ClientError) as problem:
                broken.append(problem)
                raise
            except Exception as problem:
                # Not a matter of the example: a client that hangs must not be asked again to find a smaller one.
                final.append(problem)
                raise

        quiet = settings(
            max_examples=self.examples(examples),
            deadline=None,
            database=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
            verbosity=hypothesis.Verbosity.quiet,
        )
        tried = quiet(hypothesis.seed(self.seed)(_first(always, given(**strategies)(example))))
        try:
            with only_given_constants():
                tried()
        except (Violation, ClientError) as problem:
            if isinstance(problem, Violation) and problem.script:
                raise  # the check says itself how it came to it
            raise _of_example(problem, last) from problem
        except Flaky as problem:
            # It failed, and the same example did not when it was tried again to be shown.
            if not broken:
                raise
            raise _of_example(broken[-1], last, "; not every time") from problem

    def examples(self, asked: int | None = None) -> int:
        """How many examples of a property to try.

        Args:
            asked: how many the check thinks fit where nothing is said about the effort; what suits the target by
                default.
        """
        return max(1, round(self._effort * min(asked or self.target.examples, self.target.examples)))


def _first(always: Sequence[Mapping[str, Any]], drawn: Callable[[], None]) -> Callable[[], None]:
    for values in reversed(always):
        drawn = hypothesis.example(**values)(drawn)
    return drawn


def _of_example(problem: Violation | ClientError, values: dict[str, Any], remark: str = "") -> Violation:
    """What an example broke, with the example."""
    script = tuple(f"{name} = {value!r}" for name, value in values.items())
    expected = problem.expected if isinstance(problem, Violation) else "no exception"
    observed = problem.observed if isinstance(problem, Violation) else str(problem)
    smallest = ", ".join(line.replace(" = ", "=", 1) for line in script)
    kind = TooLate if isinstance(problem, TooLate) else Violation
    return kind(expected, f"{observed} (smallest example: {smallest}{remark})", script)
