"""Sites that take their time to answer: when the server answers, and what it says of those that were silent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flare_client import InternalError, Session, new_secure_session
from mock_server import MockServer
from mock_server.scenarios import Scenario, ScenarioError
from tests.support import JobMaker, wait_until

RELEASES = ("2.3", "2.6", "2.9")
SLOW, SILENT = {"name": "slow", "answers": "3s"}, {"name": "silent", "answers": "never"}
QUICK = {"name": "quick"}
JOBS = [{"queued": 0, "running": "1d"}]
PATIENCE = 10.0


class Rig:
    """A session on a server whose sites take their time, which is virtual."""

    def __init__(self, server: MockServer) -> None:
        self.server = server
        self.session: Session = new_secure_session("admin@nvidia.com", str(server.kit()))

    def takes(self, ask: Callable[[Session], Any]) -> tuple[float, Any]:
        """How long something takes on the server's clock, and what comes of it: a value, or an error."""
        began = self.server.clock.monotonic()
        try:
            found = ask(self.session)
        except InternalError as problem:
            found = problem
        return self.server.clock.monotonic() - began, found

    def raw(self, line: str) -> dict[str, Any]:
        """The reply to a command line, as it came."""
        found: dict[str, Any] = self.session.api.do_command(line)
        return found


@pytest.fixture(scope="module", params=RELEASES)
def shared(request: pytest.FixtureRequest) -> Iterator[MockServer]:
    with MockServer(request.param, clock="virtual") as server:
        yield server


@pytest.fixture
def rig(shared: MockServer) -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(*sites: dict[str, Any], **scenario: Any) -> Rig:
        shared.reset(scenario={"sites": sites, "jobs": JOBS, "limits": {"max_jobs": 9}, **scenario}, clock="virtual")
        made.append(Rig(shared))
        return made[-1]

    yield make
    for one in made:
        one.session.close()


def rows(reply: dict[str, Any]) -> list[list[str]]:
    [table] = [item["rows"] for item in reply["data"] if item["type"] == "table"]
    return table


def words(reply: dict[str, Any]) -> list[str]:
    return [item["data"] for item in reply["data"] if item["type"] in ("string", "error")]


def test_the_server_answers_once_the_slowest_site_has(rig: Callable[..., Rig]) -> None:
    one = rig(SLOW, QUICK, {"name": "slower", "answers": "5s"})
    assert one.takes(lambda _: [row[3] for row in rows(one.raw("check_status client"))]) == (
        5.0,
        ["STATUS", "No Jobs", "No Jobs", "No Jobs"],
    )
    assert one.takes(lambda _: rows(one.raw("check_status client quick"))[1][0]) == (0.0, "quick")
    assert one.takes(lambda _: one.raw("check_status server")["data"][0]["data"]) == (0.0, "Engine status: stopped")


def test_a_site_that_is_silent_has_no_status(rig: Callable[..., Rig]) -> None:
    one = rig(QUICK, SILENT)
    seconds, reply = one.takes(lambda _: one.raw("check_status client"))
    assert seconds == PATIENCE
    assert rows(reply)[1:] == [["quick", "?", "?", "No Jobs"], ["silent", "?", "?", "No Reply"]]
    told = [{"client_name": "quick", "status": "no_jobs"}, {"client_name": "silent", "status": "no_reply"}]
    assert reply.get("meta", {}).get("client_status") == (None if one.server.release == "2.3" else told)


def test_a_client_may_say_how_long_the_server_is_to_wait(rig: Callable[..., Rig]) -> None:
    one = rig(SLOW)
    if one.server.release == "2.3":  # it is the server's timeout, for everybody
        one.raw("set_timeout 2")
    else:
        one.session.set_timeout(2.0)
    seconds, reply = one.takes(lambda _: one.raw("check_status client"))
    assert (seconds, rows(reply)[1][3]) == (2.0, "No Reply")


def test_a_shell_command_waits_as_long_as_the_server_does(rig: Callable[..., Rig]) -> None:
    one = rig(SLOW, SILENT)
    if one.server.release != "2.3":
        one.session.set_timeout(2.0)
    assert one.takes(lambda _: one.raw("pwd slow"))[0] == 3.0
    seconds, reply = one.takes(lambda _: one.raw("pwd silent"))
    text = "no reply from client - timed out"
    assert (seconds, words(reply)) == (PATIENCE, [text])
    status = ("error", text) if one.server.release == "2.3" else ("internal_error", "client timeout")
    assert (reply["meta"]["status"], reply["meta"]["info"]) == status
    if one.server.release != "2.3":
        problem = one.takes(lambda s: s.get_working_directory("silent"))[1]
        assert isinstance(problem, InternalError)


def test_statistics_end_with_the_first_site_that_is_silent(rig: Callable[..., Rig], make_job: JobMaker) -> None:
    one = rig(QUICK, SILENT, {"name": "late", "answers": "1s"})
    job_id = one.session.submit_job(str(make_job(min_clients=1)))
    one.server.wait_until(job_id, "RUNNING")
    seconds, reply = one.takes(lambda _: one.raw(f"show_stats {job_id} client"))
    assert seconds == PATIENCE
    if one.server.release == "2.3":
        said = ["--- Client ---: quick", "--- Client ---: silent", "Bad responses from clients", "--- Client ---: late"]
        assert words(reply) == said
        return
    [told] = [item["data"] for item in reply["data"] if item["type"] == "dict"]
    assert list(told) == ["quick", "silent"]
    assert told["silent"] == "invalid_reply"


