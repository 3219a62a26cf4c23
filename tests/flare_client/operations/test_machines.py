"""Restart and shutdown: lines, results, and waiting on a clock that only moves when it is slept on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flare_client import ConnectionLost, JobNotDone, LoginRejected, NoConnection, SessionClosed, errors
from flare_client.operations import machines, state_changes
from tests.flare_client.operations.scripted import FINE, Answer, ScriptedConversation, reply
from tests.flare_client.stopped_time import StoppedTime

GONE = NoConnection("cannot connect to FLARE in 1 seconds")
DONE = reply(status="ok", info="done")
DONE_META = {"status": "ok", "info": "done"}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> StoppedTime:
    stopped = StoppedTime()
    monkeypatch.setattr(state_changes, "time", stopped)
    return stopped


def state(started: float = 1.0, status: str = "stopped", **heard: float) -> Answer:
    clients = [{"client_name": name.replace("_", "-"), "client_last_conn_time": when} for name, when in heard.items()]
    return reply(status="ok", server_status=status, server_start_time=started, clients=clients)


def others(*answers: Answer) -> list[ScriptedConversation]:
    """Conversations for one look each."""
    return [ScriptedConversation("2.9", answer) for answer in answers]


# --- to 2.7: nothing waits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("release", ["2.4", "2.6", "2.7"])
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("server",), "server"),
        (("all",), "all"),
        (("client",), "client"),
        (("client", ["site-1", "site-2"]), "client site-1 site-2"),
        (("server", ["ignored"]), "server"),
    ],
)
def test_older_releases_ask_and_return(release: str, arguments: tuple[Any, ...], line: str, clock: StoppedTime) -> None:
    asked = ScriptedConversation(release, DONE)
    assert machines.restart(asked, *arguments) == DONE_META
    assert not asked.closed
    assert machines.shutdown(asked, *arguments) is None
    assert asked.lines == [f"restart {line}", f"shutdown {line}"]
    assert asked.closed == (release == "2.7" and arguments[0] != "client")
    assert clock.slept == []


@pytest.mark.parametrize("function", [machines.restart, machines.shutdown])
def test_targets_are_checked_before_anything_is_sent(function: Callable[..., Any]) -> None:
    for release in ("2.6", "2.9"):
        asked = ScriptedConversation(release)
        with pytest.raises(ValueError, match="invalid target_type sites"):
            function(asked, "sites")
        with pytest.raises(SyntaxError, match="targets must be a list"):
            function(asked, "client", "site-1")
        assert asked.lines == []


@pytest.mark.parametrize("function", [machines.restart, machines.shutdown])
@pytest.mark.parametrize("timeout", [0, -1, "soon", None, float("nan")])
def test_a_wait_has_a_positive_length(function: Callable[..., Any], timeout: Any) -> None:
    asked = ScriptedConversation("2.9", DONE)
    with pytest.raises(ValueError, match="timeout must be a positive number"):
        function(asked, "server", timeout=timeout)
    assert asked.lines == []
    function(asked, "server", wait=False, timeout=timeout)  # which nobody looks at then
    assert len(asked.lines) == 1


# --- from 2.8: restart --------------------------------------------------------------------------------------------


def test_a_restarted_server_is_waited_for(clock: StoppedTime) -> None:
    looks = others(state(1.0), GONE, GONE, state(2.0))
    asked = ScriptedConversation("2.9", state(1.0), DONE, others=looks.copy())
    assert machines.restart(asked, "server") == DONE_META
    assert asked.lines == ["check_status server", "restart server"]
    assert asked.closed
    assert all(one.closed for one in looks)
    assert [one.logins for one in looks] == [[1.0]] * 4
    assert clock.slept == [0.5] * 3


def test_a_server_that_was_seen_down_is_back_whatever_its_start_time() -> None:
    asked = ScriptedConversation("2.9", state(1.0), DONE, others=others(GONE, state(1.0)))
    assert machines.restart(asked, "server") == DONE_META


def test_a_server_that_never_goes_down_has_not_restarted() -> None:
    asked = ScriptedConversation("2.9", state(1.0), DONE, others=others(state(1.0)))
    with pytest.raises(TimeoutError, match=r"did not restart within 2\.0 seconds; .* still running with the previous"):
        machines.restart(asked, "server", timeout=2)


def test_a_server_that_never_comes_back_has_not_restarted() -> None:
    asked = ScriptedConversation("2.9", state(1.0), DONE, others=others(GONE))
    with pytest.raises(TimeoutError, match="last error: server is not reachable yet"):
        machines.restart(asked, "server", timeout=2)


def test_a_refused_login_is_no_server_that_is_down() -> None:
    asked = ScriptedConversation("2.9", state(1.0), DONE, others=others(LoginRejected("who are you?")))
    with pytest.raises(TimeoutError, match=r"last error: who are you\?"):
        machines.restart(asked, "server", timeout=2)


def test_a_server_whose_state_is_not_told_before_may_be_any_server() -> None:
    asked = ScriptedConversation("2.9", errors.InternalError("no state"), DONE, others=others(state(1.0)))
    assert machines.restart(asked, "server") == DONE_META


def test_all_waits_for_the_sites_too(clock: StoppedTime) -> None:
    looks = others(GONE, state(2.0), state(2.0), state(2.0, site_1=9), state(2.0, site_1=9, site_2=9))
    asked = ScriptedConversation("2.9", state(1.0, site_1=5, site_2=5), DONE, others=looks.copy())
    assert machines.restart(asked, "all") == DONE_META
    assert asked.lines == ["check_status server", "restart all"]
    assert all(one.closed for one in looks)


def test_sites_that_do_not_come_back_are_named() -> None:
    looks = others(state(2.0), state(2.0, site_1=5, site_2=9))
    asked = ScriptedConversation("2.9", state(1.0, site_1=5, site_2=5, site_3=5), DONE, others=looks)
    with pytest.raises(TimeoutError, match=r"clients did not restart .* have not reconnected: site-1, site-3$"):
        machines.restart(asked, "all", timeout=3)


def test_restarted_sites_are_looked_at_in_the_same_session() -> None:
    before, half, back = state(site_1=5, site_2=5), state(site_1=9), state(site_1=9, site_2=9)
    asked = ScriptedConversation("2.9", before, DONE, half, NoConnection("x"), errors.InternalError("y"), back)
    assert machines.restart(asked, "client") == DONE_META
    assert asked.lines == ["check_status server", "restart client"] + ["check_status server"] * 4
    assert not asked.closed


def test_only_named_sites_that_were_there_are_waited_for(clock: StoppedTime) -> None:
    asked = ScriptedConversation("2.9", state(site_1=5, site_2=5), DONE, state(site_1=9, site_2=5))
    assert machines.restart(asked, "client", ["site-1", "site-7"]) == DONE_META
    assert asked.lines[1] == "restart client site-1 site-7"
    assert clock.slept == []


def test_nobody_waits_who_does_not_want_to(clock: StoppedTime) -> None:
    asked = ScriptedConversation("2.9", DONE)
    assert machines.restart(asked, "all", wait=False) == DONE_META
    assert asked.lines == ["restart all"]
    assert not asked.closed
    assert machines.shutdown(asked, "client", wait=False) == DONE_META
    assert not asked.closed
    assert machines.shutdown(asked, "server", wait=False) == DONE_META
    assert asked.closed
    assert clock.slept == []


def test_a_refused_restart_is_not_waited_for(clock: StoppedTime) -> None:
    asked = ScriptedConversation("2.9", state(), reply(status="job_running", info="id"))
    with pytest.raises(JobNotDone):
        machines.restart(asked, "server")
    assert not asked.closed
    assert clock.slept == []


# --- from 2.8: shutdown -------------------------------------------------------------------------------------------


def test_a_server_that_is_shut_down_is_waited_for(clock: StoppedTime) -> None:
    looks = others(state(), LoginRejected("no"), errors.InternalError("half down"), GONE)
    asked = ScriptedConversation("2.9", DONE, others=looks.copy())
    assert machines.shutdown(asked, "server") == DONE_META
    assert asked.lines == ["shutdown server"]
    assert asked.closed
    assert all(one.closed for one in looks)
    assert clock.slept == [0.5] * 3


def test_a_server_that_stays_is_a_timeout() -> None:
    asked = ScriptedConversation("2.9", DONE, others=others(state(status="started")))
    with pytest.raises(TimeoutError, match="did not stop within .* server is still reachable: started$"):
        machines.shutdown(asked, "all", timeout=1)


def test_sites_that_are_shut_down_are_waited_for() -> None:
    asked = ScriptedConversation("2.9", DONE, state(site_1=1, site_2=1), state(site_2=1), state())
    assert machines.shutdown(asked, "client") == DONE_META
    assert asked.lines == ["shutdown client"] + ["check_status server"] * 3


def test_only_named_sites_must_be_gone() -> None:
    asked = ScriptedConversation("2.9", DONE, state(site_2=1))
    assert machines.shutdown(asked, "client", ["site-1"]) == DONE_META
    with pytest.raises(TimeoutError, match="clients are still connected: site-2"):
        machines.shutdown(ScriptedConversation("2.9", DONE, state(site_1=1, site_2=1)), "client", ["site-2"], timeout=1)


# --- shutdown_system ----------------------------------------------------------------------------------------------


def test_to_2_6_only_an_overseer_could() -> None:
    asked = ScriptedConversation("2.6", state())
    with pytest.raises(RuntimeError, match="not supported by the dummy agent"):
        machines.shutdown_system(asked)
    assert asked.lines == ["admin_check_status server"]
    with pytest.raises(JobNotDone, match="there are still running jobs"):
        machines.shutdown_system(ScriptedConversation("2.6", state(status="started")))


def test_2_7_shuts_down_and_finds_its_session_closed() -> None:
    asked = ScriptedConversation("2.7", FINE)
    with pytest.raises(SessionClosed):
        machines.shutdown_system(asked)
    assert asked.lines == ["shutdown all"]


def test_from_2_8_on_it_looks_at_what_is_left() -> None:
    asked = ScriptedConversation("2.9", FINE, state())
    machines.shutdown_system(asked)
    assert asked.lines == ["shutdown all", "admin_check_status server"]
    with pytest.raises(ConnectionLost, match="it was shut down"):
        machines.shutdown_system(ScriptedConversation("2.9", FINE, SessionClosed("session closed")))
    with pytest.raises(JobNotDone):
        machines.shutdown_system(ScriptedConversation("2.9", FINE, state(status="started")))
