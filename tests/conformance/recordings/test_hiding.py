"""What may stand in a recording, and what of an answer is compared."""

from __future__ import annotations

import json

import pytest

from conformance.recordings.hiding import Hiding
from conformance.recordings.uncompared import TABLE, Comparable

JOB = "6fb9bbd0-3b1b-4a2c-8f2f-0123456789ab"
OTHER = "11111111-2222-4333-8444-555555555555"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIE\n-----END CERTIFICATE-----"


def hiding() -> Hiding:
    found = Hiding(["flare.example.com"])
    assert found.name_of(JOB) == "<job 1>"
    return found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"Job {JOB.upper()} ended", "Job <job 1> ended"),
        (f"New client site-1 joined. Sent token: {OTHER}.  Total clients: 1", "token: [redacted]"),
        (f"registered {OTHER}", "registered <uuid>"),
        (KEY, "[redacted]"),
        (CERTIFICATE, "<certificate>"),
        ("password=hunter2", "password=[redacted]"),
        ("at flare.example.com:8003", "at <host>:8003"),
        ("site-1@192.0.2.7 joined", "site-1@<host> joined"),
        ("at FLARE.Example.com", "at <host>"),
        ("from [2001:db8::7]:8002, fe80::1", "from [<host>]:8002, <host>"),
        ("::1 at 08:15:38, std::string, a::b, 1:2:3", "::1 at 08:15:38, std::string, <host>, 1:2:3"),
        ("127.0.0.1:8002, release 2.9.0", "127.0.0.1:8002, release 2.9.0"),
        ("xflare.example.community", "xflare.example.community"),
        ("in /home/somebody/poc/site-1/startup", "in <path>/startup"),
        ("sha " + "0f" * 20, "sha <digest>"),
        ("rate 3/4, and/or", "rate 3/4, and/or"),
    ],
)
def test_secrets_ids_paths_and_hosts_are_hidden(text: str, shown: str) -> None:
    marks = hiding()
    hidden = marks.text(text)
    assert shown in hidden
    assert marks.text(hidden) == hidden


def test_values_are_hidden_by_the_name_of_their_field_at_any_depth() -> None:
    shown = hiding().value({"jobs": [{"job_id": JOB, "token": "abc", "limit": 3, f"log of {JOB}": ["/a/b/c"]}]})
    assert shown == {"jobs": [{"job_id": "<job 1>", "token": "[redacted]", "limit": 3, "log of <job 1>": ["<path>/c"]}]}


def test_names_stand_for_ids_in_arguments() -> None:
    marks = hiding()
    assert marks.with_ids("<job 1>") == JOB
    assert marks.with_ids(["site-1"]) == ["site-1"]
    with pytest.raises(KeyError):
        marks.with_ids("<job 2>")


def test_an_id_that_a_definition_gave_is_no_part_of_a_longer_word() -> None:
    marks = Hiding()
    marks.name_of("run")
    marks.name_of("run-2")
    assert marks.text("run, run-2, running") == "<job 1>, <job 2>, running"


def test_hosts_stay_where_they_are_asked_for() -> None:
    assert Hiding().text("at flare.example.com:8003") == "at flare.example.com:8003"
    assert Comparable(["flare.example.com"]).text("at flare.example.com:8003") == "at <address>"


@pytest.mark.parametrize(
    ("meta", "shown"),
    [
        (
            {"submit_time": 1.5, "start_time": "", "duration": "N/A"},
            {"submit_time": "<time>", "start_time": "", "duration": "N/A"},
        ),
        ({"duration": "0:00:03.1"}, {"duration": "<duration>"}),
        ({"schedule_count": 3}, {"schedule_count": "<count>"}),
        (
            {"schedule_history": ["2026-01-01 10:00:00: no site", "2026-01-01 10:00:10: scheduled"]},
            {"schedule_history": "scheduled"},
        ),
        ({"job_deploy_detail": ["site-2: OK", "server: OK"]}, {"job_deploy_detail": ["server: OK", "site-2: OK"]}),
        ({"jobs": [{"job_id": "b", "status": "X"}, {"job_id": "a", "status": "X"}]}, None),
        ({"clients": [{"name": "b"}, {"name": "a"}]}, {"clients": [{"name": "a"}, {"name": "b"}]}),
        ({"note": "2026-01-01 10:00:00,123 - 127.0.0.1:8002"}, {"note": "<time> - <address>"}),
    ],
)
def test_what_is_not_compared_is_a_word(meta: dict[str, object], shown: dict[str, object] | None) -> None:
    assert Comparable().value(meta) == (meta if shown is None else shown)


def test_looks_before_the_end_of_a_job_that_never_ran_are_left_out() -> None:
    meta = {"status": "FINISHED:ABORTED", "start_time": "", "schedule_count": 2, "schedule_history": ["x"]}
    assert Comparable().value(meta) == {"status": "FINISHED:ABORTED", "start_time": ""}
    running = meta | {"status": "RUNNING", "start_time": "2026-01-01 10:00:00.0"}
    assert "schedule_history" in Comparable().value(running)


def test_everything_that_is_not_compared_has_a_reason() -> None:
    assert all(one.what and one.shown and len(one.reason) > 10 for one in TABLE)
    assert json.dumps([one.what for one in TABLE])
