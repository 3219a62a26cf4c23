"""What goes wrong: exit codes, kinds, and words that say what was expected and what came."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from flare_client import Session, errors
from flare_client.cli.exits import CommandFailed, ExitCode, failure_of
from mock_server import MockServer
from tests.flare_client.cli.command import Flare, run
from tests.support import JobMaker


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["jobs", "lst"], "No such command 'lst'"),
        (["jobs", "list", "--nope"], "No such option"),
        (["jobs", "list", "--limit", "0"], "0 is not in the range x>=1"),
        (["--timeout", "0", "jobs", "list"], "0.0 is not in the range 0<x"),
        (["jobs", "monitor"], "Missing argument 'JOB_ID'"),
        (["system", "restart", "everything"], "'everything' is not one of 'server', 'client', 'all'"),
        (["--timeout", "inf", "jobs", "list"], "inf is not in the range"),
        (["jobs", "list", "--connect-timeout", "nan"], "nan is no number of seconds"),
        (["jobs", "wait", "JOB", "--every", "nan"], "nan is no number of seconds"),
        (["jobs", "submit", ""], "'FOLDER': expected a text, but it is empty"),
        (["jobs", "submit", "hello", "--token", ""], "'--token': expected a text, but it is empty"),
        (["jobs", "download", "JOB", "--to", ""], "'--to': expected a text, but it is empty"),
        (["jobs", "meta", ""], "'JOB_ID': expected a text, but it is empty"),
        (["jobs", "list", "--kit", ""], "'--kit': expected a text, but it is empty"),
        (
            ["system", "restart", "server", "site-1", "--yes"],
            "expected sites after 'client' alone, but got server site",
        ),
        (["system", "shutdown", "all", "site-1", "--yes"], "expected sites after 'client' alone, but got all site-1"),
        (["studies", "remove-sites", "brain", "--yes"], "--site-org (a project admin), got neither"),
        (["jobs", "list"], "neither --kit nor FLARE_KIT nor NVFLARE_STARTUP_KIT_DIR names one"),
    ],
)
def test_a_command_line_that_is_none_is_exit_code_2(words: list[str], text: str) -> None:
    done = run(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("flare: ")
    assert text in done.err
    error = run("--json", *words).error
    assert text in error["message"]


def test_a_group_without_a_command_prints_its_help() -> None:
    done = run("jobs")
    assert "monitor" in done.out + done.err
    assert done.code in (0, 2)  # click before 8.2 calls it no error


@pytest.mark.parametrize(
    ("spoil", "kind", "text"),
    [
        (shutil.rmtree, "kit_not_found", "startup kit does not exist at"),
        (lambda kit: shutil.rmtree(kit / "startup"), "kit_unusable", "missing startup folder"),
        (lambda kit: (kit / "startup" / "fed_admin.json").write_text("{}"), "kit_unusable", "fed_admin.json"),
        (lambda kit: (kit / "startup" / "client.crt").unlink(), "kit_unusable", "client.crt does not exist"),
        (lambda kit: (kit / "startup" / "client.crt").write_text("x"), "kit_unusable", "expected a certificate in PEM"),
    ],
)
def test_a_kit_that_is_unusable_is_exit_code_3(
    flare: Flare, spoil: Callable[[Path], object], kind: str, text: str
) -> None:
    spoil(flare.kit)
    done = flare("jobs", "list")
    assert (done.code, done.out) == (3, "")
    assert text in done.err
    error = flare.ask("jobs", "list").error
    assert error["kind"] == kind
    assert flare.ask("kit", "show").error["kind"] == kind


@pytest.mark.parametrize("release", ["2.3", "2.6", "2.9"])
def test_no_server_is_exit_code_3_within_the_time_given(release: str, tmp_path: Path) -> None:
    with MockServer(release) as server:
        kit = server.kit(directory=tmp_path)
    done = Flare(kit).ask("jobs", "list", "--connect-timeout", "0.3")
    assert (done.code, done.error["kind"]) == (3, "no_connection")
    assert "0.3" in done.error["message"] or "cannot connect" in done.error["message"]


def test_another_name_than_the_kits_is_refused_as_not_allowed(flare: Flare) -> None:
    done = flare.ask("jobs", "list", "--user", "somebody@example.org")
    assert (done.code, done.error["kind"]) == (4, "login_rejected")


def test_who_may_not_is_told_so_with_exit_code_4(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    folder = make_job("hello")
    for release in ("2.3", "2.6", "2.9"):
        member = flare_of(release, "member@nvidia.com", "member")
        done = member.ask("jobs", "submit", str(folder))
        assert (done.code, done.error["kind"]) == (4, "not_allowed")
        assert "not authorized" in done.error["message"]
        assert member("jobs", "list").code == 0, "looking is allowed"
    done = flare_of("2.9", "member@nvidia.com", "member").ask("studies", "register", "brain", "--site", "site-1")
    assert done.code == 4


@pytest.mark.parametrize("words", [["meta"], ["clone"], ["abort", "--yes"], ["delete", "--yes"], ["wait"], ["monitor"]])
def test_a_job_that_is_not_there_is_exit_code_1(flare: Flare, words: list[str]) -> None:
    done = flare.ask("jobs", words[0], "nothing", *words[1:])
    assert (done.code, done.error["kind"]) == (1, "job_not_found")
    assert "nothing" in done.error["message"]
    assert "`flare jobs list` shows" in flare("jobs", words[0], "nothing", *words[1:]).err


def test_a_folder_that_is_no_job_is_exit_code_1(flare: Flare, tmp_path: Path) -> None:
    for folder in (tmp_path / "nothing", tmp_path):
        done = flare.ask("jobs", "submit", str(folder))
        assert (done.code, done.error["kind"]) == (1, "job_invalid")


@pytest.mark.parametrize(
    ("release", "words"),
    [
        ("2.3", ["system", "restart", "client", "--yes"]),
        ("2.3", ["jobs", "stats", "JOB"]),
        ("2.6", ["jobs", "logs", "JOB"]),
        ("2.6", ["studies", "list"]),
        ("2.6", ["system", "version"]),
    ],
)
def test_what_a_release_has_not_is_said_with_the_releases_that_have(
    flare_of: Callable[..., Flare], release: str, words: list[str]
) -> None:
    done = flare_of(release).ask(*words)
    assert (done.code, done.error["kind"]) == (1, "not_in_release")
    assert f"the server is of {release}" in done.error["message"]


def test_who_asks_an_older_release_for_logs_is_told_where_they_are(flare_of: Callable[..., Flare]) -> None:
    done = flare_of("2.6")("jobs", "logs", "JOB")
    assert (done.code, done.out) == (1, "")
    assert "`flare jobs download JOB` fetches the logs" in done.err


def test_a_study_of_releases_without_studies_is_exit_code_2(flare_of: Callable[..., Flare]) -> None:
    assert flare_of("2.6").ask("jobs", "list", "--study", "brain").error["kind"] == "usage"
    done = flare_of("2.9").ask("jobs", "list", "--study", "brain")
    assert (done.code, done.error["kind"]) == (4, "login_rejected")
    assert flare_of("2.9").ask("jobs", "list", "--study", "No Name").error["kind"] == "usage"


@pytest.mark.parametrize(
    "words",
    [
        ["jobs", "abort", "JOB"],
        ["jobs", "delete", "JOB"],
        ["system", "restart", "all"],
        ["system", "shutdown", "client", "site-1"],
        ["system", "disable-client", "site-1"],
        ["system", "remove-client", "site-1"],
        ["studies", "remove", "brain"],
        ["studies", "remove-sites", "brain", "--site", "site-1"],
        ["studies", "remove-user", "brain", "lead@nvidia.com"],
    ],
)
def test_nothing_is_lost_where_nobody_can_be_asked(flare_of: Callable[..., Flare], words: list[str]) -> None:
    flare = flare_of("2.9")
    done = flare(*words)
    assert (done.code, done.out) == (2, "")
    assert "expected --yes, since there is nobody to ask" in done.err
    assert flare.ask(*words).error["kind"] == "not_confirmed"


def test_a_command_that_is_not_answered_in_time_is_exit_code_5(make_job: JobMaker, tmp_path: Path) -> None:
    with MockServer("2.9") as server:
        server.withhold("list_jobs")
        done = Flare(server.kit(directory=tmp_path)).ask("jobs", "list", "--timeout", "0.2")
        assert (done.code, done.error["kind"]) == (5, "timeout")


def test_a_fault_of_the_program_is_exit_code_70_and_no_traceback(
    flare_of: Callable[..., Flare], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Session, **_: object) -> list[object]:
        raise KeyError("surprise")

    monkeypatch.setattr(Session, "list_jobs", broken)
    done = flare_of("2.9")("jobs", "list")
    assert done.code == 70
    assert "a fault of the program: KeyError: 'surprise'" in done.err
    assert "Traceback" not in done.err
    assert flare_of("2.9").ask("jobs", "list").error["kind"] == "fault"


ERRORS = [value for value in vars(errors).values() if isinstance(value, type) and value.__module__ == errors.__name__]


@pytest.mark.parametrize("error", ERRORS)
def test_every_error_of_a_session_has_a_kind(error: type[Exception]) -> None:
    problem = error("CODE") if error is errors.CommandError else error("why")
    failure = failure_of(problem)
    assert failure.code not in (ExitCode.FINE, ExitCode.FAULT)
    assert failure.message


def test_a_failure_of_a_commands_own_is_what_it_says() -> None:
    failure = failure_of(OSError("disk full"))
    assert (failure.code, failure.kind) == (ExitCode.REFUSED, "file_error")
    assert failure_of(CommandFailed(failure)) is failure


def test_a_result_that_cannot_be_written_is_exit_code_1(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    flare = flare_of("2.9")
    folder = make_job("hello")
    job_id = flare.ask("jobs", "submit", str(folder)).result["job_id"]
    flare("jobs", "wait", job_id, "--every", "0.01")
    in_the_way = folder / "meta.json"
    transfer = list((flare.kit / "transfer").iterdir())
    for destination in (in_the_way, in_the_way / "below"):
        error = flare.ask("jobs", "download", job_id, "--to", str(destination)).error
        assert error["kind"] == "file_error"
        assert error["message"] == f"expected a folder at {destination}, but {in_the_way} is a file"
    assert list((flare.kit / "transfer").iterdir()) == transfer, "it was seen before anything was fetched"


def test_a_file_that_cannot_be_read_is_named(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    folder = make_job("hello")
    link = folder / "nowhere"
    link.symlink_to("nothing")
    error = flare_of("2.9").ask("jobs", "submit", str(folder)).error
    assert error["kind"] == "file_error"
    assert error["message"] == f"expected to read or write {link}, but: No such file or directory"


def test_a_log_that_the_server_does_not_have_is_exit_code_1(flare_of: Callable[..., Flare], make_job: JobMaker) -> None:
    flare = flare_of("2.9")
    job_id = flare.ask("jobs", "submit", str(make_job("hello"))).result["job_id"]
    error = flare.ask("jobs", "logs", job_id, "--site", "site-9").error
    assert (error["kind"], error["exit_code"]) == ("no_log", 1)
    assert error["message"].startswith("site-9: ")


def test_who_names_an_unknown_study_is_told_how_to_find_one(flare_of: Callable[..., Flare]) -> None:
    assert "`flare studies list`" in flare_of("2.9").ask("jobs", "list", "--study", "brain").error["hint"]
