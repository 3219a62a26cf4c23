"""``fed_admin.json``: what is read, what is refused and how the official client names the fault, what is written."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flare_client.protocol.kit import (
    DUMMY_AGENT,
    MAX_CONFIG_LENGTH,
    KitFormatError,
    parse_admin_config,
    render_admin_config,
)
from flare_client.protocol.releases import PROFILES, ReleaseProfile

Document = dict[str, Any]
Change = Callable[[Document], object]

ports = st.integers(min_value=1, max_value=65535)
hosts = st.from_regex(r"[a-z][a-z0-9.-]{0,30}", fullmatch=True)


def changed(change: Change) -> str:
    document = json.loads(render_admin_config(PROFILES["2.6"], "localhost", 8002, 8003, secure=True))
    change(document)
    return json.dumps(document)


def admin(**fields: object) -> Change:
    return lambda document: document["admin"].update(fields)


def agent(**fields: object) -> Change:
    return lambda document: document["admin"]["overseer_agent"].update(fields)


def args(**fields: object) -> Change:
    return lambda document: document["admin"]["overseer_agent"]["args"].update(fields)


def without(*path: str) -> Change:
    def remove(document: Document) -> None:
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return remove


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
@given(host=hosts, fl_port=ports, admin_port=ports)
def test_what_is_written_is_read_back(profile: ReleaseProfile, host: str, fl_port: int, admin_port: int) -> None:
    secure = parse_admin_config(render_admin_config(profile, host, fl_port, admin_port, secure=True))
    assert (secure.host, secure.fl_port, secure.admin_port) == (host, fl_port, admin_port)
    assert secure.with_ssl
    assert (secure.ca_cert, secure.client_cert, secure.client_key) == ("rootCA.pem", "client.crt", "client.key")
    insecure = parse_admin_config(render_admin_config(profile, host, fl_port, admin_port, secure=False))
    assert (insecure.host, insecure.fl_port, insecure.admin_port) == (host, fl_port, admin_port)
    assert not insecure.with_ssl
    assert (insecure.ca_cert, insecure.client_cert, insecure.client_key) == (None, None, None)


def test_secure_kit_has_the_provisioned_content() -> None:
    assert json.loads(render_admin_config(PROFILES["2.6"], "example.com", 8002, 8003, secure=True)) == {
        "format_version": 1,
        "admin": {
            "with_file_transfer": True,
            "upload_dir": "transfer",
            "download_dir": "transfer",
            "with_login": True,
            "with_ssl": True,
            "cred_type": "cert",
            "client_key": "client.key",
            "client_cert": "client.crt",
            "ca_cert": "rootCA.pem",
            "prompt": "> ",
            "overseer_agent": {"args": {"sp_end_point": "example.com:8002:8003"}, "path": DUMMY_AGENT},
        },
    }


@pytest.mark.parametrize("profile", PROFILES.values(), ids=str)
def test_only_the_insecure_poc_kit_names_a_heartbeat(profile: ReleaseProfile) -> None:
    config = parse_admin_config(render_admin_config(profile, "localhost", 8002, 8003, secure=False))
    assert config.heartbeat_interval == (6 if profile.poc_is_insecure else None)


# Each class is the one that the official clients of all four releases were seen to raise.
REFUSED: list[tuple[str, Change, str, str]] = [
    ("no admin", without("admin"), "admin", "ValueError"),
    ("admin a list", lambda d: d.update(admin=[1]), "admin", "ValueError"),
    ("admin empty", lambda d: d.update(admin={}), "admin", "ConfigError"),
    ("no upload_dir", without("admin", "upload_dir"), "admin.upload_dir", "TypeError"),
    ("no download_dir", without("admin", "download_dir"), "admin.download_dir", "TypeError"),
    ("upload_dir empty", admin(upload_dir=""), "admin.upload_dir", "ValueError"),
    ("upload_dir a number", admin(upload_dir=5), "admin.upload_dir", "ValueError"),
    ("download_dir null", admin(download_dir=None), "admin.download_dir", "TypeError"),
    ("download_dir a list", admin(download_dir=[]), "admin.download_dir", "TypeError"),
    ("no ca_cert", without("admin", "ca_cert"), "admin.ca_cert", "ConfigError"),
    ("client_cert empty", admin(client_cert=""), "admin.client_cert", "ConfigError"),
    ("client_key a number", admin(client_key=5), "admin.client_key", "ValueError"),
    ("client_key null", admin(client_key=None), "admin.client_key", "TypeError"),
    ("client_key a list", admin(client_key=[]), "admin.client_key", "ConfigError"),
    ("no agent", without("admin", "overseer_agent"), "admin.overseer_agent", "TypeError"),
    ("agent a number", admin(overseer_agent=5), "admin.overseer_agent", "ConfigError"),
    ("agent disabled", agent(disabled=True), "admin.overseer_agent", "TypeError"),
    ("no path", without("admin", "overseer_agent", "path"), "admin.overseer_agent.path", "ConfigError"),
    ("path a bare name", agent(path="DummyOverseerAgent"), "admin.overseer_agent.path", "ConfigError"),
    ("path empty", agent(path=""), "admin.overseer_agent.path", "ConfigError"),
    ("path null", agent(path=None), "admin.overseer_agent.path", "ConfigError"),
    ("args a list", agent(args=[]), "admin.overseer_agent.args", "ConfigError"),
    ("args unknown", args(foo=1), "admin.overseer_agent.args", "ConfigError"),
    ("no args", without("admin", "overseer_agent", "args"), "admin.overseer_agent.args.sp_end_point", "ConfigError"),
    *(
        (f"end point {value!r}", args(sp_end_point=value), "admin.overseer_agent.args.sp_end_point", "ConfigError")
        for value in (None, 5, "", "host:8003", "a:1:2:3", "h:x:y", "h:0:8003", "h:8002:65536", "h:8002:²", ":1:2")
    ),
]


@pytest.mark.parametrize(("change", "field", "official"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_an_unusable_field_is_named_with_the_official_class(change: Change, field: str, official: str) -> None:
    with pytest.raises(KitFormatError) as caught:
        parse_admin_config(changed(change))
    assert (caught.value.field, caught.value.official) == (field, official)
    assert caught.value.expected in str(caught.value)
    assert caught.value.got in str(caught.value)


@pytest.mark.parametrize("text", ["", '{"a"', "[]", "null", '"admin"', "[" * 100_000])
def test_a_file_that_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(KitFormatError, match="expected a JSON object") as caught:
        parse_admin_config(text)
    assert caught.value.official == "ValueError"


def test_an_oversized_file_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(KitFormatError, match="characters"):
        parse_admin_config(" " * (MAX_CONFIG_LENGTH + 1))


def test_a_high_availability_kit_is_refused_with_its_reason() -> None:
    with pytest.raises(KitFormatError, match="high availability are not supported") as caught:
        parse_admin_config(changed(agent(path="nvflare.ha.overseer_agent.HttpOverseerAgent")))
    assert caught.value.official == "ConfigError"


@pytest.mark.parametrize(
    "change",
    [
        without("format_version"),
        without("admin", "prompt"),
        without("admin", "cred_type"),
        lambda d: d.update(other={"a": [1]}),
        admin(other={"a": [1]}),
        agent(path="my.own.agent.Agent"),
        lambda d: d["admin"].update(
            overseer_agent={"name": "DummyOverseerAgent", "args": {"sp_end_point": "localhost:8002:8003"}}
        ),
    ],
)
def test_what_official_clients_do_without_may_be_missing_or_different(change: Change) -> None:
    assert parse_admin_config(changed(change)).admin_port == 8003


def test_the_last_of_two_equal_keys_counts() -> None:
    text = changed(agent())[:-1] + ', "admin": {"x": 1}}'
    with pytest.raises(KitFormatError) as caught:
        parse_admin_config(text)
    assert caught.value.field == "admin.overseer_agent"


@pytest.mark.parametrize("flag", [False, None, 0, ""])
def test_without_tls_the_names_of_certificates_do_not_count(flag: object) -> None:
    config = parse_admin_config(changed(admin(with_ssl=flag, ca_cert="x", client_key=None)))
    assert (config.with_ssl, config.ca_cert, config.client_cert, config.client_key) == (False, None, None, None)


@pytest.mark.parametrize(("value", "read"), [(6, 6.0), (0.5, 0.5), (None, None), ("6", None), (True, None)])
def test_any_heartbeat_is_tolerated_and_only_a_number_is_read(value: object, read: float | None) -> None:
    assert parse_admin_config(changed(args(heartbeat_interval=value))).heartbeat_interval == read


@pytest.mark.parametrize(("host", "port"), [("", 8003), ("a:b", 8003), ("localhost", 0), ("localhost", 65536)])
def test_an_address_that_makes_no_end_point_is_not_written(host: str, port: int) -> None:
    with pytest.raises(KitFormatError, match="sp_end_point"):
        render_admin_config(PROFILES["2.6"], host, 8002, port, secure=True)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    field=st.sampled_from(
        ["upload_dir", "download_dir", "with_ssl", "ca_cert", "client_cert", "client_key", "overseer_agent"]
    ),
    value=json_values,
)
def test_any_value_in_any_field_is_read_or_refused_and_never_crashes(field: str, value: object) -> None:
    text = changed(admin(**{field: value}))
    official: str | None
    try:
        config = parse_admin_config(text)
    except KitFormatError as problem:
        official = problem.official
        read: tuple[object, ...] = ()
    else:
        official = None
        read = (config.upload_dir, config.download_dir, config.host)
    assert official in (None, "ConfigError", "TypeError", "ValueError")
    assert all(isinstance(value, str) and value for value in read)


@pytest.mark.parametrize(
    ("interval", "read"), [("9" * 400, math.inf), ("-" + "9" * 400, -math.inf), ("1e400", math.inf)]
)
def test_a_heartbeat_beyond_every_number_hinders_nobody(interval: str, read: float) -> None:
    text = changed(args(heartbeat_interval=-7)).replace("-7", interval)
    assert parse_admin_config(text).heartbeat_interval == read
