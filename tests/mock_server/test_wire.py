"""Raw bytes at the server: what an official server of the release answers, this one answers."""

from __future__ import annotations

import json
import socket
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from flare_client.protocol.hci.exchange import encode_footer, encode_header
from flare_client.protocol.releases import profile_for
from mock_server import MockServer
from mock_server.pki import Pki
from tests.support import RELEASES, RawClient, read_all, wait_until

Raw = Callable[[str], RawClient]

UNKNOWN_ID = "96db3f35-0898-4499-a2a9-ea0344f585df"


def error_of(reply: dict[str, Any]) -> tuple[str, str, str]:
    """The text of the first error item, and status and info of the meta."""
    text = next(item["data"] for item in reply["data"] if item["type"] == "error")
    return text, reply["meta"]["status"], reply["meta"]["info"]


@pytest.mark.parametrize("release", RELEASES)
def test_login_answers_with_a_token_and_an_empty_meta(raw: Raw, release: str) -> None:
    reply = raw(release).ask("_cert_login admin@nvidia.com")
    assert [item["type"] for item in reply["data"]] == ["string", "token"]
    assert reply["meta"] == {}


@pytest.mark.parametrize(
    "line",
    [
        "_cert_login lead@nvidia.com",
        "_cert_login",
        "_cert_login admin@nvidia.com x",
        "_cert_login ADMIN@nvidia.com",
        "_login admin admin",
    ],
)
def test_a_login_that_does_not_fit_the_certificate_is_rejected(raw: Raw, line: str) -> None:
    reply = raw("2.6").ask(line)
    assert reply["data"] == [{"type": "string", "data": "REJECT"}]
    assert reply["meta"] == {}


@pytest.mark.parametrize("release", RELEASES)
def test_an_unknown_token_is_an_inactive_session(raw: Raw, release: str) -> None:
    reply = raw(release).ask("list_jobs", "00000000-dead-0000-0000-000000000000")
    text = "user not authenticated or session timed out after 3600 seconds of inactivity - logged out"
    assert reply["data"] == [{"type": "error", "data": "session_inactive"}, {"type": "string", "data": text}]
    assert reply["meta"] == {"status": "error", "info": "session_inactive"}


def test_no_token_is_not_authenticated(raw: Raw) -> None:
    text = "not authenticated - no token"
    assert error_of(raw("2.6").ask("list_jobs")) == (text, "error", text)


def test_an_unknown_command_is_reported_before_a_bad_token(raw: Raw) -> None:
    assert error_of(raw("2.6").ask("nosuch x", "bad"))[0] == 'Unknown command "nosuch"'
    assert error_of(raw("2.6").ask("list_sessions", "bad"))[0] == 'Unknown command "list_sessions"'


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("", 'Unknown command ""'),
        (" list_jobs", 'Unknown command ""'),
        ("LIST_JOBS", 'Unknown command "LIST_JOBS"'),
        ('list_jobs -n "lo', "Exception Occurred: ValueError: No closing quotation"),
    ],
)
def test_odd_command_lines_get_the_official_words(raw: Raw, line: str, text: str) -> None:
    client = raw("2.6")
    assert error_of(client.ask(line, client.login())) == (text, "error", text)


def test_the_exemption_from_the_token_check_is_for_the_plain_name(raw: Raw) -> None:
    assert error_of(raw("2.6").ask("login._cert_login admin@nvidia.com"))[0] == "not authenticated - no token"


def test_a_session_is_checked_logged_out_and_gone(raw: Raw) -> None:
    client = raw("2.6")
    token = client.login()
    assert client.ask("_check_session", token)["data"] == [{"type": "string", "data": "OK"}]
    assert client.ask("_logout", token)["data"] == [{"type": "string", "data": "OK"}]
    assert error_of(client.ask("_logout", token))[0] == "session_inactive"
    assert error_of(client.ask("_check_session", token))[0] == "session_inactive"
    assert error_of(client.ask("_check_session"))[0] == "session_inactive"


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(
    "data", [b"hello", b'{"data":[]}', b'{"data":[{"type":"foo","data":"x"}]}', b"[1]", b'{"data":[{"type":"string"}]}']
)
def test_what_is_no_request_is_a_protocol_violation(raw: Raw, release: str, data: bytes) -> None:
    answer = json.loads(raw(release).send(data + b"\x03\x04")[:-2])
    status = profile_for(release).protocol_violation_status
    assert error_of(answer) == ("protocol violation", status, "protocol violation")


