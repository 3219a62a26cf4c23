"""``flare-conformance`` as a user runs it: verdicts, reports, exit codes; and that each mutant is caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from conformance.mutants import mutants
from conformance.targets import SHARED_SCENARIO
from mock_server import MockServer
from tests.conformance.adapters.programs import reference_program
from tests.support import ALL_RELEASES

ENDS = ("2.3", "2.6", "2.7", "2.9")
"""The oldest and the newest release of each dialect; those between are run where FLARE_WHOLE is set."""
FAST = ["--select", "MON-FINISH-0[12]", "--select", "LIST-ORDER-01", "--select", "DOWN-PATH-01", "--select", "ID-*"]


def run(
    *words: str, cwd: Path | None = None, seconds: float = 110, scratch: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conformance.cli", *words],
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
        cwd=cwd,
        env=os.environ | ({} if scratch is None else {"TMPDIR": str(scratch)}),
    )


@pytest.mark.whole
@pytest.mark.timeout(900)
@pytest.mark.parametrize("release", ALL_RELEASES if os.environ.get("FLARE_WHOLE") else ENDS)
def test_the_reference_client_conforms(release: str) -> None:
    done = run("run", "--client", "flare_client", "--release", release, "--seed", "7", seconds=880)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "failed" not in [line.split(" ")[0] for line in done.stdout.splitlines()]


@pytest.mark.whole
@pytest.mark.timeout(900)
@pytest.mark.parametrize("release", ENDS)
def test_every_client_that_is_wrong_in_one_point_is_caught(release: str) -> None:
    done = run("self-test", "--release", release, "--workers", "2", seconds=880)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    caught = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("caught")]
    assert set(caught) == {mutant.name for mutant in mutants(release)}
    assert len(caught) == sum(len(mutant.caught_by) for mutant in mutants(release))


@pytest.mark.parametrize(
    ("mutant", "contract"),
    [
        ("timeout_early", "MON-TIMEOUT-01"),
        ("drops_callback_kwargs", "MON-CB-01"),
        ("polls_once_too_often", "MON-FINISH-02"),
    ],
)
def test_a_wrong_monitor_makes_a_run_red(mutant: str, contract: str) -> None:
    done = run("run", "--client", f"conformance.mutants:{mutant}", "--select", contract)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"failed       {contract}" in done.stdout


def test_reports_for_programs(tmp_path: Path) -> None:
    junit, report = tmp_path / "junit.xml", tmp_path / "report.json"
    done = run("run", "--client", "flare_client", "--junit", str(junit), "--json", str(report), "--seed", "3", *FAST)
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads(report.read_text())
    assert (document["conforming"], document["seed"], document["release"]) == (True, 3, "2.9")
    assert {result["verdict"] for result in document["results"]} == {"passed"}
    cases = ElementTree.parse(junit).getroot().iter("testcase")  # noqa: S314 - our own file
    assert {case.get("name") for case in cases} == {result["contract"] for result in document["results"]}


def test_a_pedantic_run_is_drawn_from_its_seed_and_can_be_made_again(tmp_path: Path) -> None:
    scripts = []
    for number in range(2):
        report = tmp_path / f"{number}.json"
        words = ["--pedantic", "--seed", "5", "--workers", "1", "--scripts", "--json", str(report), *FAST]
        done = run("run", "--client", "flare_client", "--release", "2.6", *words)
        assert done.returncode == 0, done.stdout + done.stderr
        document = json.loads(report.read_text())
        assert document["server"] == "mock_server 2.6, pedantic"
        assert "--pedantic" in document["command"]
        scripts.append({result["contract"]: result["script"] for result in document["results"]})
    assert scripts[0] == scripts[1]


def test_a_server_that_runs_already_cannot_be_made_pedantic(tmp_path: Path) -> None:
    done = run("run", "--client", "flare_client", "--server", f"kit:{tmp_path}", "--pedantic")
    assert done.returncode == 2
    assert "expected --pedantic with --server mock" in done.stderr


def test_a_failure_names_statement_source_and_the_smallest_example() -> None:
    done = run("run", "--client", "conformance.mutants:keeps_oldest", "--select", "LIST-LIMIT-01")
    assert done.returncode == 1
    assert "With a limit, list_jobs returns the newest so many jobs" in done.stdout
    assert "API document: “limit – maximum number of jobs to show" in done.stdout
    assert "smallest example: most=1, reverse=" in done.stdout


def test_a_server_at_a_kit_is_checked_as_far_as_it_can_be(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    with MockServer("2.6", scenario=SHARED_SCENARIO) as server:
        words = [
            "--release",
            "2.6",
            "--server",
            f"kit:{server.kit()}",
            "--user",
            "admin@nvidia.com",
            "--json",
            str(report),
        ]
        done = run("run", "--client", "flare_client", "--select", "DELETE-*", "--select", "CONN-EXPIRE-01", *words)
        left = [meta["status"] for meta in server.job_metas()]
    assert done.returncode == 0, done.stdout + done.stderr
    assert left == []  # a run cleans up behind itself
    results = {result["contract"]: result for result in json.loads(report.read_text())["results"]}
    assert results["CONN-EXPIRE-01"]["verdict"] == "skipped"
    assert "control of the server" in results["CONN-EXPIRE-01"]["message"]
    assert results["DELETE-OK-01"]["verdict"] == "passed"


def test_the_program_of_a_python_factory_is_driven_over_stdio(tmp_path: Path) -> None:
    program = tmp_path / "client.py"
    adapters = Path(__file__).parents[2] / "conformance" / "adapters"
    program.write_text(
        f"import sys\nsys.path.insert(0, {str(adapters)!r})\nimport program\n"
        f"sys.path.insert(0, {str(adapters.parents[1])!r})\nimport flare_client\n"
        "def factory(username, kit, secure=True, timeout=10.0, debug=False):\n"
        "    return flare_client.new_secure_session(username, kit, debug, timeout)\n"
        "features = ['debug', 'threads', 'monitor_callback', 'downloads']\n"
        "program.main(factory, flare_client.basic_cb_with_print, releases=['2.9'], features=features)\n"
    )
    selection = [
        *FAST,
        "--select",
        "MON-CB-*",
        "--select",
        "BCB-*",
        "--select",
        "SYS-INFO-01",
        "--select",
        "MON-END-01",
    ]
    done = run("run", "--client-command", f"{sys.executable} {program}", *selection)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("import sys; sys.exit(3)", "ended"),
        ("print('hello there', flush=True); import time; time.sleep(60)", "expected a line of JSON"),
        ("print('[1]', flush=True); import time; time.sleep(60)", "expected a JSON object"),
        ('print(\'{"jsonrpc": "2.0", "id": 99, "result": 1}\', flush=True); input()', "expected the answer to"),
        (
            'print(\'{"jsonrpc": "2.0", "id": 1, "result": {"protocol": 9}}\', flush=True); input()',
            "expected protocol 1",
        ),
    ],
)
def test_a_program_that_misbehaves_fails_its_contract_with_the_reason(tmp_path: Path, body: str, reason: str) -> None:
    program = tmp_path / "client.py"
    program.write_text(body)
    report = tmp_path / "report.json"
    words = ["--client-command", f"{sys.executable} {program}", "--select", "ID-MISSING-01", "--json", str(report)]
    done = run("run", *words)
    assert done.returncode == 1, done.stdout + done.stderr
    (result,) = json.loads(report.read_text())["results"]
    assert reason in result["message"]
    assert result["verdict"] == "failed"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--client", "nowhere"], "module:function"),
        (["--client", "no.such.module:client"], "expected a factory"),
        ([], "either --client or --client-command"),
        (["--client", "flare_client", "--release", "9.9"], "unknown release '9.9'"),
        (["--client", "flare_client", "--select", "NOPE-*"], "'NOPE-*'"),
        (["--client", "flare_client", "--server", "kit:/no/such"], "expected a startup kit"),
        (["--client", "flare_client", "--server", "other"], "mock or kit:DIR"),
        (["--client", "official:0.0.1"], "unknown nvflare version"),
        (["--client", "flare_client", "--deselect", "NOPE-*"], "'NOPE-*'"),
        (["--client", "flare_client", "--select", "MON-CB-01", "--deselect", "*"], "no contract fits"),
        (["--client", "flare_client", "--group", "NOPE"], "one of the groups"),
        (["--client", "flare_client", "--level", "maybe"], "'maybe'"),
        (["--client", "flare_client", "--profile", "slow"], "'slow'"),
        (["--client", "flare_client", "--shard", "3/2"], "expected a shard as 2/8"),
        (["--client", "flare_client", "--select", "MON-CB-01", "--shard", "2/2"], "at most as many shards"),
        (["--client", "flare_client", "--workers", "0"], "0"),
        (["--client", "flare_client", "--limit", "-1"], "-1"),
        (["--client", "flare_client", "--limit", "nan"], "nan"),
        (["--client", "flare_client", "--scheme", "carrier-pigeon"], "carrier-pigeon"),
        (["--client", "flare_client", "--release", "2.6", "--scheme", "tcp"], "scheme"),
        (["--client", "flare_client", "--json", "/no/such/folder/report.json"], "expected a folder"),
        (["--client", "flare_client", "--baseline", "/no/such.yaml"], "expected a baseline"),
        (["--client-command", "/no/such/program"], "cannot start /no/such/program"),
        (["--client-command", ""], "expected the command of a client program"),
    ],
)
def test_a_run_that_cannot_be_is_exit_code_2(words: list[str], text: str, tmp_path: Path) -> None:
    done = run("run", *words, scratch=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert text in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


WRONG = ["--client", "conformance.mutants:drops_callback_kwargs", "--select", "MON-CB-*", "--profile", "quick"]


def test_known_failures_do_not_fail_a_run_until_they_pass(tmp_path: Path) -> None:
    known, junit = tmp_path / "known.yaml", tmp_path / "junit.xml"
    first = run("run", *WRONG, "--write-baseline", str(known))
    assert first.returncode == 1
    assert "MON-CB-01" in known.read_text()
    second = run("run", *WRONG, "--baseline", str(known), "--junit", str(junit))
    assert second.returncode == 0, second.stdout + second.stderr
    assert "expected-failure MON-CB-01" in second.stdout
    suite = ElementTree.parse(junit).getroot().find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "0", "1")
    known.write_text("known_failures:\n  - {id: MON-CB-0*, reason: all of them}\n")
    third = run("run", *WRONG, "--baseline", str(known))
    assert third.returncode == 1
    assert "unexpected-pass MON-CB-02" in third.stdout


def test_an_entry_that_matches_nothing_cannot_be_run_with(tmp_path: Path) -> None:
    known = tmp_path / "known.yaml"
    known.write_text("known_failures:\n  - id: GONE-*\n    reason: r\n")
    done = run("run", *WRONG, "--baseline", str(known))
    assert done.returncode == 2
    assert f"{known}:2: known_failures[0].id: expected the id of a contract" in done.stderr


def test_a_run_says_the_command_that_makes_it_again(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    words = ["--client", "flare_client", "--select", "MON-CB-0[12]", "--workers", "1", "--json", str(report)]
    assert run("run", *words).returncode == 0
    document = json.loads(report.read_text())
    command = document["command"]
    assert command[0] == "run"
    assert f"--seed={document['seed']}" in command
    assert "--select=MON-CB-0[12]" in command
    assert run(*command).returncode == 0
    again = json.loads(report.read_text())
    assert [one["verdict"] for one in again["results"]] == [one["verdict"] for one in document["results"]]
    assert again["command"] == command
    assert set(document["lag"]) == {"most", "p99"}


def test_a_kit_of_another_wire_is_no_run() -> None:
    with MockServer("2.6") as server:
        kit = server.kit()
        words = ["--client", "flare_client", "--server", f"kit:{kit}"]
        done = run("run", *words, "--release", "2.9")
        assert (done.returncode, "is of 2.3, 2.4, 2.5, 2.6" in done.stderr) == (2, True), done.stderr
        (kit / "startup" / "fed_admin.json").write_text("[]")
        done = run("run", *words, "--release", "2.6")
        assert (done.returncode, "expected an object with admin" in done.stderr) == (2, True), done.stderr


def test_a_client_is_not_held_to_a_release_that_it_does_not_speak(tmp_path: Path) -> None:
    hello = {"protocol": 1, "language": "sh", "name": "x", "version": "", "releases": ["2.6"], "features": []}
    program = tmp_path / "client.sh"
    program.write_text(f"read _; echo '{json.dumps({'jsonrpc': '2.0', 'id': 1, 'result': hello})}'; cat > /dev/null\n")
    done = run("run", "--client-command", f"sh {program}", "--release", "2.9")
    assert done.returncode == 2
    assert "speaks releases 2.6, but the run is of release 2.9" in done.stderr


def test_what_a_client_does_not_claim_is_skipped_with_that_reason(tmp_path: Path) -> None:
    program = reference_program(tmp_path, ["2.6"])
    program.write_text(program.read_text().replace("'downloads', ", ""))
    report = tmp_path / "report.json"
    words = ["--client-command", f"{sys.executable} {program}", "--release", "2.6", "--json", str(report)]
    done = run("run", *words, "--select", "DOWN-PATH-01", "--select", "LIST-ORDER-01", "--select", "CONN-THREAD-01")
    assert done.returncode == 0, done.stdout + done.stderr
    verdicts = {result["contract"]: result for result in json.loads(report.read_text())["results"]}
    assert verdicts["LIST-ORDER-01"]["verdict"] == verdicts["CONN-THREAD-01"]["verdict"] == "passed"
    assert verdicts["DOWN-PATH-01"]["verdict"] == "skipped"
    assert verdicts["DOWN-PATH-01"]["message"].startswith("needs the feature downloads (download_job_result), which ")


def test_the_schema_of_the_adapter_protocol_is_printed() -> None:
    assert json.loads(run("schema", "adapter").stdout)["title"] == "Messages of the adapter protocol, version 1"
    assert run("schema", "nothing").returncode == 2


def test_list_and_explain_tell_what_there_is() -> None:
    listed = run("list", "--release", "2.3", "--json")
    contracts = json.loads(listed.stdout)
    assert any(c["id"] == "SYS-CELL-01" for c in contracts)
    explained = run("explain", "MON-TIMEOUT-01")
    assert "not before the time is over" in explained.stdout
    assert run("explain", "NOPE").returncode == 2
    assert "contracts" in run("list").stdout
