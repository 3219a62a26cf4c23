"""The attach mode: a contract held still, and a client that is run by hand against it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance import catalogue
from conformance.attach import AttachError, deciding, held
from flare_client import MonitorReturnCode, new_secure_session


def serve(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "conformance.cli", "serve", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_client_finds_what_its_check_would_find_until_it_is_stopped() -> None:
    process = serve("MON-FINISH-02", "--json")
    assert process.stdout is not None
    scene: dict[str, Any] = json.loads(process.stdout.readline())
    assert scene["contract"] == "MON-FINISH-02"
    assert "polls once" in scene["expected"]
    job_id = scene["call"].split("'")[1]
    assert any(job_id in line and "submit_job" in line for line in scene["done"])
    with new_secure_session(scene["user"], scene["kit"]) as session:
        assert session.get_job_meta(job_id)["status"] == "FINISHED:COMPLETED"
        assert session.monitor_job(job_id) is MonitorReturnCode.JOB_FINISHED
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert not Path(scene["kit"]).exists()


def test_an_own_server_is_held_with_what_was_done_to_it() -> None:
    contract = catalogue.find("CMD-TIMEOUT-01")
    with held(contract, "2.9") as scene:
        assert scene.done[-1] == "server.withhold('list_jobs')"
        assert scene.call.endswith(".list_jobs()")
        with new_secure_session(scene.user, str(scene.kit)) as session:
            session.set_timeout(0.3)
            with pytest.raises(ConnectionError):
                session.list_jobs()


def test_any_step_can_be_asked_for() -> None:
    contract = catalogue.find("META-KEYS-01")
    with held(contract, "2.6", step=1) as scene:
        assert scene.done == ()
        assert "new_secure_session" in scene.call
    with (
        pytest.raises(AttachError, match=r"expected a step from 1 to \d of META-KEYS-01, but got 99"),
        held(contract, "2.6", step=99),
    ):
        pass


@pytest.mark.parametrize(
    ("calls", "number"),
    [(("a.x()", "a.close()"), 1), (("a.x()", "server.restart()"), 1), (("a.close()",), 1), (("a.x()", "b.y()"), 2)],
)
def test_the_call_that_decides_is_the_last_real_one(calls: tuple[str, ...], number: int) -> None:
    assert deciding(calls) == number


def test_a_check_that_calls_nothing_cannot_be_held() -> None:
    with pytest.raises(AttachError, match="makes no call"):
        deciding(())


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["NOPE-1"], "no contract 'NOPE-1'"),
        (["MON-TIMEOUT-04", "--release", "2.9"], "holds for the releases 2.3"),
        (["MON-CB-01", "--release", "9.9"], "unknown release"),
        (["META-KEYS-01", "--step", "99"], "expected a step from 1 to"),
        (["META-KEYS-01", "--release", "2.6", "--scheme", "tcp"], "scheme"),
    ],
)
def test_what_cannot_be_set_up_is_exit_code_2(words: list[str], text: str) -> None:
    process = serve(*words)
    _, errors = process.communicate(timeout=100)
    assert process.returncode == 2, errors
    assert text in errors
    assert "Traceback" not in errors
