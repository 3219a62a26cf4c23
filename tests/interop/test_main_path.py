"""Official clients on a mock server of their release: what a user does on a good day."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.adapters.base import Adapter, ClientError, ClientSession
from flare_client.protocol.releases import ReleaseProfile
from mock_server import MockServer
from tests.interop.conftest import ADMIN, EVERY_PEER, watch
from tests.support import JobMaker

pytestmark = pytest.mark.parametrize("peer", EVERY_PEER, indirect=True, scope="session")


def test_a_job_from_submission_to_its_result(
    client: Adapter, own_server: Callable[..., MockServer], make_job: JobMaker
) -> None:
    result = {"files": {"app_server/accuracy.txt": "0.93"}}
    server = own_server(
        scenario={"jobs": [{"match": {"name": "hello"}, "queued": 0.05, "running": 0.2, "result": result}]}
    )
    session = client.open(ADMIN, server.kit(ADMIN))
    folder = make_job("hello", files={"app/custom/net.py": "print('net')"})

    job_id = session.call("submit_job", str(folder))
    seen = watch(session, job_id, keyword=7)
    path = Path(session.call("download_job_result", job_id))

    assert seen.returned == "JOB_FINISHED"
    assert {call["id"] for call in seen.calls} == {job_id}
    assert all(call["same"] and call["kwargs"] == {"keyword": 7} for call in seen.calls)
    assert seen.calls[-1]["status"] == "FINISHED:COMPLETED"
    assert (path / "workspace" / "app_server" / "accuracy.txt").read_text() == "0.93"
    assert (path / "job" / "hello" / "app" / "custom" / "net.py").read_text() == "print('net')"
    stored = json.loads((path / "workspace" / "meta.json").read_text())
    assert stored["name"] == "hello"


def test_a_second_download_is_named_as_the_release_does(
    session: ClientSession, profile: ReleaseProfile, make_job: JobMaker
) -> None:
    job_id = session.call("submit_job", str(make_job()))
    watch(session, job_id)

    first, second = (Path(session.call("download_job_result", job_id)) for _ in range(2))

    assert (first.name, second.name) == (job_id, f"{job_id}__1" if profile.renames_downloads else job_id)


def test_meta_of_a_submitted_job(session: ClientSession, server: MockServer, make_job: JobMaker) -> None:
    job_id = session.call("submit_job", str(make_job("waits", min_clients=9)))

    meta = session.call("get_job_meta", job_id)

    assert meta["job_id"] == job_id
    assert (meta["name"], meta["job_folder_name"]) == ("waits", "waits")
    assert (meta["submitter_name"], meta["submitter_org"], meta["submitter_role"]) == (
        ADMIN,
        "nvidia",
        "project_admin",
    )
    assert (meta["status"], meta["duration"], meta["start_time"]) == ("SUBMITTED", "N/A", "")
    assert meta["deploy_map"] == {"app": ["@ALL"]}


def test_lists_are_filtered_ordered_and_cut_by_the_server(
    client: Adapter, own_server: Callable[..., MockServer], make_job: JobMaker
) -> None:
    session = client.open(ADMIN, (server := own_server()).kit(ADMIN))
    names = ["Alpha-1", "beta-1", "alpha-2", "beta-2"]
    ids = [session.call("submit_job", str(make_job(name, min_clients=9))) for name in names]

    def listed(**arguments: object) -> list[str]:
        return [job["job_name"] for job in session.call("list_jobs", **arguments)]

    assert listed() == names
    assert listed(reverse=True) == names[::-1]
    assert listed(limit=2) == names[-2:]
    assert listed(limit=2, reverse=True) == names[:1:-1]
    assert listed(name_prefix="ALPHA") == ["Alpha-1", "alpha-2"]
    assert listed(id_prefix=ids[1][:12].upper()) == ["beta-1"]
    assert listed(name_prefix="gamma") == []
    detailed, stored = None, server.job_metas()
    while detailed is None or stored != server.job_metas():  # the scheduler looked at the jobs meanwhile
        stored = server.job_metas()
        detailed = session.call("list_jobs", detailed=True)
    assert [job["name"] for job in detailed] == names
    assert detailed == [json.loads(json.dumps(meta)) for meta in stored]


def test_a_clone_is_a_new_job_of_the_caller(session: ClientSession, make_job: JobMaker) -> None:
    source = session.call("submit_job", str(make_job("original", min_clients=9)))

    clone = session.call("clone_job", source)

    meta = session.call("get_job_meta", clone)
    assert clone != source
    assert (meta["cloned_from"], meta["name"], meta["min_clients"]) == (source, "original", 9)


def test_abort_and_delete(
    client: Adapter, own_server: Callable[..., MockServer], make_job: JobMaker, profile: ReleaseProfile
) -> None:
    server = own_server(scenario={"jobs": [{"queued": 0.01, "running": "1h"}]})
    session = client.open(ADMIN, server.kit(ADMIN))
    waiting = session.call("submit_job", str(make_job("waiting", min_clients=9)))
    running = session.call("submit_job", str(make_job("running")))
    seen = watch(session, running, timeout=0.3)
    assert (seen.returned, seen.calls[-1]["status"]) == ("TIMEOUT", "RUNNING")

    with pytest.raises(ClientError, match=f"JobNotDone: job {running} is still running"):
        session.call("delete_job", running)
    said = {job_id: session.call("abort_job", job_id) for job_id in (running, waiting)}
    signalled, before = "Abort signal has been sent to the server app.", f"Aborted the job {waiting} before running it."
    assert said == ({running: signalled, waiting: before} if profile.abort_returns_info else dict.fromkeys(said))

    for job_id in (running, waiting):
        assert session.call("get_job_meta", job_id)["status"] == "FINISHED:ABORTED"
        done = f"Job for {job_id} is already completed."
        assert session.call("abort_job", job_id) == (done if profile.abort_returns_info else None)
        record = {"job_id": job_id, "submit_records_marked_deleted": 0}
        assert session.call("delete_job", job_id) == (record if profile.delete_returns_record else None)
        with pytest.raises(ClientError, match=f"JobNotFound: no such job: {job_id}"):
            session.call("get_job_meta", job_id)


def test_a_callback_that_says_no_ends_the_monitoring(session: ClientSession, make_job: JobMaker) -> None:
    job_id = session.call("submit_job", str(make_job("waits", min_clients=9)))

    seen = watch(session, job_id, [True, "yes", 1, 0], poll_interval=0.01)

    assert (seen.returned, len(seen.calls)) == ("ENDED_BY_CB", 4)


def test_system_info_names_server_sites_and_jobs(session: ClientSession, server: MockServer) -> None:
    info = session.call("get_system_info")

    assert sorted(site["name"] for site in info["client_info"]) == ["site-1", "site-2"]
    assert info["server_info"]["status"] in ("started", "stopped")
    assert abs(info["server_info"]["start_time"] - server.clock.time()) < 600


def test_a_closed_session_refuses_every_call(client: Adapter, server: MockServer) -> None:
    session = client.open(ADMIN, server.kit(ADMIN))
    session.call("close")
    with pytest.raises(ClientError, match="SessionClosed: session closed"):
        session.call("list_jobs")


def test_what_needs_many_pieces_arrives_whole(
    client: Adapter, own_server: Callable[..., MockServer], make_job: JobMaker
) -> None:
    """Uploads go in pieces of 1 MiB from 2.7 on, downloads in pieces of 5 MiB."""
    content = "".join(f"{number:08d}" for number in range(1_600_000))
    session = client.open(ADMIN, own_server(scenario={"jobs": [{"queued": 0.01, "running": 0.05}]}).kit(ADMIN))
    job_id = session.call("submit_job", str(make_job("large", files={"app/custom/data.txt": content})))
    assert watch(session, job_id).returned == "JOB_FINISHED"
    path = Path(session.call("download_job_result", job_id))
    assert (path / "job" / "large" / "app" / "custom" / "data.txt").read_text() == content