def test_a_command_that_is_no_text_is_an_error_and_the_server_goes_on(raw: Raw) -> None:
    client = raw("2.6")
    reply = json.loads(client.send(b'{"data":[{"type":"command","data":{"a":1}}]}\x03\x04')[:-2])
    assert error_of(reply)[0].startswith("Exception Occurred: TypeError")
    assert client.login()


@pytest.mark.parametrize(("release", "answer"), [("2.3", b""), ("2.4", b""), ("2.5", b"\x04"), ("2.6", b"\x04")])
def test_invalid_utf_8_is_answered_as_the_release_does(raw: Raw, release: str, answer: bytes) -> None:
    assert raw(release).send(b'{"data":\xff\x03\x04') == answer


def exchange(line: str, token: str, body: bytes, checksum: int | None = None) -> bytes:
    items = [{"type": "command", "data": line}, {"type": "token", "data": token}]
    meta = json.dumps({"data": items}).encode()
    return encode_header(meta, len(body)) + body + encode_footer(zlib.crc32(body) if checksum is None else checksum)


def test_any_command_may_come_as_an_exchange(raw: Raw) -> None:
    client = raw("2.6")
    reply = json.loads(client.send(exchange("_check_session", client.login(), b"x"))[:-2])
    assert reply["data"] == [{"type": "string", "data": "OK"}]


def test_a_broken_exchange_stores_nothing(raw: Raw, servers: Callable[[str], MockServer]) -> None:
    client = raw("2.6")
    token = client.login()
    before = servers("2.6").job_metas()
    assert client.send(exchange("submit_job x", token, b"body", checksum=1)) == b"\x04"
    empty = json.loads(client.send(exchange("submit_job x", token, b""))[:-2])
    assert error_of(empty) == ("no data received from client", "internal_error", "no data received")
    with client.connect() as connection:
        connection.sendall(exchange("submit_job x", token, b"0123456789")[:-9])
    assert servers("2.6").job_metas() == before
    uploads = servers("2.6").call(lambda context: context.staging.root)
    wait_until(lambda: not list(uploads.iterdir()))


def test_a_submission_that_is_no_zip_gets_the_official_words(raw: Raw) -> None:
    client = raw("2.6")
    reply = json.loads(client.send(exchange("submit_job x", client.login(), b"no zip"))[:-2])
    assert error_of(reply) == (
        "Exception occurred trying to submit job: BadZipFile: File is not a zip file",
        "internal_error",
        "exception <class 'zipfile.BadZipFile'> occurred",
    )


def test_a_submission_without_a_folder_or_without_data(raw: Raw) -> None:
    client = raw("2.6")
    token = client.login()
    reply = json.loads(client.send(exchange("submit_job", token, b"x"))[:-2])
    assert error_of(reply)[0] == "Exception Occurred: IndexError: list index out of range"
    assert "job_data must be bytes or str" in error_of(client.ask("submit_job x", token))[0]


@pytest.mark.parametrize("command", ["get_job_meta", "delete_job", "abort_job", "clone_job", "download_job"])
def test_job_ids_are_checked_in_the_official_order_and_words(raw: Raw, command: str) -> None:
    client = raw("2.6")
    token = client.login()
    assert error_of(client.ask(command, token)) == ("syntax error: missing job_id", "syntax_error", "missing job_id")
    assert error_of(client.ask(f"{command} nope", token)) == ("invalid job_id nope", "invalid_job_id", "nope")
    unknown = (f"Job with ID {UNKNOWN_ID} doesn't exist", "invalid_job_id", UNKNOWN_ID)
    assert error_of(client.ask(f"{command} {UNKNOWN_ID.upper()}", token)) == unknown
    old = raw("2.3")
    assert error_of(old.ask(f"{command} nope", old.login()))[0] == "Job with ID nope doesn't exist"


