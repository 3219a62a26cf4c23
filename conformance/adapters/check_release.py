"""The points of ``adapter check`` that need a server: everything of a session, once, on a mock of one release."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from conformance.adapters import messages
from conformance.adapters.base import ClientError, ReturnCode
from conformance.adapters.stdio import StdioAdapter, StdioSession
from conformance.contract import FROM_28, RELEASES, SOCKET_RELEASES
from conformance.jobs import JobKind, write_job
from conformance.targets import MockTarget

Point = Callable[[str, str], contextlib.AbstractContextManager[None]]
"""Makes the frame of a point out of its name and what is expected; what is raised inside is what came."""


_UNUSED = "never-used"


class Wrong(Exception):
    """A point is wrong: the text says what came."""


class ReleaseCheck:
    """Uses a client program on a mock server of one release."""

    def __init__(
        self,
        line: str,
        target: MockTarget,
        adapter: StdioAdapter,
        scratch: Path,
        point: Point,
    ) -> None:
        self._line = line
        self._target = target
        self._adapter = adapter
        self._scratch = scratch
        self._at = point

    def run(self) -> None:
        """Use everything once."""
        opened: list[StdioSession] = []
        with self._point("session.open", "a session on a server of that release"):
            opened.append(self._open())
        for session in opened:
            self._opening()
            self._jobs(session)
            self._monitoring(session)
            self._exceptions(session)
            self._additions(session)
            self._closing(session)

    def _point(self, point: str, expected: str) -> contextlib.AbstractContextManager[None]:
        return self._at(f"{self._line}: {point}", expected)

    def _open(self, **further: Any) -> StdioSession:
        return self._adapter.open(self._target.user, self._target.kit(), timeout=15.0, **further)

    @contextlib.contextmanager
    def _insecure_kit(self) -> Iterator[Path]:
        if self._line in SOCKET_RELEASES:
            with self._target.own_server(secure=False) as server:
                yield server.kit()
        else:
            # The kit says how the connection is protected; insecure is only that the certificate names the user.
            yield self._target.kit()

    def _opening(self) -> None:
        with self._point("debug", "a session with debug=True"):
            self._open(debug=True).call("close")
        with self._point("insecure", "a session with secure=False"), self._insecure_kit() as kit:
            self._adapter.open("", kit, secure=False, timeout=15.0).call("close")
        with self._point("two sessions", "a name for each, and calls that do not mix"):
            one, two = self._open(), self._open()
            one.call("close")
            _is(two.call("list_jobs", limit=1), list, "a list of jobs from the second session")
            two.call("close")

    def _jobs(self, session: StdioSession) -> None:
        folder = write_job(self._scratch, "waiting-check", JobKind.WAITING)
        job_id = ""
        with self._point("submit_job", "the id of a new job, a text"):
            job_id = _is(session.call("submit_job", str(folder)), str, "a text")
        with self._point("get_job_meta", "the meta of the job, an object with its job_id"):
            meta = _is(session.call("get_job_meta", job_id), dict, "an object")
            _equal(meta.get("job_id"), job_id, "its job_id")
        with self._point("list_jobs", "a list of objects, arguments by name and by place"):
            for found in (
                session.call("list_jobs", False, None, None, folder.name),
                session.call("list_jobs", limit=1),
            ):
                _equal(len(_is(found, list, "a list of jobs")), 1, "the number of jobs")
                _equal(_is(found[0], dict, "an object").get("job_id"), job_id, "the job_id in it")
        with self._point("clone_job", "the id of another job, a text"):
            clone = _is(session.call("clone_job", job_id), str, "a text")
            if clone == job_id:
                raise Wrong("the id of the old job")
        with self._point("abort_job", "null, or from release 2.7 on what the server says"):
            _is(session.call("abort_job", job_id), (str, type(None)), "a text or null")
        with self._point("download_job_result", "the path of a folder"):
            place = _is(session.call("download_job_result", job_id), str, "a text")
            if not Path(place).is_dir():
                raise Wrong(f"{place!r:.200}, where there is no folder")
        with self._point("delete_job", "null, or from release 2.8 on an object"):
            _is(session.call("delete_job", job_id), (dict, type(None)), "an object or null")
        with self._point("get_system_info", "an object with server_info, client_info and job_info"):
            info = _is(session.call("get_system_info"), dict, "an object")
            for key, kind in (("server_info", dict), ("client_info", list), ("job_info", list)):
                _is(info.get(key), kind, f"{kind.__name__} as {key}")
        with self._point("try_connect", "null on a session that is connected"):
            _equal(session.call("try_connect", 5.0), None, "the result")
        with self._point("set_timeout", "null, and null from unset_timeout"):
            _equal((session.call("set_timeout", 10.0), session.call("unset_timeout")), (None, None), "the results")

    def _monitoring(self, session: StdioSession) -> None:
        job_id = ""
        with self._point("monitor_job", "a MonitorReturnCode: TIMEOUT, 1"):
            job_id = session.call("submit_job", str(write_job(self._scratch, "waiting-watched", JobKind.WAITING)))
            code = session.monitor(job_id, timeout=0.1, poll_interval=0.05)
            _equal(code, ReturnCode("TIMEOUT", 1), "the code")
        calls: list[tuple[tuple[Any, ...], dict[str, Any]]] = []

        def callback(*args: Any, **kwargs: Any) -> bool:
            calls.append((args, kwargs))
            return len(calls) < 2

        with self._point("callbacks", "callback.invoke with the arguments given, twice, then ENDED_BY_CB, 2"):
            code = session.monitor(job_id, 0.0, 0.02, "one", 2, cb=callback, key=None)
            _equal(code, ReturnCode("ENDED_BY_CB", 2), "the code")
            _equal(len(calls), 2, "the number of callbacks")
            (same, called_id, meta, *rest), kwargs = calls[0]
            _equal((same, called_id), (True, job_id), "same_session and job_id")
            _equal(_is(meta, dict, "an object as job_meta").get("job_id"), job_id, "the job_id in it")
            _equal((rest, kwargs), (["one", 2], {"key": None}), "args and kwargs")

        def raises(*_: Any) -> bool:
            raise LookupError("what the callback raised")

        with self._point("an error in a callback", "the error of monitor_job to name LookupError among its types"):
            _raises("LookupError", session.monitor, job_id, poll_interval=0.02, cb=raises)
        inside: list[Any] = []

        def asks(*_: Any) -> bool:
            inside.append(session.call("list_jobs", limit=1))
            return False

        with self._point("threads", "list_jobs to be answered while monitor_job waits for its callback"):
            _equal(session.monitor(job_id, poll_interval=0.02, cb=asks), ReturnCode("ENDED_BY_CB", 2), "the code")
            _equal([type(found) for found in inside], [list], "what list_jobs returned, once")
        with self._point("a sample callback", "value true, and the counter one higher"):
            _equal(self._adapter.basic_cb("RUNNING", 3), (True, 4), "value and count")

    def _exceptions(self, session: StdioSession) -> None:
        for method, arguments, name in (
            ("get_job_meta", ("no-such-job",), "JobNotFound"),
            ("submit_job", ("/no/such/folder",), "InvalidJobDefinition"),
            ("list_jobs", ("yes",), "ValueError"),
        ):
            with self._point(f"{name} from {method}", f"error {messages.CLIENT_RAISED} with {name} among its types"):
                _raises(name, session.call, method, *arguments)
        with self._point("no kit", "AssertionError among the types of the error"):
            _raises("AssertionError", self._adapter.open, self._target.user, Path("/no/such/kit"))
        with self._point("a method of no session", f"error {messages.METHOD_NOT_FOUND}"):
            _raises("AttributeError", session.call, "no_such_method")

    def _additions(self, session: StdioSession) -> None:
        """What some releases alone have."""
        if self._line == RELEASES[0]:
            with self._point("get_cell_conn_info", "what the server tells of its cell"):
                if session.call("get_cell_conn_info", "server") is None:
                    raise Wrong("null")
        if self._line in FROM_28:
            with self._point("submit_token", "an empty list for a token that was never used"):
                _equal(session.call("list_jobs", submit_token=_UNUSED), [], "the jobs")
            with self._point("study", "a session in the study default"):
                self._open(study="default").call("close")

    def _closing(self, session: StdioSession) -> None:
        with self._point("close", "null, SessionClosed from every later call, null again"):
            _equal(session.call("close"), None, "the result")
            _raises("SessionClosed", session.call, "list_jobs")
            _equal(session.call("close"), None, "the second result")


def _is(value: Any, kind: type | tuple[type, ...], words: str) -> Any:
    if not isinstance(value, kind):
        raise Wrong(f"expected {words}, but got {value!r:.200}")
    return value


def _equal(value: Any, expected: Any, words: str) -> None:
    if value != expected:
        raise Wrong(f"expected {words} to be {expected!r}, but got {value!r:.200}")


def _raises(name: str, call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    try:
        value = call(*args, **kwargs)
    except ClientError as problem:
        if not problem.is_a(name):
            raise Wrong(f"an error of types {', '.join(problem.types)}: {problem.text:.200}") from problem
    else:
        raise Wrong(f"no error, but the result {value!r:.200}")
