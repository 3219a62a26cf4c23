"""Programs on stdio: what comes across, several requests at a time, and how a program ends."""

from __future__ import annotations

import concurrent.futures
import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.base import CannotStart, ClientError, ClientFailure, ReturnCode
from conformance.adapters.stdio import StdioAdapter, StdioSession, require_release
from conformance.verdicts import Unsuitable
from tests.conformance.adapters.programs import program

SOON = 5.0
"""Seconds within which a program that hangs must be gone."""
LIMIT = 1.5
"""Seconds that a call may take here; starting Python is part of the first one."""
PYTHON = [sys.executable, "-I", "-S"]

THREADED = """
import threading
HELLO["features"].append("threads")
HELLO["features"].append("downloads")
held = []
"""


@pytest.fixture
def adapter(tmp_path: Path) -> Callable[..., StdioAdapter]:
    made: list[StdioAdapter] = []

    def make(call: str = "send(id=number, result=None)", limit: float = LIMIT, **parts: str) -> StdioAdapter:
        made.append(StdioAdapter([*PYTHON, str(program(tmp_path, call, **parts))], "program", limit))
        return made[-1]

    yield make  # type: ignore[misc] # a fixture
    for one in made:
        one.close()


def opened(adapter: StdioAdapter) -> StdioSession:
    return adapter.open("admin", Path("/kit"))