def test_a_download_of_an_unknown_transaction_ends_without_a_byte(raw: Raw) -> None:
    client = raw("2.6")
    assert error_of(client.ask(f"download_job_file tx {UNKNOWN_ID}", client.login()))[1] == "syntax_error"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("check_status", "missing target type (server or client)"),
        ("check_status foo", "unknown target type foo"),
        ("check_status client nosite", "invalid client(s): nosite"),
    ],
)
def test_targets_are_checked_with_the_official_words(raw: Raw, line: str, text: str) -> None:
    client = raw("2.6")
    assert error_of(client.ask(line, client.login())) == (text, "invalid_target", text)
    old = raw("2.3")
    assert error_of(old.ask(line, old.login())) == (text, "error", text)


def test_help_on_commands_as_the_official_server_gives_it(raw: Raw) -> None:
    client = raw("2.6")
    reply = client.ask("_commands list_jobs _cert_login nosuch", client.login())
    assert [item["data"] for item in reply["data"]] == [
        "Command: job_mgmt.list_jobs",
        "Description: list submitted jobs",
        "Usage: list_jobs [-n name_prefix] [-d] [-u] [-r] [-m num_of_jobs] [job_id_prefix]\n",
        "undefined command nosuch\n",
    ]


# --- peers that misbehave ---------------------------------------------------------------------------------------


def test_a_peer_that_is_silent_in_the_handshake_holds_up_nobody(raw: Raw, servers: Callable[[str], MockServer]) -> None:
    server = servers("2.6")
    silent = [socket.create_connection((server.host, server.admin_port)) for _ in range(20)]
    try:
        assert raw("2.6").login()
    finally:
        for connection in silent:
            connection.close()


def test_a_peer_that_leaves_at_any_byte_leaves_nothing_behind(raw: Raw, servers: Callable[[str], MockServer]) -> None:
    client, server = raw("2.6"), servers("2.6")
    request = exchange("submit_job x", client.login(), b"body")
    for length in range(0, len(request), 7):
        with client.connect() as connection:
            connection.sendall(request[:length])
    with socket.create_connection((server.host, server.admin_port)) as connection:
        connection.sendall(b"\x16\x03\x01")  # the begin of a TLS greeting
    assert client.login()
    uploads = server.call(lambda context: context.staging.root)
    wait_until(lambda: not list(uploads.iterdir()))


def test_a_stalled_request_is_cut_off() -> None:
    with MockServer("2.6", stall_timeout=0.2) as server:
        client = RawClient(server, server.kit())
        with client.connect() as connection:
            connection.sendall(b'{"data":')
            assert read_all(connection) == b""
        assert client.login()


def test_a_peer_without_a_certificate_or_with_a_foreign_one_is_refused(servers: Callable[[str], MockServer]) -> None:
    server = servers("2.6")
    foreign = Pki.foreign()
    try:
        kit = server.kit("foreign@nvidia.com", authority=foreign)
    finally:
        foreign.close()
    client = RawClient(server, kit)
    client.context.load_verify_locations(server.kit() / "startup" / "rootCA.pem")
    with pytest.raises((OSError, AssertionError)):  # the alert arrives with the first read, or the reset before it
        client.login("foreign@nvidia.com")
    assert RawClient(server, server.kit()).login()


def test_the_certificate_of_a_site_logs_in_and_may_do_nothing(servers: Callable[[str], MockServer]) -> None:
    server = servers("2.6")
    kit = server.kit("site-9", role=None)  # type: ignore[arg-type] # a site's certificate has no role
    client = RawClient(server, kit)
    text = error_of(client.ask("list_jobs", client.login("site-9")))[0]
    assert text.endswith("TypeError: User role must be a str but got <class 'NoneType'>")
