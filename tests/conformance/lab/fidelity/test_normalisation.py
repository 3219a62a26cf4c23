"""What two servers may say differently, and what they may not."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.lab.fidelity import normalisation
from conformance.lab.fidelity.normalisation import Normaliser
from conformance.lab.fidelity.peer import Seen

ONE, OTHER = "11111111-2222-4333-8444-555555555555", "aaaaaaaa-2222-4333-8444-bbbbbbbbbbbb"


def normal(value: Any, job_id: str = ONE, method: str = "") -> Any:
    return Normaliser({job_id: "job"}).seen(Seen(value), method).value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"submit_time": 1.5}, {"submit_time": 99.0}),
        ({"duration": "0:00:01.5"}, {"duration": "1:00:00.25"}),
        ({"schedule_count": 1}, {"schedule_count": 4}),
        ({"schedule_history": ["2026-01-02 03:04:05: a"]}, {"schedule_history": ["2026-01-02 03:04:06: a"] * 2}),
        ({"fl_port": "1"}, {"fl_port": "2"}),
        ({"cloned_from": "x", "name": "n"}, {"name": "n", "cloned_from": "x"}),
        ("at localhost:8003", "at 127.0.0.1:9003"),
        ("in /tmp/here/job is not", "in /var/there/job is not"),
        ("/tmp/prod_00/localhost", "/tmp/run/localhost"),
        ("Done [12 usecs] Sun Nov  1 08:10:11 2026", "Done [7 usecs] Mon Nov 30 08:10:11 2026"),
        ('{\n "submit_time": 1.5\n}', '{\n "submit_time": 2.25\n}'),
        ("not in {'a', 'b'}", "not in {'b', 'a'}"),
        ([{"site": "site-1"}, {"site": "site-2"}], [{"site": "site-2"}, {"site": "site-1"}]),
        ({"site-1": 1, "site-2": 2}, {"site-2": 2, "site-1": 1}),
        ("cells:\nsite-1\nsite-2", "cells:\nsite-2\nsite-1"),
    ],
)
def test_what_is_overlooked(one: object, other: object) -> None:
    assert repr(normal(one)) == repr(normal(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"submit_time": 1.5}, {"submit_time": "1.5"}),
        ({"duration": "N/A"}, {"duration": "0:00:01"}),
        ({"start_time": ""}, {}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (["a", "b"], ["b", "a"]),
        ("in /tmp/here/job", "in /tmp/here/other"),
        ({"schedule_history": ["2026-01-02 03:04:05: a"]}, {"schedule_history": ["2026-01-02 03:04:05: b"]}),
        (["server", "site-1"], ["site-1", "server"]),
        (f"no such job: {ONE}", f"no such job: {OTHER}"),
        ({"site-1": 1, "site-2": 2}, {"site-1": 2, "site-2": 1}),
        ("files: app/config/a.json", "files: app/other/a.json"),
        (None, ""),
        (0, False),
    ],
)
def test_what_is_not_overlooked(one: object, other: object) -> None:
    assert repr(normal(one)) != repr(normal(other))


@pytest.mark.parametrize(("length", "word"), [(36, "<job>"), (35, "<job>[:35]"), (8, "<job>[:8]")])
def test_parts_of_an_id_are_named_by_their_length(length: int, word: str) -> None:
    for job_id in (ONE, OTHER):
        assert normal(f"no job {job_id[:length]}", job_id) == f"no job {word}"
        assert normal(f"no job {job_id[:length].upper()}", job_id) == f"no job {word}"


@pytest.mark.parametrize(
    "value",
    [
        {"submit_time": 1.5, "duration": "N/A", "schedule_history": ["2026-01-02 03:04:05: a"]},
        f"no job {ONE[:12]} at localhost:80 in /tmp/a/localhost, Done [12 usecs]",
        [{"site": "site-2"}, "not in {'b', 'a'}", {"site": "site-1"}],
    ],
)
def test_what_was_kept_may_be_normalised_again(value: object) -> None:
    assert Normaliser({}).value(normal(value)) == normal(value)


def test_only_the_method_that_lists_a_folder_has_no_order() -> None:
    assert normal(["b", "a"], method="get_available_apps_to_upload") == ["a", "b"]
    assert normal(["b", "a"], method="list_job_components") == ["b", "a"]


def test_every_rule_has_a_reason() -> None:
    rules = (*normalisation.KEY_RULES, *normalisation.TEXT_RULES, *normalisation.ORDER_RULES)
    assert all(rule.reason for rule in rules)
