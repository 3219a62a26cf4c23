"""Who may ask: programs of this machine with the token, and our own page. Nobody else, whatever they send."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mock_server import ControlSettings, MockServer
from tests.mock_server.control.asking import Api
from tests.support import read_all


def test_it_listens_on_loopback_alone(server: MockServer) -> None:
    assert server.control.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    "given",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", "Basic {token}", "{token}", "Bearer {token}x", "Bearer t\u00f6ken"],
)
def test_without_the_token_nothing_is_told(api: Api, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given.format(token=api.token)}
    said = api.raw("GET", "/v1/server", **headers)
    assert said.status == 401
    assert said.headers["www-authenticate"].startswith("Bearer ")
    assert "Authorization" in said.detail
    assert api.token not in said.detail


@pytest.mark.parametrize("path", ["/v1/reset", "/v1/faults", "/v1/kits", "/v1/nothing", "/v1"])
def test_without_the_token_nothing_is_done(api: Api, path: str) -> None:
    jobs = api.get("jobs")["total"]
    assert api.raw("POST", path, b"{}", Content_Type="application/json").status == 401
    assert api.get("jobs")["total"] == jobs


def test_the_page_and_the_document_hold_no_secret_and_need_no_token(api: Api) -> None:
    for path in ("/", "/page.js", "/page.css", "/v1/openapi.json"):
        said = api.raw("GET", path)
        assert said.status == 200
        assert api.token.encode() not in said.content


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "", "[::1]:{port}"]
)
def test_another_host_is_refused_as_by_dns_rebinding(api: Api, host: str) -> None:
    port = api.address.partition(":")[2]
    for path in ("/", "/v1/server", "/v1/openapi.json"):
        said = api.raw("GET", path, Host=host.format(port=port), Authorization=f"Bearer {api.token}")
        assert said.status == 421
        assert "expected a Host of 127.0.0.1:" in said.detail


@pytest.mark.parametrize("host", ["localhost:{port}", "LOCALHOST:{port}", "127.0.0.1:{port}"])
def test_both_names_of_this_machine_will_do(api: Api, host: str) -> None:
    host = host.format(port=api.address.partition(":")[2])
    assert api.raw("GET", "/v1/clock", Host=host, Authorization=f"Bearer {api.token}").status == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://{own}", "http://localhost:1", ""])
def test_a_page_of_another_site_is_refused_even_with_the_token(api: Api, origin: str) -> None:
    headers = {"Origin": origin.format(own=api.address), "Authorization": f"Bearer {api.token}"}
    said = api.raw("POST", "/v1/restart", **headers)
    assert said.status == 403
    assert "pages of others have no access" in said.detail
    assert api.get("server")["events"] == []


def test_our_own_page_may_ask(api: Api) -> None:
    headers = {"Origin": f"http://{api.address}", "Authorization": f"Bearer {api.token}"}
    assert api.raw("GET", "/v1/clock", **headers).status == 200


def test_no_other_site_is_ever_told_that_it_may(api: Api) -> None:
    said = api.raw(
        "OPTIONS",
        "/v1/server",
        Origin=f"http://{api.address}",
        Access_Control_Request_Method="GET",
        Access_Control_Request_Headers="authorization",
        Authorization=f"Bearer {api.token}",
    )
    assert said.status == 405
    assert not [name for name in said.headers if name.startswith("access-control-")]


def test_every_answer_keeps_browsers_from_misusing_it(api: Api) -> None:
    for path in ("/", "/v1/server", "/v1/nothing", "/v1/openapi.json"):
        headers = api.raw("GET", path).headers
        assert headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers


def test_a_token_of_ones_own_counts_and_none_is_asked_where_it_is_empty() -> None:
    with MockServer(control=ControlSettings(token="my-own-token")) as server:
        api = Api(server)
        assert api.token == "my-own-token"
        assert api.get("clock")["kind"] == "real"
    with MockServer(control=ControlSettings(token="")) as server:
        api = Api(server)
        assert api.raw("GET", "/v1/clock").status == 200
        assert "security" not in api.document
        assert api.raw("GET", "/v1/clock", Origin="http://evil.example").status == 403
        assert api.raw("GET", "/v1/clock", Host="evil.example").status == 421


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"token": "short"}, "8 characters or more, but got 5"),
        ({"token": "with space"}, "printable ASCII without spaces"),
        ({"token": "t\u00f6ken-t\u00f6ken"}, "printable ASCII"),
        ({"port": -1}, "from 0 to 65535"),
        ({"port": 65536}, "but got 65536"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        ControlSettings(**settings)


# --- hostile input ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "expected a body of JSON"),
        (b"\xff\xfe", "expected a body of JSON"),
        (b'{"by": NaN}', "NaN is no number of JSON"),
        (b'{"by": -Infinity}', "Infinity is no number"),
        (b'{"by": 1, "by": 2}', "'by' stands twice"),
        (b'{"by": "\\ud800"}', "UTF-8 cannot have"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"by": ' + b"1" * 10_000 + b"}", "expected"),
        (b'"text"', "body"),
        (b"null", "body"),
    ],
    ids=["cut", "binary", "nan", "infinity", "twice", "surrogate", "deep", "huge-number", "text", "null"],
)
def test_a_body_that_is_none_is_refused(api: Api, body: bytes, text: str) -> None:
    before = api.get("clock")
    said = api.ask("POST", "clock/advance", body)
    assert said.status == 422
    assert text in said.detail
    assert api.get("clock") == before


def test_a_body_must_say_that_it_is_json(api: Api) -> None:
    said = api.ask("POST", "clock/advance", b'{"by": 1}', Content_Type="application/x-www-form-urlencoded")
    assert (said.status, "expected the Content-Type application/json" in said.detail) == (415, True)


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(api: Api) -> None:
    said = api.raw("POST", "/v1/reset", Authorization=f"Bearer {api.token}", Content_Length=str(10**12))
    assert said.status == 413
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    host, _, port = api.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        head = f"POST /v1/reset HTTP/1.1\r\nHost: {api.address}\r\nAuthorization: Bearer {api.token}\r\n"
        head += "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
        try:
            for _ in range(400):
                connection.sendall(chunk)
        except OSError:
            pass  # it said no before it had all
        answer = read_all(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"expected a body of at most 8,388,608 bytes" in answer


@pytest.mark.parametrize(
    "request_line",
    [
        b"GET /v1/server\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
    ],
)
def test_what_is_no_http_ends_the_connection_and_nothing_else(api: Api, request_line: bytes) -> None:
    host, _, port = api.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request_line)
        connection.shutdown(socket.SHUT_WR)
        read_all(connection)
    assert api.get("clock")["kind"] == "virtual"


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/%2e%2e/settings.py", "/page", "//", "/index.html/", "/v1/../page.js"]
)
def test_no_other_file_is_served(api: Api, path: str) -> None:
    said = api.raw("GET", path, Authorization=f"Bearer {api.token}")
    assert said.status == 404


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
BODIES = {
    "reset": ("scenario", "scenario_yaml", "sites", "clock"),
    "clock/advance": ("by", "to", "to_next_event"),
    "faults": ("action", "command", "at", "nth", "probability"),
    "kits": ("name", "org", "role"),
    "jobs/nothing/wait": ("status", "timeout"),
    "jobs/nothing/result": ("files", "size", "trees"),
}


@settings(max_examples=60)
@given(st.data())
def test_no_body_is_beyond_an_answer(api: Api, data: st.DataObject) -> None:
    """Whatever a body holds, the server says what is wrong, or does it; it never fails."""
    path = data.draw(st.sampled_from(sorted(BODIES)))
    body = data.draw(st.dictionaries(st.sampled_from(BODIES[path]), JSON, max_size=3) | JSON)
    said = api.ask("POST", path, json.dumps(body).encode())
    assert said.status in (200, 201, 404, 409, 413, 422), said.content
    api.done("DELETE", "faults")


def test_what_clients_sent_is_told_in_json_that_anybody_reads(api: Api, server: MockServer) -> None:
    name = "nan\ud800"
    server.reset(scenario={"jobs": [], "faults": []})
    body = {"action": {"kind": "reply", "meta": {"deep": [1e308]}}, "command": name.encode("utf-8", "ignore").decode()}
    assert api.ask("POST", "faults", body).status == 201
    assert api.get("faults")[0]["action"]["meta"] == {"deep": [1e308]}