def test_other_commands_say_that_there_was_no_reply(rig: Callable[..., Rig]) -> None:
    one = rig(QUICK, SILENT)
    assert words(one.raw("sys_info client")) == ["Client: quick", "Client: silent", ": No replies"]
    assert rows(one.raw("report_resources client"))[2] == ["silent", "No replies"]
    assert rows(one.raw("show_scopes client"))[1:] == [["quick", "", ""], ["silent", "", "no reply"]]
    if one.server.release == "2.9":
        assert one.session.report_version("client")["silent"] == {"error": "No replies"}
    if one.server.release != "2.3":
        reply = one.raw("report_env")
        assert rows(reply)[2] == ["silent", "No replies"]
        assert reply["meta"]["clients"][1] == "No replies"
        assert rows(one.raw("configure_site_log client INFO"))[2] == ["silent", ""]


def test_a_restart_tells_who_was_silent_and_goes_on(rig: Callable[..., Rig]) -> None:
    one = rig(QUICK, SILENT)
    seconds, reply = one.takes(lambda _: one.raw("restart client"))
    assert seconds == PATIENCE
    assert words(reply) == ["client:quick : Restart the client...\nclient:silent : No replies\n"]
    if one.server.release != "2.3":
        assert reply["meta"]["client_status"] == {"quick": "Restart the client...", "silent": "no_reply"}


def test_what_is_refused_is_refused_at_once(rig: Callable[..., Rig], make_job: JobMaker) -> None:
    one = rig(SILENT, QUICK)
    job_id = one.session.submit_job(str(make_job(min_clients=1)))
    one.server.wait_until(job_id, "RUNNING")
    for line in (
        "check_status client nobody",
        "pwd nobody",
        "restart client",
        "shutdown client",
        "show_stats x client",
    ):
        assert one.takes(lambda _, line=line: words(one.raw(line)))[0] == 0.0, line


def test_a_command_that_asks_no_site_does_not_wait(rig: Callable[..., Rig]) -> None:
    one = rig(SILENT)
    assert one.takes(lambda s: s.list_jobs()) == (0.0, [])
    assert one.takes(lambda s: s.get_system_info().client_info[0].name) == (0.0, "silent")


def test_a_delay_that_varies_is_drawn_again_from_the_same_seed(rig: Callable[..., Rig]) -> None:
    site = {"name": "moody", "answers": {"mean": "2s", "distribution": "exponential", "most": "9s"}}

    def waits(seed: int) -> list[float]:
        one = rig(site, seed=seed)
        return [round(one.takes(lambda _: one.raw("check_status client"))[0], 6) for _ in range(5)]

    first = waits(1)
    assert len(set(first)) == 5
    assert max(first) <= 9.0
    assert waits(1) == first
    assert waits(2) != first


def test_on_a_clock_that_goes_the_answer_is_late(workspace: Callable[[], Path]) -> None:
    sites = [{"name": "slow", "answers": "30s"}]
    with (
        MockServer("2.9", scenario={"sites": sites}, clock="x100", workspace=workspace()) as server,
        new_secure_session("admin@nvidia.com", str(server.kit())) as session,
    ):
        session.set_timeout(60.0)
        began = server.clock.monotonic()
        assert session.get_client_job_status() == [{"client_name": "slow", "status": "no_jobs"}]
        assert server.clock.monotonic() - began >= 30.0
        [call] = server.calls.of("check_status")
        assert call.status is None or call.status == "ok"


def test_a_reset_forgets_what_was_to_be_answered(workspace: Callable[[], Path]) -> None:
    sites = [{"name": "silent", "answers": "never"}]
    with MockServer("2.6", scenario={"sites": sites}, workspace=workspace()) as server:
        session = new_secure_session("admin@nvidia.com", str(server.kit()))
        server.call(lambda context: setattr(context, "site_timeout", 3600.0))

        problems: list[BaseException] = []

        def ask() -> None:
            try:
                session.get_client_job_status()
            except (InternalError, ConnectionError) as problem:
                problems.append(problem)

        asking = threading.Thread(target=ask)
        asking.start()
        wait_until(lambda: server.received("check_status") == 1)
        server.reset()
        asking.join()
        assert len(problems) == 1
        assert server.received("check_status") == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sites: [{name: a, answers: soon}]", "sites\\[0\\].answers: expected a duration as"),
        ("sites: [{name: a, answers: {mean: 1s, jiter: 2s}}]", "jiter: expected no such field.*did you mean 'jitter'"),
        ("server: {answers: 3s}", "server.answers: expected no such field"),
    ],
)
def test_what_is_no_answer_is_a_fault_of_the_file(text: str, expected: str) -> None:
    with pytest.raises(ScenarioError, match=expected):
        Scenario.parse(text)
