"""``flare-conformance adapter check``: what an implementer is told, and the exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conformance.adapters.check import Finding, State, check
from tests.conformance.adapters.programs import program, reference_program

PYTHON = [sys.executable, "-I", "-S"]
LIMIT = 3.0


def findings(path: Path) -> dict[str, Finding]:
    return {finding.point: finding for finding in check([*PYTHON, str(path)], lambda _: None, LIMIT).findings}


def run(command: str, *words: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "conformance.cli", "adapter", "check", command, *words],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_whole_program_lacks_nothing(tmp_path: Path) -> None:
    code, said, _ = run(f"{sys.executable} {reference_program(tmp_path, ['2.6'])}", "--json")
    report: dict[str, Any] = json.loads(said)
    assert (code, report["whole"]) == (0, True)
    states = {finding["point"]: finding["state"] for finding in report["findings"]}
    assert states["hello"] == states["end of input"] == states["2.6: callbacks"] == "ok"
    assert states["feature cell_info"] == "unclaimed"


def test_a_beginning_is_told_what_comes_next(tmp_path: Path) -> None:
    unknown = "send(id=number, error={'code': -32601, 'message': 'not yet: ' + params.get('method', method)})"
    found = findings(program(tmp_path, unknown, start="HELLO['features'] = ['downloads', 'telepathy']"))
    assert found["hello"].state is State.OK
    assert found["a method of no protocol"].state is State.OK
    assert found["2.6: list_jobs"].state is State.MISSING
    assert found["2.6: list_jobs"].came == "AttributeError: not yet: list_jobs"
    assert found["2.6: download_job_result"].state is State.WRONG, "it claims that one"
    assert found["features"] == Finding("features", State.WRONG, "words of the protocol", "telepathy")
    assert found["feature debug"].state is State.UNCLAIMED
    assert "2.6: debug" not in found
    assert found["2.6: get_system_info"].came == "expected dict as server_info, but got None"


@pytest.mark.parametrize(
    ("parts", "point", "came"),
    [
        ({"end": "import time; time.sleep(600)"}, "end of input", "it went on, and was killed"),
        ({"start": "sys.exit(1)"}, "hello", "the client program ended"),
        ({"start": "HELLO['releases'] = ['1.0']"}, "releases", "1.0"),
        ({"call": "os._exit(1)"}, "2.6: get_job_meta", "the client program ended"),
        ({"call": "time.sleep(60)"}, "a session that was never opened", "no answer in 3 s"),
        ({"call": "send(id=number, result=7)"}, "2.6: submit_job", "expected a text, but got 7"),
        ({"call": "send(id=number, result=7)"}, "2.6: close", "expected the result to be None, but got 7"),
        (
            {"call": "send(id=number, result=None)"},
            "2.6: JobNotFound from get_job_meta",
            "no error, but the result None",
        ),
        (
            {"call": "send(id=number, error={'code': -32000, 'message': 'x', 'data': {'types': ['Error']}})"},
            "2.6: JobNotFound from get_job_meta",
            "an error of types Error: x",
        ),
        ({"opening": "send(id=number, result={})"}, "2.6: session.open", "expected a session"),
    ],
)
def test_what_is_wrong_is_told_with_what_came(tmp_path: Path, parts: dict[str, str], point: str, came: str) -> None:
    finding = findings(program(tmp_path, **parts))[point]
    assert finding.state is State.WRONG
    assert came in finding.came


def test_a_client_that_claims_threads_must_have_them(tmp_path: Path) -> None:
    call = """
if params["method"] == "submit_job":
    send(id=number, result="j")
elif params["method"] == "monitor_job" and "cb" in params["kwargs"]:
    invoke(same_session=True, job_id="j", job_meta={"job_id": "j"}, args=[], kwargs={})
    while "method" in json.loads(sys.stdin.readline()): pass
    send(id=number, result={"$type": "MonitorReturnCode", "name": "ENDED_BY_CB", "value": 2})
else:
    send(id=number, result=[])
"""
    finding = findings(program(tmp_path, call, start="HELLO['features'] += ['threads']"))["2.6: threads"]
    assert (finding.state, "no answer in 3 s" in finding.came) == (State.WRONG, True)
    assert "2.6: threads" not in findings(program(tmp_path, call)), "it does not claim them"


def test_exit_codes(tmp_path: Path) -> None:
    code, said, _ = run(f"{sys.executable} {program(tmp_path, start='sys.exit(1)')}")
    assert code == 1
    assert "came: hello: the client program ended" in said
    code, _, complaint = run("/no/such/program")
    assert (code, complaint) == (2, "flare-conformance: cannot start /no/such/program: No such file or directory\n")
    assert run("")[0] == 2