def test_results_errors_and_callbacks_come_across(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter(
        """
if params["method"] == "monitor_job":
    invoke(same_session=True, job_id="j", job_meta={"status": "RUNNING"}, args=[1, None], kwargs={"key": "x"})
    value = json.loads(sys.stdin.readline())["result"]
    send(id=number, result={"$type": "MonitorReturnCode", "name": "ENDED_BY_CB" if not value else "?", "value": 2})
else:
    send(id=number, error={"code": -32000, "message": "gone", "data": {"types": ["JobNotFound", "Exception"]}})
"""
    )
    calls: list[Any] = []
    session = opened(client)
    code = session.monitor("some-id", cb=lambda *args, **kwargs: calls.append((args, kwargs)))
    assert code == ReturnCode("ENDED_BY_CB", 2)
    assert calls == [((True, "j", {"status": "RUNNING"}, 1, None), {"key": "x"})]
    assert session.call("get_system_info") == {"job_info": [{"job_id": "x"}]}
    with pytest.raises(ClientError, match="gone") as caught:
        session.call("get_job_meta", "j")
    assert caught.value.is_a("JobNotFound")
    assert client.features == {"debug", "monitor_callback"}
    assert (client.releases, client.hello.name) == ({"2.6"}, "small")


def test_a_callback_that_raises_tells_the_client_the_class(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter(
        """
invoke(same_session=True, job_id="j", job_meta={}, args=[], kwargs={})
problem = json.loads(sys.stdin.readline())["error"]
send(id=number, error={"code": -32000, "message": problem["message"], "data": problem["data"]})
"""
    )

    def callback(*_: Any) -> Any:
        raise KeyError("what")

    with pytest.raises(ClientError, match="KeyError: 'what'") as caught:
        opened(client).monitor("some-id", cb=callback)
    assert caught.value.is_a("LookupError")


def test_an_answer_before_that_of_the_callback_is_none(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter("invoke(args=[], kwargs={}); send(id=number, result=1)", limit=SOON)
    ended = threading.Event()

    def callback(*_: Any) -> bool:
        # The answer is on its way: whoever reads it ends the program, and that is waited for.
        assert client._live is not None
        while not client._live.conversation.is_over:
            ended.wait(0.01)
        return True

    with pytest.raises(ClientFailure, match="expected no answer before that of its callback"):
        opened(client).monitor("some-id", cb=callback)


# --- what a client does not have -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("feature", "call"),
    [
        ("downloads", lambda session: session.call("download_job_result", "id")),
        ("set_timeout", lambda session: session.call("unset_timeout")),
        ("submit_token", lambda session: session.call("list_jobs", submit_token="t")),
        ("cell_info", lambda session: session.call("get_cell_conn_info", "server")),
    ],
)
def test_what_is_not_claimed_is_not_called(
    adapter: Callable[..., StdioAdapter], feature: str, call: Callable[[StdioSession], Any]
) -> None:
    session = opened(adapter("os._exit(1)"))
    with pytest.raises(Unsuitable, match=rf"needs the feature {feature} .*, which program does not claim"):
        call(session)
    assert session.call("get_system_info"), "the program lives"


@pytest.mark.parametrize(("feature", "options"), [("study", {"study": "x"}), ("insecure", {"secure": False})])
def test_ways_to_open_are_features_too(
    adapter: Callable[..., StdioAdapter], feature: str, options: dict[str, Any]
) -> None:
    with pytest.raises(Unsuitable, match=f"needs the feature {feature}"):
        adapter().open("admin", Path("/kit"), **options)


def test_a_client_that_lies_about_a_feature_is_blamed(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter(
        "send(id=number, error={'code': -32601, 'message': 'no method ' + params['method']})",
        start="HELLO['features'] = ['downloads']",
    )
    with pytest.raises(ClientFailure, match="claims the feature downloads, but download_job_result is answered with"):
        opened(client).call("download_job_result", "id")
    with pytest.raises(ClientError, match="AttributeError: no method list_jobs"):
        opened(client).call("list_jobs")


def test_a_release_that_is_not_listed_is_no_run(adapter: Callable[..., StdioAdapter]) -> None:
    require_release(adapter(), "2.6")
    with pytest.raises(ValueError, match=r"program speaks releases 2\.6, but the run is of release 2\.9"):
        require_release(adapter(), "2.9")
    require_release(adapter(start="sys.exit(1)"), "2.9")  # its contracts will say so


# --- several requests at a time --------------------------------------------------------------------------------------


def test_answers_of_a_client_with_threads_may_come_in_any_order(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter(
        """
held.append((number, params["args"][0]))
if len(held) == 8:
    for one, argument in reversed(held):
        send(id=one, result=argument)
""",
        limit=SOON,
        start=THREADED,
    )
    session = opened(client)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda n: session.call("get_job_meta", n), range(8))) == list(range(8))


def test_callbacks_of_two_calls_do_not_mix(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter(
        """
def monitor(number, job_id):
    params = {"call": number, "same_session": True, "job_id": job_id, "job_meta": {}, "args": [], "kwargs": {}}
    send(id="cb-" + job_id, method="callback.invoke", params=params)
held.append((number, params["args"][0]))
if len(held) == 2:
    for one in held:
        monitor(*one)
    for _ in held:
        reply = json.loads(sys.stdin.readline())
        call = next(one for one, job_id in held if reply["id"] == "cb-" + job_id)
        send(id=call, result=reply["result"])
""",
        limit=SOON,
        start=THREADED,
    )
    session = opened(client)
    both = threading.Barrier(2, timeout=SOON)

    def callback(_same: Any, job_id: str, _meta: Any) -> str:
        both.wait()
        return f"{threading.current_thread().name} {job_id}"

    def monitor(job_id: str) -> tuple[str, str]:
        return f"{threading.current_thread().name} {job_id}", session.monitor(job_id, cb=callback)

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for expected, came in pool.map(monitor, ["a", "b"]):
            assert came == expected


def test_a_failure_ends_every_open_request_with_its_reason(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter("held.append(number)\nif len(held) == 4: write('garbage\\n')", limit=SOON, start=THREADED)
    session = opened(client)

    def ask(_: int) -> str:
        with pytest.raises(ClientFailure) as caught:
            session.call("get_job_meta", "x")
        return str(caught.value)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert all("expected a line of JSON" in reason for reason in pool.map(ask, range(4)))


def test_a_client_without_threads_is_never_asked_two_things_at_once(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter(
        """
invoke(same_session=True, job_id="j", job_meta={}, args=[], kwargs={})
json.loads(sys.stdin.readline())
send(id=number, result=1)
"""
    )
    session = opened(client)
    with pytest.raises(Unsuitable, match="needs the feature threads"):
        session.monitor("j", cb=lambda *_: session.call("get_system_info"))
    assert session.call("get_system_info")


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_the_time_that_a_call_is_given_counts_beside_the_limit(adapter: Callable[..., StdioAdapter]) -> None:
    session = opened(adapter("time.sleep(1.7); send(id=number, result=1)"))
    assert session.monitor("some-id", timeout=5) == 1


def test_a_program_that_does_not_read_is_given_up(adapter: Callable[..., StdioAdapter]) -> None:
    session = opened(adapter("time.sleep(60)"))
    with pytest.raises(ClientFailure, match=r"no answer in 1.5 s"):
        session.call("list_jobs", name_prefix="x" * 1_000_000)


def test_a_daemon_that_holds_the_pipes_keeps_nobody_waiting(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter("if os.fork() == 0: os.setsid(); time.sleep(30); os._exit(0)\nelse: time.sleep(60)")
    session = opened(client)
    start = time.monotonic()
    with pytest.raises(ClientFailure, match=r"no answer in 1.5 s"):
        session.call("list_jobs", name_prefix="x" * 1_000_000)
    assert time.monotonic() - start < 25, "nobody waits for the daemon"


def test_a_call_that_hangs_can_be_interrupted(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter("time.sleep(60)", limit=60.0)
    session = opened(client)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(session.call, "list_jobs")
        assert client.interrupt()
        with pytest.raises(ClientFailure, match="the harness gave it up"):
            hanging.result(SOON)
    assert opened(client).call("get_system_info"), "the next one gets a fresh program"


def test_another_is_a_process_of_its_own(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter("send(id=number, result=os.getpid())", limit=SOON)
    with contextlib.closing(client.another()) as other:
        assert opened(client).call("list_jobs") != opened(other).call("list_jobs")


def test_sessions_of_a_program_that_failed_are_over(adapter: Callable[..., StdioAdapter]) -> None:
    client = adapter("sys.exit(3)")
    session = opened(client)
    for _ in range(2):
        with pytest.raises(ClientFailure, match="list_jobs: the client program ended"):
            session.call("list_jobs")
    assert opened(client).call("get_system_info")["job_info"]


@pytest.mark.parametrize("ending", ["", "\nexit 0"])
def test_what_a_wrapper_script_started_ends_with_it(tmp_path: Path, ending: str) -> None:
    note = tmp_path / "pid"
    script = tmp_path / "client.sh"
    wait = "" if ending else "\nwait"
    script.write_text(f"sleep 600 &\necho $! > {note}{wait}{ending}\n")
    adapter = StdioAdapter(["sh", str(script)], "wrapped", LIMIT)
    start = time.monotonic()
    with pytest.raises(ClientFailure):
        opened(adapter)
    assert time.monotonic() - start < SOON
    assert not _runs(int(note.read_text()))


def _runs(pid: int) -> bool:
    """Whether a process is there within a moment; what was killed is a zombie until its parent looks."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
            if " Z " in Path(f"/proc/{pid}/stat").read_text():
                return False
        except (ProcessLookupError, FileNotFoundError):
            return False
    return True


def test_a_program_ends_when_its_input_does(adapter: Callable[..., StdioAdapter], tmp_path: Path) -> None:
    note = tmp_path / "note"
    client = adapter(limit=SOON, end=f"open({str(note)!r}, 'w').close()")
    opened(client)
    client.close()
    assert note.exists(), "the program was killed instead of told"


def test_a_program_that_ignores_the_end_of_its_input_is_killed(
    adapter: Callable[..., StdioAdapter], tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    client = adapter(limit=SOON, end=f"open({str(note)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    opened(client)
    client.close()
    assert not _runs(int(note.read_text()))


def test_a_command_must_be_one() -> None:
    with pytest.raises(ValueError, match="got nothing"):
        StdioAdapter([], "nothing")
    with pytest.raises(CannotStart, match="cannot start /no/such/program"):
        opened(StdioAdapter(["/no/such/program"], "nowhere"))
