"""What a recording does where something is wrong: it says what, and keeps what it has."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from conformance.cli import main
from conformance.jobs import JobKind, write_job
from conformance.recordings import recorder
from conformance.recordings.calls import scratch_folder
from conformance.recordings.recorder import CannotRecord
from flare_client import new_secure_session
from mock_server import MockServer
from tests.conformance.recordings.servers import ADMIN, differences, record, wish
from tests.conformance.recordings.test_round_trip import JOBS


@pytest.fixture(scope="module")
def server() -> MockServer:
    with MockServer("2.9", scenario=JOBS) as running:
        yield running  # type: ignore[misc]


def test_no_kit(tmp_path: Path) -> None:
    with pytest.raises(CannotRecord, match="KitNotFound: startup kit does not exist"):
        recorder.record(wish(tmp_path / "nothing"))


def test_a_kit_without_its_certificate(server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    (kit / "startup" / "client.crt").unlink()
    with pytest.raises(CannotRecord, match="client.crt"):
        recorder.record(wish(kit))


def test_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_LOGIN_SECONDS", 0.2)
    with MockServer("2.6") as gone:
        kit = gone.kit(ADMIN, directory=tmp_path)
    with pytest.raises(CannotRecord, match="NoConnection"):
        recorder.record(wish(kit))


def test_another_user_than_the_kits(server: MockServer) -> None:
    with pytest.raises(CannotRecord, match="Rejected"):
        recorder.record(wish(server.kit(ADMIN), user="somebody@else.org"))


def test_what_a_member_may_not_do_is_recorded_as_such(server: MockServer, tmp_path: Path) -> None:
    server.reset()
    kit = server.kit("member@nvidia.com", role="member")
    recorded = recorder.record(wish(kit, user="member@nvidia.com", own_jobs=True))
    refused = [
        entry.call
        for entry in recorded.recording.transcript
        if entry.raised and entry.raised.kind == "AuthorizationError"
    ]
    assert refused.count("submit_job") == 3
    assert not recorded.recording.complete
    assert any("there is no job <quick>" in one.reason for one in recorded.recording.missing)
    assert differences(recorded, tmp_path) == ()


def test_too_few_sites_for_own_jobs(server: MockServer) -> None:
    server.reset(sites=["site-1"])
    try:
        with pytest.raises(CannotRecord, match="expected 2 connected sites .* but got site-1: record without --jobs"):
            record(server, own_jobs=True)
    finally:
        server.reset(sites=["site-1", "site-2"])


def test_an_interrupt_keeps_what_there_is_names_the_rest_and_cleans_up(server: MockServer, tmp_path: Path) -> None:
    server.reset()

    def interrupt(call: str) -> None:
        if call.startswith(("show_stats('<job 3>'", "show_stats('<job 4>'")):
            raise KeyboardInterrupt

    recorded = record(server, interrupt, own_jobs=True)
    assert not recorded.recording.complete
    missing = recorded.recording.missing
    assert {one.reason for one in missing} == {"interrupted"}
    assert missing[-1].call.startswith("list_jobs(")
    assert recorded.left == ()
    assert server.job_metas() == []
    assert differences(recorded, tmp_path) == ()


def test_a_server_that_is_shut_down_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_LOGIN_SECONDS", 0.5)
    with MockServer("2.9", scenario=JOBS) as server:
        kit = server.kit(ADMIN)

        def stop(call: str) -> None:
            if call == "get_client_env()":
                server.stop()

        recorded = recorder.record(wish(_kept(kit, tmp_path)), stop)
    assert not recorded.recording.complete
    assert all(one.reason.startswith("the connection is lost: ") for one in recorded.recording.missing)
    assert recorded.recording.missing[0].call == "get_client_env()"
    assert differences(recorded, tmp_path / "recording") == ()


def _kept(kit: Path, folder: Path) -> Path:
    """A copy of a kit that outlives its server."""
    import shutil  # noqa: PLC0415

    return Path(shutil.copytree(kit, folder / kit.name))


def test_a_connection_that_breaks_once_costs_nothing(server: MockServer, tmp_path: Path) -> None:
    server.reset()

    def expire(call: str) -> None:
        if call == "get_client_env()":
            server.expire_sessions()

    recorded = record(server, expire)
    assert recorded.recording.complete
    assert differences(recorded, tmp_path) == ()


def test_jobs_of_others_are_not_touched(server: MockServer) -> None:
    server.reset(
        scenario=JOBS | {"workload": [{"name": "waiting-recorded", "submitter": ADMIN}, {"name": "long-theirs"}]}
    )
    before = [meta["job_id"] for meta in server.job_metas()]
    record(server, own_jobs=True)
    metas = server.job_metas()
    assert [meta["job_id"] for meta in metas] == before
    assert not any(meta["status"] == "FINISHED:ABORTED" for meta in metas)
    server.reset(scenario=JOBS)


def test_a_job_that_another_recording_of_the_same_user_makes_is_not_touched(server: MockServer) -> None:
    theirs = {"name": "waiting-recorded", "submitter": ADMIN}
    server.reset(scenario=JOBS)
    made: list[str] = []

    def submit(call: str) -> None:
        if call == "get_client_env()" and not made:
            with new_secure_session(ADMIN, str(server.kit(ADMIN))) as session, scratch_folder() as scratch:
                made.append(session.submit_job(str(write_job(Path(scratch), theirs["name"], JobKind.WAITING))))

    record(server, submit, own_jobs=True)
    assert [meta["job_id"] for meta in server.job_metas()] == made
    server.reset(scenario=JOBS)


def test_a_folder_that_cannot_be_written_is_said_before_anything_is_asked(server: MockServer, tmp_path: Path) -> None:
    server.reset()
    (tmp_path / "file").write_text("")
    words = ["record", "--server", f"kit:{server.kit(ADMIN)}", "--jobs", "-o", str(tmp_path / "file" / "recording")]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "expected a folder to write to" in done.output) == (2, True), done.output
    assert len(server.calls) == 0


def test_the_commands(server: MockServer, tmp_path: Path) -> None:
    server.reset()
    run = CliRunner().invoke
    folder = tmp_path / "recording"
    made = run(main, ["record", "--server", f"kit:{server.kit(ADMIN)}", "--user", ADMIN, "-o", str(folder)])
    assert made.exit_code == 0, made.output
    assert str(server.kit(ADMIN)) not in (folder / "recording.yaml").read_text()
    checked = run(main, ["record", "check", str(folder)])
    assert (checked.exit_code, "the mock answers the same" in checked.output) == (0, True), checked.output
    text = (folder / "scenario.yaml").read_text()
    (folder / "scenario.yaml").write_text(text.replace("name: site-2", "name: site-3"))
    checked = run(main, ["record", "check", str(folder)])
    assert (checked.exit_code, "returned.client_info" in checked.output) == (1, True)
    assert run(main, ["record", "check", str(folder), "--release", "2.6.3"]).exit_code == 2
    (folder / "recording.yaml").unlink()
    assert run(main, ["record", "check", str(folder)]).exit_code == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected --server kit:DIR, but got None"),
        (["--server", "mock"], "expected --server kit:DIR, but got 'mock'"),
        (["--server", "kit:/nowhere"], "expected -o FOLDER"),
        (["--server", "kit:/nowhere", "-o", "x"], "startup kit does not exist"),
    ],
)
def test_wrong_words(words: list[str], told: str) -> None:
    done = CliRunner().invoke(main, ["record", *words])
    assert done.exit_code == 2
    assert told in done.output
