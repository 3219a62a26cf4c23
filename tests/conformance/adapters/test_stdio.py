"""Programs on stdio: whatever one does wrong is its failure, with a reason, and soon."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.base import ClientError, ClientFailure, ReturnCode
from conformance.adapters.stdio import StdioAdapter, StdioSession

SOON = 5.0
"""Seconds within which a program that hangs must be gone."""
LIMIT = 1.5
"""Seconds that a call may take here; starting Python is part of the first one."""

GOOD = """
import json, sys

def send(**message):
    sys.stdout.write(json.dumps(dict(message, jsonrpc="2.0")) + "\\n")
    sys.stdout.flush()

def invoke(**params):
    send(id="cb", method="callback.invoke", params=params)

for line in sys.stdin:
    request = json.loads(line)
    number, method, params = request["id"], request["method"], request["params"]
    if method == "hello":
        send(id=number, result={"protocol": 1, "features": ["debug"]})
    elif method == "session.open":
        send(id=number, result={"session": "1"})
    elif params.get("method") == "get_system_info":
        send(id=number, result={"$type": "SystemInfo", "job_info": [{"$type": "JobInfo", "job_id": "x"}]})
    else:
        MISBEHAVE
"""


@pytest.fixture
def adapter(tmp_path: Path) -> Callable[[str], StdioAdapter]:
    made: list[StdioAdapter] = []

    def make(misbehave: str) -> StdioAdapter:
        program = tmp_path / "client.py"
        program.write_text(GOOD.replace("MISBEHAVE", misbehave.replace("\n", "\n        ")))
        made.append(StdioAdapter([sys.executable, "-I", "-S", str(program)], "program", LIMIT))
        return made[-1]

    yield make  # type: ignore[misc] # a fixture
    for one in made:
        one.close()


def opened(adapter: StdioAdapter) -> StdioSession:
    return adapter.open("admin", Path("/kit"))


def monitored(adapter: StdioAdapter, callback: Callable[..., Any] = lambda *_, **__: True) -> Any:
    return opened(adapter).monitor("some-id", cb=callback)


def test_results_errors_and_callbacks_come_across(adapter: Callable[[str], StdioAdapter]) -> None:
    program = adapter(
        """
if params["method"] == "monitor_job":
    invoke(same_session=True, job_id="j", job_meta={"status": "RUNNING"}, args=[1, None], kwargs={"key": "x"})
    value = json.loads(sys.stdin.readline())["result"]
    send(id=number, result={"$type": "MonitorReturnCode", "name": "ENDED_BY_CB" if not value else "?", "value": 2})
else:
    send(id=number, error={"code": -1, "message": "gone", "data": {"types": ["JobNotFound", "Exception"]}})
"""
    )
    calls: list[Any] = []
    assert monitored(program, lambda *args, **kwargs: calls.append((args, kwargs))) == ReturnCode("ENDED_BY_CB", 2)
    assert calls == [((True, "j", {"status": "RUNNING"}, 1, None), {"key": "x"})]
    session = opened(program)
    assert session.call("get_system_info") == {"job_info": [{"job_id": "x"}]}
    with pytest.raises(ClientError, match="gone") as caught:
        session.call("get_job_meta", "j")
    assert caught.value.is_a("JobNotFound")
    assert program.features == {"debug"}


@pytest.mark.parametrize(
    ("misbehave", "reason"),
    [
        ("import time; time.sleep(60)", "no answer in 1.5 s"),
        ("while True: invoke(args=[], kwargs={}); sys.stdin.readline()", "no answer in 1.5 s"),
        ("while True: invoke(args=[], kwargs={})", "no answer in 1.5 s"),
        ("sys.exit(3)", "ended"),
        ("sys.stdout.write('{\"jsonrpc'); sys.stdout.flush(); sys.exit()", "expected a line of JSON"),
        ("sys.stdout.write('[' * 200_000 + '\\n'); sys.stdout.flush()", "expected a line of JSON"),
        ("while True: sys.stdout.write('7\\n')", "expected a JSON object"),
        ("send(id=number)", "expected a result or an error"),
        ("send(id=number + 1, result=1)", "expected the answer to"),
        ("send(id='cb', method='callback.invoke', params=[1])", "expected args and kwargs"),
        ("send(id='cb', method='callback.invoke', params={'args': 1})", "expected args and kwargs"),
        ("send(id='x', method='harness.stop', params={})", "expected callback.invoke"),
        ("print('boom: no such thing', file=sys.stderr, flush=True); sys.exit(1)", "boom: no such thing"),
    ],
)
def test_a_program_that_misbehaves_fails_soon_and_says_why(
    adapter: Callable[[str], StdioAdapter], misbehave: str, reason: str
) -> None:
    program = adapter(misbehave)
    opened(program)
    start = time.monotonic()
    with pytest.raises(ClientFailure, match=reason):
        monitored(program)
    assert time.monotonic() - start < SOON


def test_a_program_that_failed_is_started_anew(adapter: Callable[[str], StdioAdapter]) -> None:
    program = adapter("sys.exit(3)")
    for _ in range(2):
        with pytest.raises(ClientFailure):
            opened(program).call("list_jobs")
    assert opened(program).call("get_system_info")["job_info"]


def test_a_program_that_does_not_read_is_given_up(adapter: Callable[[str], StdioAdapter]) -> None:
    program = adapter("import time; time.sleep(60)")
    session = opened(program)
    with pytest.raises(ClientFailure, match="no answer in 1.5 s"):
        session.call("list_jobs", name_prefix="x" * 1_000_000)


def test_the_time_that_a_call_is_given_counts_beside_the_limit(adapter: Callable[[str], StdioAdapter]) -> None:
    program = adapter("import time; time.sleep(1.7); send(id=number, result=1)")
    session = opened(program)
    assert session.monitor("some-id", timeout=5) == 1


@pytest.mark.parametrize("ending", ["", "\nexit 0"])
def test_what_a_wrapper_script_started_ends_with_it(tmp_path: Path, ending: str) -> None:
    note = tmp_path / "pid"
    script = tmp_path / "client.sh"
    wait = "" if ending else "\nwait"
    script.write_text(f"sleep 600 &\necho $! > {note}{wait}{ending}\n")
    adapter = StdioAdapter(["sh", str(script)], "wrapped", LIMIT)
    start = time.monotonic()
    with pytest.raises(ClientFailure):
        adapter.open("admin", Path("/kit"))
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


def test_a_program_ends_when_its_input_does(tmp_path: Path) -> None:
    note = tmp_path / "note"
    program = tmp_path / "client.py"
    program.write_text(GOOD.replace("MISBEHAVE", "pass") + f"\nopen({str(note)!r}, 'w').close()\n")
    adapter = StdioAdapter([sys.executable, "-I", "-S", str(program)], "program", 5.0)
    opened(adapter)
    adapter.close()
    assert note.exists(), "the program was killed instead of told"


def test_a_command_must_be_one() -> None:
    with pytest.raises(ValueError, match="got nothing"):
        StdioAdapter([], "nothing")
    with pytest.raises(ClientFailure, match="cannot start /no/such/program"):
        opened(StdioAdapter(["/no/such/program"], "nowhere"))
