"""``flare-mock`` as a user runs it: a process, its announcement, its end, its errors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flare_client import AuthorizationError, SessionClosed, new_secure_session
from tests.support import write_job


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mock_server.cli", *words], capture_output=True, text=True, timeout=60, check=False
    )


def serve(workspace: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "mock_server.cli", "serve", "--workspace", str(workspace), "--json", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path, number: signal.Signals) -> None:
    process = serve(tmp_path)
    assert process.stdout is not None
    announced = json.loads(process.stdout.readline())
    assert list(announced["kits"]) == [
        "admin@nvidia.com",
        "lead@nvidia.com",
        "member@nvidia.com",
        "orgadmin@nvidia.com",
        "lead@other.com",
    ]
    with new_secure_session("lead@other.com", announced["kits"]["lead@other.com"]) as session:
        assert session.list_jobs() == []
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(("words", "seed"), [((), None), (("--pedantic",), int), (("--pedantic", "7"), 7)])
def test_a_pedantic_server_says_so_with_its_seed(tmp_path: Path, words: tuple[str, ...], seed: object) -> None:
    process = serve(tmp_path, *words)
    assert process.stdout is not None
    announced = json.loads(process.stdout.readline())["pedantic"]
    process.terminate()
    process.communicate(timeout=30)
    assert announced == seed if seed is not int else isinstance(announced, int)


def test_a_seed_that_is_none_is_refused(tmp_path: Path) -> None:
    done = run("serve", "--workspace", str(tmp_path), "--pedantic", "very")
    assert done.returncode == 2
    assert "expected --pedantic with a seed, a number from 0 on, or with nothing, but got 'very'" in done.stderr


def test_the_same_workspace_keeps_certificates_and_a_shutdown_ends_the_process(tmp_path: Path) -> None:
    certificates = []
    for _ in range(2):
        process = serve(tmp_path, "--user", "me@here.org:here:project_admin", "--release", "2.3")
        assert process.stdout is not None
        kit = json.loads(process.stdout.readline())["kits"]["me@here.org"]
        certificates.append(Path(kit, "startup", "client.crt").read_bytes())
        with new_secure_session("me@here.org", kit) as session:
            session._connection.execute("shutdown client")
            session._connection.execute("shutdown server")
            with pytest.raises(SessionClosed):  # the server said goodbye
                session.list_jobs()
        assert process.wait(timeout=30) == 0
        process.communicate()
    assert certificates[0] == certificates[1]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--release", "9.9"], "unknown release '9.9'"),
        (["--user", "a:b"], "expected NAME:ORG:ROLE"),
        (["--user", "a:b:boss"], "--user a:b:boss: role: expected one of project_admin, org_admin, lead, member"),
        (["--scenario", "/no/such/file.yaml"], "No such file"),
    ],
)
def test_bad_input_is_exit_code_2_and_a_line_that_says_why(tmp_path: Path, words: list[str], text: str) -> None:
    done = run("serve", "--workspace", str(tmp_path), *words)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_scenario_names_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("jobs:\n  - running: fast\n")
    done = run("serve", "--workspace", str(tmp_path), "--scenario", str(path))
    assert done.returncode == 2
    assert f"{path}:2: jobs[0].running: expected a duration" in done.stderr


POLICY = {
    "format_version": "1.0",
    "permissions": {"project_admin": "any", "auditor": {"view": "any", "submit_job": "none"}, "lead": {"view": "none"}},
}


def test_a_policy_of_ones_own_counts_and_its_roles_are_known(tmp_path: Path) -> None:
    path = tmp_path / "authorization.json"
    path.write_text(json.dumps(POLICY))
    words = ("--user", "auditor@here.org:here:auditor", "--user", "lead@here.org:here:lead")
    process = serve(tmp_path / "lab", "--authorization", str(path), *words)
    try:
        assert process.stdout is not None
        kits = json.loads(process.stdout.readline())["kits"]
        with new_secure_session("auditor@here.org", kits["auditor@here.org"]) as session:
            assert session.list_jobs() == []
            with pytest.raises(AuthorizationError, match="submit_job"):
                session.submit_job(str(write_job(tmp_path)))
        lead = new_secure_session("lead@here.org", kits["lead@here.org"])
        with lead, pytest.raises(AuthorizationError):
            lead.list_jobs()
        more = run("kit", "--workspace", str(tmp_path / "lab"), "--user", "another@here.org:here:auditor")
        assert (more.returncode, more.stderr) == (0, "")
        with new_secure_session("another@here.org", more.stdout.strip()) as session:
            assert session.list_jobs() == []
        wrong = run("kit", "--workspace", str(tmp_path / "lab"), "--user", "another@here.org:here:auditr")
        assert (wrong.returncode, "but got 'auditr' (did you mean 'auditor'?)" in wrong.stderr) == (2, True)
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors) == (0, "")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "expected a policy file, but No such file or directory"),
        (b"{", "expected JSON, but"),
        (b"\xff", "expected JSON, but"),
        (b"[]", "expected a mapping of format_version and permissions, but got []"),
        (b'{"format_version": "1.0", "permissions": {"lead": {"view": "o:x:y"}}}', "permissions.lead.view: expected"),
    ],
    ids=["missing", "cut", "binary", "list", "condition"],
)
def test_a_policy_that_is_none_names_file_and_field(tmp_path: Path, content: bytes | None, text: str) -> None:
    path = tmp_path / "authorization.json"
    if content is not None:
        path.write_bytes(content)
    done = run("serve", "--workspace", str(tmp_path / "lab"), "--authorization", str(path))
    assert done.returncode == 2
    assert done.stderr.startswith(f"flare-mock: {path}: ")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_damaged_certificates_are_an_error_that_says_what_to_delete(tmp_path: Path) -> None:
    pki = tmp_path / "pki"
    first = serve(tmp_path)
    assert first.stdout is not None
    first.stdout.readline()
    first.terminate()
    first.communicate(timeout=30)
    stored = [path for path in pki.rglob("*") if path.is_file()]
    assert stored
    for path in stored:
        path.write_text("damaged")
    done = run("serve", "--workspace", str(tmp_path))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert str(pki) in done.stderr


def test_help_has_an_example() -> None:
    done = run("serve", "--help")
    assert done.returncode == 0
    assert "Example: flare-mock serve" in done.stdout


# --- scenarios ----------------------------------------------------------------------------------------------------


def test_ready_scenarios_are_listed_shown_and_served(tmp_path: Path) -> None:
    listed = run("scenario", "list").stdout
    assert "realistic" in listed
    assert "instant" in listed
    shown = tmp_path / "mine.yaml"
    shown.write_text(run("scenario", "show", "instant").stdout)
    assert run("scenario", "check", str(shown)).stdout == f"{shown}: in order\n"
    process = serve(tmp_path / "lab", "--scenario", "instant", "--clock", "x100")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["release"]
    process.terminate()
    process.communicate(timeout=30)
    assert process.returncode == 0


def test_a_check_names_every_fault_and_exit_code_1_says_that_there_are_some(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text("seed: 1\n")
    bad.write_text("jobs:\n- stages:\n  - {from: RUNING}\nsed: 1\n")
    done = run("scenario", "check", str(good), str(bad))
    assert done.returncode == 1
    assert done.stdout == f"{good}: in order\n"
    first, second = done.stderr.splitlines()
    assert first.startswith(f"{bad}:3: jobs[0].stages[0].from: expected one of SUBMITTED")
    assert first.endswith("(did you mean 'RUNNING'?)")
    assert second == f"{bad}:4: sed: expected no such field, but got 1 (did you mean 'seed'?)"


def test_a_play_prints_the_timeline_and_draws_it(tmp_path: Path) -> None:
    svg = tmp_path / "timeline.svg"
    done = run("scenario", "run", "instant", "--jobs", "a*2@1s/1s", "--svg", str(svg))
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[0:4:3] for line in done.stdout.splitlines()][::4] == [
        ["1.000", "SUBMITTED"],
        ["2.000", "SUBMITTED"],
    ]
    assert svg.read_text().startswith("<svg ")
    lines = run("scenario", "run", "instant", "--json").stdout.splitlines()
    assert [json.loads(line)["what"] for line in lines] == ["SUBMITTED", "DISPATCHED", "RUNNING", "FINISHED:COMPLETED"]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["run", "nothing"], "expected a scenario file, or one of busy-cluster"),
        (["run", "instant", "--release", "9.9"], "unknown release"),
        (["run", "instant", "--jobs", "../a"], "expected a name of letters"),
        (["run", "instant", "--until", "soon"], "expected a duration"),
        (["run", "instant", "--svg", "/no/such/folder/x.svg"], "No such file"),
        (["show", "instand"], "did you mean 'instant'"),
    ],
)
def test_bad_words_for_scenarios_are_exit_code_2(words: list[str], text: str) -> None:
    done = run("scenario", *words)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_the_schema_is_printed() -> None:
    assert json.loads(run("scenario", "schema").stdout)["properties"]["jobs"]
