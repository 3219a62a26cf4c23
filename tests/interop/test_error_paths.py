"""Official clients on a mock server of their release: what goes wrong, in the words of the official server."""

from __future__ import annotations

import datetime
import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from conformance.adapters.base import Adapter, ClientError, ClientSession
from flare_client.protocol.releases import Download, ReleaseProfile
from mock_server import MockServer
from mock_server.pki import Pki
from tests.interop.conftest import ADMIN, watch
from tests.support import JobMaker, write_job

MEMBER = "member@nvidia.com"
SHORT = 1.6
"""Seconds to connect: enough for a first login, which is all that counts in tests of refusal."""


def sessions_of(server: MockServer) -> int:
    """Return how many admin sessions a server holds: a refusal must not be a login that was merely slow."""
    return server.call(lambda context: len(context.sessions))


def refused(client: Adapter, server: MockServer, user: str, kit: Path) -> tuple[str, str]:
    """Try to log in where the server must refuse; return class and text of the failure."""
    before = sessions_of(server)
    failure = fails(lambda: client.open(user, kit, timeout=SHORT))
    assert sessions_of(server) == before
    return failure


def fails(call: Callable[[], object]) -> tuple[str, str]:
    """Return class and text of what an official call raises."""
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.types[0], caught.value.text


# --- login ----------------------------------------------------------------------------------------------------------


def test_a_wrong_user_name_is_no_connection(client: Adapter, server: MockServer) -> None:
    expected = ("NoConnection", f"cannot connect to FLARE in {SHORT} seconds")
    assert refused(client, server, "somebody@nvidia.com", server.kit(ADMIN)) == expected


