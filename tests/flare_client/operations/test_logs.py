"""Logs of jobs, and how much is written into logs."""

from __future__ import annotations

from typing import Any

import pytest

from flare_client import errors
from flare_client.operations import logs
from tests.flare_client.operations.scripted import FINE, ScriptedConversation, content, reply

TEXT = "one\ntwo\nthree two\n"
LOGS = reply(content({"logs": {"server": TEXT, "site-1": TEXT}, "unavailable": {"site-2": "not there"}}), status="ok")


def conversation(*answers: Any) -> ScriptedConversation:
    return ScriptedConversation("2.9", *(answers or [LOGS]))


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({}, "get_job_log id server"),
        ({"target": "all"}, "get_job_log id all"),
        ({"target": "site-1", "log_file_name": "log.json"}, "get_job_log id site-1 log.json"),
        ({"target": "two words"}, 'get_job_log id "two words"'),
    ],
)
def test_the_line_names_the_log_where_it_is_another(arguments: dict[str, str], line: str) -> None:
    asked = conversation()
    assert logs.get_job_logs(asked, "id", **arguments) == {
        "logs": {"server": TEXT, "site-1": TEXT},
        "unavailable": {"site-2": "not there"},
    }
    assert asked.lines == [line]


@pytest.mark.parametrize(
    ("tail", "pattern", "left"),
    [
        (2, None, "two\nthree two\n"),
        (0, None, ""),
        (99, None, TEXT),
        ("1", None, "three two\n"),
        (None, "two", "two\nthree two\n"),
        (2, "three", "three two\n"),
        (1, "one", ""),  # the lines are counted first
        (None, "", TEXT),
    ],
)
def test_lines_are_chosen_here(tail: Any, pattern: str | None, left: str) -> None:
    found = logs.get_job_logs(conversation(), "id", tail_lines=tail, grep_pattern=pattern)
    assert found["logs"] == {"server": left, "site-1": left}
    assert found["unavailable"] == {"site-2": "not there"}


@pytest.mark.parametrize("tail", [-1, "x", 2.5j])
def test_what_is_no_number_of_lines_is_refused(tail: Any) -> None:
    with pytest.raises(ValueError, match="tail_lines must be an integer and not negative"):
        logs.get_job_logs(conversation(), "id", tail_lines=tail)


def test_a_payload_without_logs_is_the_logs() -> None:
    assert logs.get_job_logs(conversation(reply(content({"server": TEXT}))), "id") == {"logs": {"server": TEXT}}
    assert logs.get_job_logs(conversation(reply()), "id") == {"logs": {}}


def test_a_server_that_knows_one_log_has_no_other() -> None:
    refusal = reply(status="syntax_error", info="unrecognized arguments: log.json")
    assert logs.get_job_logs(conversation(refusal), "id", log_file_name="log.json") == {"logs": {}}
    with pytest.raises(errors.InternalError, match="unrecognized arguments"):
        logs.get_job_logs(conversation(refusal), "id")


@pytest.mark.parametrize("target", ["", None, 5])
def test_a_target_is_text(target: Any) -> None:
    with pytest.raises(ValueError, match="target must be a non-empty str"):
        logs.get_job_logs(conversation(), "id", target)


@pytest.mark.parametrize("job_id", ["", None, 5])
def test_a_job_id_is_text(job_id: Any) -> None:
    for call in (
        lambda: logs.get_job_logs(conversation(), job_id),
        lambda: logs.configure_job_log(conversation(), job_id, "INFO"),
    ):
        with pytest.raises(errors.JobNotFound):
            call()


@pytest.mark.parametrize(
    ("target", "config", "line"),
    [
        ("all", "DEBUG", "configure_job_log id all DEBUG"),
        ("server", 10, "configure_job_log id server 10"),
        ("site-1", "concise", "configure_job_log id client site-1 concise"),
        ("all", {"version": 1}, 'configure_job_log id all "{\\"version\\": 1}"'),
    ],
)
def test_the_level_of_a_job_is_set(target: str, config: Any, line: str) -> None:
    asked = conversation(FINE)
    logs.configure_job_log(asked, "id", config, target)
    assert asked.lines == [line]


@pytest.mark.parametrize(
    "config", ["DEBUG", "info", "10", "0", "50", "reload", "full", "concise", "msg_only", " verbose "]
)
def test_levels_and_modes_of_machines_pass(config: str) -> None:
    asked = conversation(FINE)
    logs.configure_site_log(asked, config)
    assert asked.lines == [f"configure_site_log all {config.strip()}"]


@pytest.mark.parametrize(
    "config", ["", " ", "loud", "51", "-1", "1.5", "basic_format", "getlogger", {"version": 1}, 10, None]
)
def test_other_levels_of_machines_are_not_sent(config: Any) -> None:
    asked = conversation(FINE)
    with pytest.raises(ValueError, match="only supports log levels and built-in log modes"):
        logs.configure_site_log(asked, config)
    assert asked.lines == []
