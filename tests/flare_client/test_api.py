"""``session.api`` on a mock server: commands by the line, and the reply whatever it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flare_client import CommandInfo, NotInRelease, Session, new_session
from flare_client.protocol.statuses import ApiStatus
from mock_server import MockServer
from tests.support import CELL_RELEASES, JobMaker, servers_of_releases

ADMIN = "admin@nvidia.com"
SCENARIO = {"jobs": [{"match": {"name": "long*"}, "queued": 0, "running": "1h"}, {"queued": 0, "running": 0}]}


@pytest.fixture(scope="module")
def running() -> Iterator[Callable[[str], MockServer]]:
    with servers_of_releases(SCENARIO) as get:
        yield get


def test_a_reply_comes_as_the_server_sent_it(session: Session, make_job: JobMaker) -> None:
    job_id = session.submit_job(str(make_job("long")))
    for name in ("get_job_meta", "job_mgmt.get_job_meta"):
        reply = session.api.do_command(f"{name} {job_id}")
        assert set(reply) == {"time", "data", "meta", "status"}
        assert reply["status"] == "SUCCESS"  # equal to its word, as official
        assert reply["meta"]["status"] == "ok"
        assert reply["meta"]["job_meta"]["job_id"] == job_id
        assert [one["type"] for one in reply["data"]] == ["dict", "success"][: len(reply["data"])]
    session.abort_job(job_id)


def test_a_table_has_rows(session: Session) -> None:
    reply = session.api.do_command("check_status client")
    table = next(one for one in reply["data"] if one["type"] == "table")
    assert table["rows"][0][:1] == ["CLIENT"]


def test_nothing_is_raised_for_what_a_server_says(session: Session) -> None:
    reply = session.api.do_command("get_job_meta nonsense")
    assert reply["meta"]["status"] == "invalid_job_id"
    assert reply["data"][0]["type"] == "error"


def test_a_command_that_was_not_announced_is_not_sent(session: Session) -> None:
    for line, name in (("fly away", "fly"), ("", ""), (" list_jobs", ""), ('fly "away', "fly")):
        reply = session.api.do_command(line)
        assert reply == {"status": ApiStatus.ERROR_SYNTAX, "details": f"Command {name} not found"}
        assert session.api.check_command(line) is CommandInfo.UNKNOWN


def test_a_job_is_submitted_and_fetched_by_the_line(session: Session, make_job: JobMaker) -> None:
    submitted = session.api.do_command(f"submit_job {make_job('quick')}")
    job_id = submitted["meta"]["job_id"]
    assert submitted["status"] == "SUCCESS"
    session.monitor_job(job_id, timeout=20, poll_interval=0.02)
    fetched = session.api.do_command(f"download_job {job_id}")
    if session.release == "2.3":
        assert fetched["status"] == "SUCCESS"
        assert fetched["details"] == f"Downloaded to dir {session.download_dir}"
        assert fetched["meta"]["job_id"] == job_id
        assert (Path(session.download_dir) / job_id / "job").is_dir()
        return
    location = fetched["meta"]["location"]
    assert fetched == {
        "status": ApiStatus.SUCCESS,
        "details": f"content downloaded to {location}",
        "meta": {"location": location},
    }
    assert (Path(location) / "job").is_dir()


def test_a_refused_transfer_returns_the_refusal(session: Session, make_job: JobMaker) -> None:
    refused = session.api.do_command(f"submit_job {make_job('bad', deploy_map={})}")
    assert refused["meta"]["status"] == "invalid_job_def"
    assert refused["data"][0]["type"] == "error"
    unknown = session.api.do_command("download_job 6fb9bbd0-3b1b-4a2c-8f2f-0123456789ab")
    assert (unknown["status"] == "ERROR_RUNTIME") == (session.release == "2.3")
    assert unknown["meta"]["status"] == "invalid_job_id"


def test_a_transfer_that_cannot_begin_says_why(session: Session) -> None:
    assert session.api.do_command("submit_job") == {
        "status": ApiStatus.ERROR_SYNTAX,
        "details": "usage: submit_job job_folder",
    }
    assert session.api.do_command("download_job")["status"] is ApiStatus.ERROR_SYNTAX
    missing = session.api.do_command("submit_job /no/such/folder")
    assert missing["status"] is ApiStatus.ERROR_RUNTIME
    assert "is not a valid folder" in missing["details"]


def test_a_result_that_is_too_large_for_a_reply_is_told_by_its_address(tmp_path: Path, make_job: JobMaker) -> None:
    with MockServer(
        "2.3", scenario={"limits": {"max_download_size": 1}, "jobs": [{"queued": 0, "running": 0}]}
    ) as server:
        session = new_session(ADMIN, str(server.kit(directory=tmp_path / "kits")))
        job_id = session.submit_job(str(make_job("quick")))
        session.monitor_job(job_id, timeout=20, poll_interval=0.02)
        told = session.api.do_command(f"download_job {job_id}")
        assert told["status"] == "SUCCESS"
        assert told["details"] == f"Download_URL:{told['meta']['job_download_url']}"
        session.close()


def test_what_a_console_asks_first_is_announced(session: Session) -> None:
    asked = {name: session.api.check_command(f"{name} x") for name in ("list_jobs", "abort_job", "delete_job", "info")}
    assert asked == {
        "list_jobs": CommandInfo.OK,
        "abort_job": CommandInfo.CONFIRM_YN,
        "delete_job": CommandInfo.CONFIRM_AUTH,
        "info": CommandInfo.OK,
    }
    assert session.api.check_command("job_mgmt.abort_job x") is CommandInfo.CONFIRM_YN


def test_the_folders_of_the_kit_are_told_without_a_server(session: Session) -> None:
    details = session.api.do_command("info")["details"]
    assert session.upload_dir in details
    assert session.download_dir in details


def test_where_the_server_is(session: Session, server: MockServer) -> None:
    assert (session.api.host, session.api.user_name) == (server.host, ADMIN)
    assert session.api.port == (server.admin_port)


def test_an_open_session_is_active_and_a_closed_one_is_not(session: Session) -> None:
    assert (session.api.closed, session.api.server_sess_active, session.api.is_ready()) == (False, True, True)
    session.api.logout()
    assert (session.api.closed, session.api.server_sess_active, session.api.is_ready()) == (True, False, False)
    assert session.api.do_command("list_jobs") == {
        "status": ApiStatus.ERROR_INACTIVE_SESSION,
        "details": "Session is inactive, please try later",
    }
    session.api.close()


@pytest.mark.parametrize("release", CELL_RELEASES)
def test_a_session_that_never_connected_knows_no_commands(
    running: Callable[[str], MockServer], release: str, tmp_path: Path
) -> None:
    session = Session(ADMIN, str(running(release).kit(directory=tmp_path / "kits")))
    assert session.api.check_command("list_jobs") is CommandInfo.UNKNOWN
    assert session.api.do_command("list_jobs")["status"] is ApiStatus.ERROR_SYNTAX
    assert (session.api.closed, session.api.server_sess_active) == (False, False)


def test_a_server_that_is_gone_is_a_status() -> None:
    for release in ("2.6", "2.9"):
        with MockServer(release) as server:
            session = new_session(ADMIN, str(server.kit()))
        reply = session.api.do_command("list_jobs")
        assert reply["status"] is ApiStatus.ERROR_SERVER_CONNECTION
        if release == "2.6":
            assert reply["meta"]["status"] == "error"
            assert reply["data"][0]["data"].startswith("Failed to communicate with Admin Server")
        else:
            assert reply["details"] == "Server did not respond"
        session.close()


def test_the_timeout_of_commands_is_that_of_the_session(session: Session) -> None:
    session.api.set_command_timeout(7)
    assert session.api.cmd_timeout == 7.0
    session.api.unset_command_timeout()
    assert session.api.cmd_timeout is None
    for value, kind in (("7", TypeError), (True, TypeError), (0, ValueError), (-1, ValueError)):
        with pytest.raises(kind):
            session.api.set_command_timeout(value)  # type: ignore[arg-type]


def test_local_commands_of_service_providers_are_of_releases_to_2_6(session: Session, server: MockServer) -> None:
    reply = session.api.do_command("list_sp")
    if server.release in CELL_RELEASES:
        assert reply["status"] is ApiStatus.ERROR_SYNTAX
        return
    config = session._conversation.kit.config
    address = f"{server.host}:{config.fl_port}:{server.admin_port}"
    assert reply["data"]["primary_sp"]["sp_end_point"] == address
    assert reply["details"] == str(reply["data"])
    active = session.api.do_command("get_active_sp")
    assert active["details"].startswith(f"SP(name='{server.host}', ")
    if server.release == "2.3":
        assert set(active) == {"status", "details"}
        return
    assert active["meta"]["admin_port"] == str(server.admin_port)
    assert session.api.do_command("promote_sp")["meta"]["status"] == "syntax_error"
    assert session.api.do_command(f"promote_sp {address}")["meta"] == {
        "status": "internal_error",
        "info": "this functionality is not supported by the dummy agent",
    }


def test_the_session_has_do_command_from_2_7_on(session: Session, server: MockServer) -> None:
    if server.release in CELL_RELEASES:
        assert session.do_command("list_jobs")["status"] == "SUCCESS"
    else:
        with pytest.raises(
            NotInRelease, match=f"do_command is of releases 2.7 to 2.9, but the server is of {server.release}"
        ):
            session.do_command("list_jobs")


def test_properties_travel_with_a_command(running: Callable[[str], MockServer], tmp_path: Path) -> None:
    server = running("2.9")
    with new_session(ADMIN, str(server.kit(directory=tmp_path / "kits"))) as session:
        sent: list[object] = []
        ask = session._connection._ask
        session._connection._ask = lambda envelope: (sent.append(envelope.meta), ask(envelope))[1]
        session.api.do_command("list_jobs", {"a": 1})
        session.api.do_command("list_jobs")
    assert sent == [{"cmd_props": {"a": 1}}, {}]