def test_a_user_of_another_authority_is_no_connection(client: Adapter, server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    foreign = Pki.foreign()
    try:
        credentials = foreign.issue_user(ADMIN)
    finally:
        foreign.close()
    (kit / "startup" / "client.crt").write_bytes(credentials.certificate_pem)
    (kit / "startup" / "client.key").write_bytes(credentials.key_pem)
    assert refused(client, server, ADMIN, kit)[0] == "NoConnection"


def test_a_server_of_another_authority_is_no_connection(client: Adapter, server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    foreign = Pki.foreign()
    foreign.close()
    (kit / "startup" / "rootCA.pem").write_bytes(foreign.ca_pem)
    assert refused(client, server, ADMIN, kit)[0] == "NoConnection"


@pytest.mark.parametrize("days", [(-20, -10), (10, 20)], ids=["expired", "not-yet-valid"])
def test_a_certificate_outside_its_days_is_no_connection(
    client: Adapter, server: MockServer, tmp_path: Path, days: tuple[int, int]
) -> None:
    now = datetime.datetime.now(datetime.timezone.utc)
    not_before, not_after = (now + datetime.timedelta(days=day) for day in days)
    kit = server.kit(ADMIN, directory=tmp_path, not_before=not_before, not_after=not_after)
    assert refused(client, server, ADMIN, kit)[0] == "NoConnection"


def test_a_certificate_for_another_name_is_no_connection(client: Adapter, server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path, common_name=MEMBER)
    assert refused(client, server, ADMIN, kit)[0] == "NoConnection"
    client.open(MEMBER, kit)  # the name in the certificate is the one that counts


def test_refused_peers_leave_the_server_serving(session: ClientSession) -> None:
    assert session.call("get_system_info")["client_info"]


def test_a_kit_without_certificate_is_a_config_error(client: Adapter, server: MockServer, tmp_path: Path) -> None:
    kit = server.kit(ADMIN, directory=tmp_path)
    (kit / "startup" / "client.crt").unlink()
    assert fails(lambda: client.open(ADMIN, kit, timeout=SHORT))[0] == "ConfigError"


# --- ids ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get_job_meta", "abort_job", "delete_job", "clone_job", "download_job_result"])
def test_an_unknown_id_is_not_found(session: ClientSession, method: str) -> None:
    for job_id in (str(uuid.uuid4()), "no-such-id", "00000000-0000-0000-0000-000000000000"):
        assert fails(lambda job_id=job_id: session.call(method, job_id)) == ("JobNotFound", f"no such job: {job_id}")


def test_an_upper_case_id_is_found(session: ClientSession, make_job: JobMaker) -> None:
    job_id = session.call("submit_job", str(make_job(min_clients=9)))
    assert session.call("get_job_meta", job_id.upper())["job_id"] == job_id
    assert fails(lambda: session.call("get_job_meta", job_id[:8]))[0] == "JobNotFound"


def test_an_upper_case_id_cannot_be_downloaded(session: ClientSession, make_job: JobMaker) -> None:
    job_id = session.call("submit_job", str(make_job(min_clients=9)))
    assert fails(lambda: session.call("download_job_result", job_id.upper()))[0] == "InternalError"


def test_a_limit_that_is_no_number_is_refused_by_the_server(session: ClientSession) -> None:
    kind, message = fails(lambda: session.call("list_jobs", limit=True))
    assert kind == "InternalError"
    assert "invalid int value: 'True'" in message


# --- job definitions --------------------------------------------------------------------------------------------------

ON_ALL = {"app": ["@ALL"]}
ON_SITES = {"app": ["server", "site-1"]}

BROKEN_METAS: list[tuple[dict[str, object], str]] = [
    ({"deploy_map": {}}, "deploy_map is empty for job J"),
    ({"deploy_map": {"app": []}}, "No site is specified in deploy_map for job J"),
    ({"deploy_map": {"app": ["@all", "site-1"]}}, "No other site can be specified if @ALL is used for job J"),
    ({"deploy_map": {"app": ["site-1"]}}, "Missing server site in deploy_map for job J"),
    (
        {"deploy_map": {"app": ["server", "site-1", "site-1"]}},
        "Multiple apps to be deployed to following sites ['site-1'] for job J",
    ),
    ({"deploy_map": {"none": ["@ALL"]}}, "App {none} in deploy_map doesn't exist for job J"),
    (
        {"min_clients": "abc"},
        '("invalid data type for abc,can\'t not convert to Int", '
        "\"ValueError: invalid literal for int() with base 10: 'abc'\")",
    ),
    ({"min_clients": 0}, "min_clients 0 must be positive for job J"),
    ({"min_clients": 1_000_001}, "min_clients 1000001 must be less than 1000000  for job J"),
    ({"deploy_map": ON_SITES, "min_clients": 3}, "min 3 clients required for job J, found 1."),
    ({"resource_spec": 5}, "Invalid resource_spec for job J"),
    ({"resource_spec": {"site-1": 5}}, "value for key site-1 in resource spec is expecting a dictionary"),
    (
        {"deploy_map": ON_SITES, "min_clients": 1, "mandatory_clients": ["site-9"]},
        "Mandatory clients {'site-9'} are not in the deploy_map for job J",
    ),
]


@pytest.mark.parametrize(("meta", "text"), BROKEN_METAS, ids=[text[:30] for _, text in BROKEN_METAS])
def test_a_broken_meta_is_refused_in_the_official_words(
    session: ClientSession, profile: ReleaseProfile, make_job: JobMaker, meta: dict[str, object], text: str
) -> None:
    expected = text.replace("{none}", "'none'" if profile.quotes_app_names else "none")
    before = session.call("list_jobs")

    failure = fails(lambda: session.call("submit_job", str(make_job("J", **meta))))

    assert failure == ("InvalidJobDefinition", f"invalid job definition: {profile.rejection_prefix}{expected}")
    assert session.call("list_jobs") == before


@pytest.mark.parametrize("side", ["server", "client"])
def test_an_app_without_its_config_is_refused(
    session: ClientSession, profile: ReleaseProfile, make_job: JobMaker, side: str
) -> None:
    folder = make_job("J")
    (folder / "app" / "config" / f"config_fed_{side}.json").unlink()
    app = "'app'" if profile.quotes_app_names else "app"
    text = f"App {app} will be deployed to {side} but {side} config is missing"
    assert fails(lambda: session.call("submit_job", str(folder))) == (
        "InvalidJobDefinition",
        f"invalid job definition: {profile.rejection_prefix}{text}",
    )


def test_a_job_without_meta_is_refused(session: ClientSession, profile: ReleaseProfile, make_job: JobMaker) -> None:
    folder = make_job("J")
    (folder / "meta.json").unlink()
    text = (
        "App J in deploy_map doesn't exist for job J"
        if profile.accepts_legacy_jobs
        else "meta.[json|conf|yml] not existing for job J, possible in legacy job format.  "
        "Please upgrade the job structure."
    )
    assert fails(lambda: session.call("submit_job", str(folder))) == (
        "InvalidJobDefinition",
        f"invalid job definition: {profile.rejection_prefix}{text}",
    )


def test_a_meta_that_is_no_json_is_refused(session: ClientSession, profile: ReleaseProfile, make_job: JobMaker) -> None:
    folder = make_job("J")
    (folder / "meta.json").write_text("{no")
    kind, message = fails(lambda: session.call("submit_job", str(folder)))
    parser = "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"
    assert message.endswith(parser)
    assert kind == ("InternalError" if profile.accepts_legacy_jobs else "InvalidJobDefinition")


def test_a_path_that_is_no_job_folder_never_reaches_the_server(session: ClientSession, tmp_path: Path) -> None:
    before = session.call("list_jobs")
    for path in ("", None, str(tmp_path / "nowhere")):
        assert fails(lambda path=path: session.call("submit_job", path))[0] == "InvalidJobDefinition"
    assert session.call("list_jobs") == before


# --- rights -----------------------------------------------------------------------------------------------------------


def test_a_member_may_look_and_nothing_else(
    client: Adapter, server: MockServer, session: ClientSession, make_job: JobMaker
) -> None:
    job_id = session.call("submit_job", str(make_job("J", min_clients=9)))
    member = client.open(MEMBER, server.kit(MEMBER, role="member"))

    assert member.call("get_job_meta", job_id)["job_id"] == job_id
    assert any(job["job_id"] == job_id for job in member.call("list_jobs"))
    assert member.call("get_system_info")["client_info"]
    for method in ("clone_job", "abort_job", "delete_job"):
        kind, message = fails(lambda method=method: member.call(method, job_id))
        assert kind == "AuthorizationError"
        assert message == (
            f"user not authorized for the action '{method} {job_id}: user '{MEMBER}' is not authorized for '{method}''"
        )
    assert fails(lambda: member.call("download_job_result", job_id))[0] == "AuthorizationError"
    assert fails(lambda: member.call("submit_job", str(make_job("M"))))[0] == "AuthorizationError"


def test_a_lead_manages_own_jobs_only(
    client: Adapter, server: MockServer, session: ClientSession, make_job: JobMaker
) -> None:
    theirs = session.call("submit_job", str(make_job("theirs", min_clients=9)))
    lead = client.open("lead@nvidia.com", server.kit("lead@nvidia.com", role="lead"))
    own = lead.call("submit_job", str(make_job("own", min_clients=9)))

    assert fails(lambda: lead.call("abort_job", theirs))[0] == "AuthorizationError"
    assert lead.call("abort_job", own) is None
    assert lead.call("delete_job", own) is None


# --- the server goes away ---------------------------------------------------------------------------------------------


def test_an_expired_session_is_an_internal_error_for_ever(
    client: Adapter, own_server: Callable[..., MockServer], profile: ReleaseProfile
) -> None:
    server = own_server()
    session = client.open(ADMIN, server.kit(ADMIN))
    server.expire_sessions()

    prefix = "server internal error (error)" if profile.missing_meta_status_is_error else "error"
    for _ in range(2):
        assert fails(lambda: session.call("list_jobs")) == ("InternalError", f"{prefix}: session_inactive")


def test_a_restart_ends_sessions_and_abandons_running_jobs(
    client: Adapter, own_server: Callable[..., MockServer], make_job: JobMaker
) -> None:
    server = own_server(scenario={"jobs": [{"queued": 0.0, "running": "1h"}]})
    session = client.open(ADMIN, server.kit(ADMIN))
    job_id = session.call("submit_job", str(make_job()))
    watch(session, job_id, timeout=0.2)

    server.restart()

    assert fails(lambda: session.call("list_jobs"))[0] == "InternalError"
    again = client.open(ADMIN, server.kit(ADMIN))
    meta = again.call("get_job_meta", job_id)
    assert (meta["status"], meta["duration"]) == ("FINISHED:ABANDONED", "N/A")


def test_a_server_that_is_gone_is_an_internal_error(client: Adapter, own_server: Callable[..., MockServer]) -> None:
    server = own_server()
    session = client.open(ADMIN, server.kit(ADMIN))
    server.stop()
    kind, message = fails(lambda: session.call("list_jobs"))
    assert kind == "InternalError"
    assert "Failed to communicate with Admin Server" in message


# --- releases with ways of their own --------------------------------------------------------------------------------


def test_a_result_above_the_limit_is_named_by_its_address(
    client: Adapter, own_server: Callable[..., MockServer], profile: ReleaseProfile, tmp_path: Path
) -> None:
    limits = {"max_download_size": "10kB", "download_url": "http://results.example.com/"}
    rules = [{"match": {"name": "big"}, "queued": 0.0, "running": 0.0, "result": {"size": "20kB"}}]
    server = own_server(scenario={"limits": limits, "jobs": [*rules, {"queued": 0.0, "running": 0.0}]})
    session = client.open(ADMIN, server.kit(ADMIN))

    def result(name: str) -> tuple[str, str]:
        job_id = session.call("submit_job", str(write_job(tmp_path, name)))
        watch(session, job_id, poll_interval=0.02)
        return job_id, session.call("download_job_result", job_id)

    small_id, small = result("small")
    big_id, big = result("big")

    assert Path(small).name == small_id
    if profile.download is Download.INLINE_BASE64:  # the others know no limit
        assert big == f"http://results.example.com/{big_id}"
    else:
        assert (Path(big) / "workspace" / "result.bin").stat().st_size == 20_000


def test_an_insecure_kit_works_for_its_one_user(
    client: Adapter, own_server: Callable[..., MockServer], profile: ReleaseProfile, make_job: JobMaker
) -> None:
    server = own_server(secure=False)
    kit = server.kit()
    assert kit.name == "admin"
    assert not (kit / "startup" / "client.key").exists()
    session = client.open("admin", kit, secure=False)

    job_id = session.call("submit_job", str(make_job()))
    assert watch(session, job_id).returned == "JOB_FINISHED"
    meta = session.call("get_job_meta", job_id)
    assert (meta["submitter_name"], meta["submitter_org"], meta["submitter_role"]) == (
        "admin",
        "global",
        profile.insecure_role,
    )
    path = Path(session.call("download_job_result", job_id))
    assert json.loads((path / "job" / "hello" / "meta.json").read_text())["name"] == "hello"
    shutil.rmtree(path)
