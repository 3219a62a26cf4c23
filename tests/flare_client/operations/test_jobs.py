"""What later releases added to jobs: components, commands of apps, statuses; and how words become lines."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flare_client import InternalError, JobNotFound, JobNotRunning, NoReply
from flare_client.operations import jobs
from tests.flare_client.operations.scripted import (
    ScriptedConversation,
    content,
    reply,
    text,
    with_upload_folder,
)


@pytest.mark.parametrize(
    ("release", "line"),
    [("2.3", "list_jobs -n two words a"), ("2.7", "list_jobs -n two words a"), ("2.8", 'list_jobs -n "two words" a')],
)
def test_prefixes_travel_in_quotes_from_2_8_on(release: str, line: str) -> None:
    asked = ScriptedConversation(release, reply(status="ok", jobs=[]))
    assert jobs.list_jobs(asked, name_prefix="two words", id_prefix="a") == []
    assert asked.lines == [line]


def test_the_status_stands_in_the_meta() -> None:
    meta = reply(status="ok", job_meta={"status": "RUNNING"})
    assert jobs.get_job_status(ScriptedConversation("2.9", meta), "id") == "RUNNING"
    without = reply(status="ok", job_meta={"name": "x"})
    assert jobs.get_job_status(ScriptedConversation("2.9", without), "id") is None
    with pytest.raises(JobNotFound):
        jobs.get_job_status(ScriptedConversation("2.9"), "")


def test_components_are_listed() -> None:
    asked = ScriptedConversation("2.6", reply(status="ok", job_components=["ERRORLOG_site-1"]))
    assert jobs.list_job_components(asked, "id") == ["ERRORLOG_site-1"]
    assert asked.lines == ["list_job id"]
    assert jobs.list_job_components(ScriptedConversation("2.9", reply(status="ok")), "id") == []


def test_a_job_without_components_is_an_error_to_2_7() -> None:
    refusal = reply(text("none"), status="no_job_compoents", info="No additional job components found.")
    with pytest.raises(InternalError, match="no_job_compoents: No additional job components found"):
        jobs.list_job_components(ScriptedConversation("2.7", refusal), "id")


@pytest.mark.parametrize("function", [jobs.list_job_components, jobs.download_job_components])
@pytest.mark.parametrize("job_id", ["", None, 5])
def test_components_are_of_a_job(function: Any, job_id: Any) -> None:
    asked = ScriptedConversation("2.9")
    with pytest.raises(JobNotFound):
        function(asked, job_id)
    assert asked.lines == []


def test_an_app_is_asked_with_its_data_beside_the_line() -> None:
    asked = ScriptedConversation("2.5", reply(content({"done": True}), status="ok"))
    assert jobs.do_app_command(asked, "id", "topic", {"a": [1, None]}) == {"done": True}
    assert jobs.do_app_command(asked, "id", "topic", None) == {"done": True}
    assert asked.lines == ["app_command id topic"] * 2
    assert asked.metas == [{"cmd_props": {"a": [1, None]}}, None]


@pytest.mark.parametrize("data", [{"a": object()}, {1, 2}, b"x", {("a",): 1}])
def test_data_that_cannot_be_json_is_not_sent(data: Any) -> None:
    asked = ScriptedConversation("2.9")
    with pytest.raises(ValueError, match="^cmd_data cannot be JSON serialized: "):
        jobs.do_app_command(asked, "id", "topic", data)
    assert asked.lines == []


@pytest.mark.parametrize(("status", "kind"), [("job_not_running", JobNotRunning), ("no_reply", NoReply)])
def test_an_app_that_does_not_answer_is_told_apart(status: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        jobs.do_app_command(ScriptedConversation("2.5", reply(text("x"), status=status, info="id")), "id", "t", None)


def test_apps_to_upload_are_the_folders_of_the_upload_folder(tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
    (tmp_path / "file.txt").write_text("")
    assert jobs.get_available_apps_to_upload(with_upload_folder(ScriptedConversation("2.6"), tmp_path)) == ["a", "b"]
