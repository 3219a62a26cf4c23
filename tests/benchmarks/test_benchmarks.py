"""The maths of the benchmarks, their programs and the report; nothing here is about how long anything takes."""

from __future__ import annotations

import datetime
import io
import json
import math
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flare_client import new_secure_session
from mock_server import MockServer
from tests.benchmarks import (
    cellnet,
    command,
    harness,
    idle,
    imports,
    processes,
    reset,
    run,
    simulation,
    start,
    store,
    transfer,
)
from tests.benchmarks.figures import (
    MIB,
    Figure,
    Verdict,
    above,
    all_kept,
    at_least,
    at_most,
    below,
    number_text,
    ratio,
)
from tests.benchmarks.memory import MemoryUnknown, forget_peak, memory_of, parse_status
from tests.benchmarks.programs.bare import BareClient, serve, server_context
from tests.benchmarks.programs.client_program import Program
from tests.benchmarks.report import circumstances, page, terminal_line
from tests.benchmarks.run import BENCHMARKS, Benchmark
from tests.benchmarks.timing import Samples, interleaved, once, pooled, timed
from tests.support import wait_until, write_job

NOW = datetime.datetime(2025, 1, 2, 3, 4, tzinfo=datetime.timezone.utc)


def samples(*seconds: float) -> Samples:
    return Samples(seconds)


# --- figures --------------------------------------------------------------------------------------------------------


@given(st.floats(), st.floats(allow_nan=False))
def test_a_value_keeps_either_a_bound_or_its_opposite_and_nan_keeps_neither(measured: float, value: float) -> None:
    for bound, opposite in ((at_most(value), above(value)), (at_least(value), below(value))):
        kept = bound.is_kept(measured) + opposite.is_kept(measured)
        assert kept == (0 if math.isnan(measured) else 1)


@pytest.mark.parametrize(("bound", "kept"), [(at_most, True), (at_least, True), (above, False), (below, False)])
def test_the_edge_of_a_bound(bound: Callable[[float], Any], kept: bool) -> None:
    assert bound(1.5).is_kept(1.5) is kept


def test_a_verdict_tells_kept_missed_unbound_and_not_measured_apart() -> None:
    kept, missed = Figure("f", 1, "s", below(2)), Figure("f", 3, "s", below(2))
    unbound, unknown = Figure("f", 3, "s"), Figure("f", None, "s", below(2), "no such thing")
    assert [one.verdict for one in (kept, missed, unbound, unknown)] == [
        Verdict.OK,
        Verdict.MISSED,
        Verdict.NO_BOUND,
        Verdict.NOT_MEASURED,
    ]
    assert all_kept([kept, unbound])
    assert not all_kept([kept, missed])
    assert not all_kept([kept, unknown])


@pytest.mark.parametrize(
    ("value", "text"), [(0.0123456, "0.0123"), (1.0, "1"), (45.678, "45.7"), (123.456, "123"), (12345.6, "12,346")]
)
def test_a_number_has_three_digits_that_count(value: float, text: str) -> None:
    assert number_text(value) == text


def test_a_ratio_to_nothing_is_infinite_and_breaks_an_upper_bound() -> None:
    assert ratio(3, 2) == 1.5
    assert not at_most(2).is_kept(ratio(1, 0))


# --- reset ---------------------------------------------------------------------------------------------------------


def test_resets_of_both_wires_are_measured() -> None:
    found = reset.resets(rounds=1)
    assert list(found) == ["2.6", "2.9"]
    assert all(len(one.seconds) == 1 for one in found.values())
    assert reset.reset_figure("2.6", samples(0.004)).verdict is Verdict.OK
    assert reset.reset_figure("2.6", samples(0.005)).verdict is Verdict.MISSED


# --- harness -------------------------------------------------------------------------------------------------------


def test_the_harness_is_measured_on_both_adapters_with_what_a_client_returns() -> None:
    inprocess, stdio = harness.call_figures(rounds=1)
    assert (inprocess.unit, stdio.unit) == ("ms", "ms")
    assert inprocess.value is not None
    assert stdio.value is not None
    assert stdio.value > inprocess.value > 0
    assert inprocess.bound == at_most(1.0)
    assert stdio.bound == at_most(3.0)


# --- timing ---------------------------------------------------------------------------------------------------------


def test_samples_know_their_middle_and_their_ends() -> None:
    found = samples(0.004, 0.001, 0.002)
    assert (found.median, found.least, found.most) == (0.002, 0.001, 0.004)
    assert found.spread("ms") == "median 2, 1 to 4 ms (3 runs)"
    with pytest.raises(ValueError, match="at least one"):
        samples()


def test_sides_are_measured_in_turn_each_second_round_backwards_and_the_warm_up_does_not_count() -> None:
    calls: list[str] = []

    def side(name: str) -> Callable[[], list[float]]:
        def take() -> list[float]:
            calls.append(name)
            return [len(calls), len(calls)]

        return take

    found = interleaved(2, {"a": side("a"), "b": side("b")}, warm_up=1)
    assert "".join(calls) == "ba" + "ab" + "ba"
    assert found == {"a": samples(3, 3, 6, 6), "b": samples(4, 4, 5, 5)}


def test_measurements_of_the_same_sides_count_together() -> None:
    assert pooled([{"a": samples(1, 2), "b": samples(3)}, {"a": samples(5), "b": samples(4)}]) == {
        "a": samples(1, 2, 5),
        "b": samples(3, 4),
    }


def test_a_thing_that_is_timed_is_done_once() -> None:
    done: list[int] = []
    assert timed(lambda: done.append(1)) >= 0
    assert len(once(lambda: done.append(2))()) == 1
    assert done == [1, 2]


# --- memory ---------------------------------------------------------------------------------------------------------


def test_memory_is_read_from_a_status_in_bytes() -> None:
    found = parse_status("Name:\tx\nVmHWM:\t     300 kB\nVmRSS:\t     200 kB\n")
    assert (found.resident, found.peak) == (200 * 1024, 300 * 1024)


@pytest.mark.parametrize("text", ["", "VmRSS:\t1 kB\n", "VmRSS:\t kB\nVmHWM:\t1 kB\n", "VmRSS:\nVmHWM:\n"])
def test_a_status_without_memory_is_refused(text: str) -> None:
    with pytest.raises(MemoryUnknown):
        parse_status(text)


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the system does not tell the peak of a process")
def test_the_peak_shows_memory_that_is_gone_again_and_can_be_forgotten() -> None:
    before = forget_peak(os.getpid())
    block = bytearray(b"x") * (64 * MIB)
    del block
    assert memory_of(os.getpid()).peak - before.resident > 32 * MIB
    after = forget_peak(os.getpid())
    assert after.peak - after.resident < 32 * MIB


def test_the_memory_of_no_process_is_unknown() -> None:
    for ask in (memory_of, forget_peak):
        with pytest.raises(MemoryUnknown):
            ask(-1)


# --- each benchmark's maths -----------------------------------------------------------------------------------------


def test_an_import_costs_the_difference_of_the_medians() -> None:
    figure = imports.import_figure("i", samples(0.09, 0.07, 0.2), samples(0.01, 0.02, 0.015), is_bound=True)
    assert figure.value == pytest.approx(75)
    assert figure.verdict is Verdict.OK
    assert imports.import_figure("i", samples(0.1), samples(0.01), is_bound=True).verdict is Verdict.MISSED
    assert imports.import_figure("i", samples(0.5), samples(0.01), is_bound=False).verdict is Verdict.NO_BOUND


def test_the_growth_of_a_call_is_the_ratio_of_the_medians() -> None:
    assert store.growth_figure("g", samples(2.0), samples(3.0), bound=True).value == 1.5
    assert store.growth_figure("g", samples(1.0), samples(2.5), bound=True).verdict is Verdict.MISSED


def test_the_start_is_held_against_seconds_and_against_the_official_start() -> None:
    own, faster = start.start_figures(samples(0.5), samples(7.5))
    assert (own.value, own.verdict, faster.value, faster.verdict) == (0.5, Verdict.OK, 15, Verdict.OK)
    own, slower = start.start_figures(samples(0.6), samples(7.5))
    assert (own.verdict, slower.verdict) == (Verdict.MISSED, Verdict.MISSED)
    _, unknown = start.start_figures(samples(0.5), "port 8002 is taken")
    assert (unknown.verdict, unknown.detail) == (Verdict.NOT_MEASURED, "port 8002 is taken")


def test_a_command_is_held_against_the_floor_and_against_the_official_pair() -> None:
    found = {"own": samples(0.003), "floor": samples(0.002), "full": samples(0.004), "official": samples(0.030)}
    assert [one.value for one in command.command_figures(found, "")] == pytest.approx([3, 1.5, 0.75, 10])
    found = {"own": samples(0.0031), "floor": samples(0.002), "full": samples(0.004)}
    verdicts = [one.verdict for one in command.command_figures(found, "not there")]
    assert verdicts == [Verdict.NO_BOUND, Verdict.MISSED, Verdict.NO_BOUND, Verdict.NOT_MEASURED]


def test_commands_a_second_are_the_inverse_of_the_time_of_one() -> None:
    figures = command.load_figures({"own": samples(0.002), "official": samples(0.05)}, "")
    assert [one.value for one in figures] == pytest.approx([500, 25])
    assert command.load_figures({"own": samples(0.002)}, "not there")[1].verdict is Verdict.NOT_MEASURED
    slower = {"own": samples(0.05), "official": samples(0.02)}
    assert command.load_figures(slower, "")[1].verdict is Verdict.MISSED


def test_the_memory_of_a_transfer_is_in_mib_for_each_side() -> None:
    growth = transfer.Growth(client=2 * MIB, server=64 * MIB)
    client, server, official = transfer.memory_figures(growth, "not there")
    assert (client.value, client.verdict) == (2, Verdict.OK)
    assert (server.value, server.verdict) == (64, Verdict.MISSED)
    assert official.verdict is Verdict.NOT_MEASURED
    assert transfer.memory_figures("the system does not tell", growth)[0].verdict is Verdict.NOT_MEASURED


def test_a_rate_is_the_size_by_the_median_and_its_multiple_that_of_the_times() -> None:
    own, times = transfer.rate_figures({"own": samples(2.0), "official": samples(4.0)}, "")
    assert (own.value, times.value, times.verdict) == (256, 2, Verdict.OK)
    assert transfer.rate_figures({"own": samples(2.0)}, "not there")[1].detail == "not there"
    assert transfer.rate_figures({"own": samples(3.0), "official": samples(4.0)}, "")[1].verdict is Verdict.MISSED


# --- programs -------------------------------------------------------------------------------------------------------


class _Session:
    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.lock = threading.Lock()

    def work(self, *args: Any) -> None:
        with self.lock:
            self.calls.append(args)

    def fail(self) -> None:
        raise KeyError("broken")


def ask_program(sessions: list[_Session], *requests: dict[str, Any]) -> list[dict[str, Any]]:
    def factory(user: str) -> _Session:
        assert user == "u"
        sessions.append(_Session())
        return sessions[-1]

    sink = io.StringIO()
    opening = {"do": "open", "count": 3, "options": {"user": "u"}}
    lines = "".join(json.dumps(one) + "\n" for one in (opening, *requests))
    Program(factory, io.StringIO(lines), sink).run()
    return [json.loads(line) for line in sink.getvalue().splitlines()][1:]


def test_the_client_program_times_each_call_of_one_session() -> None:
    sessions: list[_Session] = []
    (answer,) = ask_program(sessions, {"do": "time", "method": "work", "args": [1, "b"], "count": 4})
    assert len(answer["result"]) == 4
    assert [one.calls for one in sessions] == [[(1, "b")] * 4, [], []]


def test_the_client_program_times_all_sessions_together() -> None:
    sessions: list[_Session] = []
    (answer,) = ask_program(sessions, {"do": "together", "method": "work", "args": [1], "count": 2})
    assert answer["result"] >= 0
    assert [one.calls for one in sessions] == [[(1,)] * 2] * 3


@pytest.mark.parametrize("do", ["time", "together"])
def test_the_client_program_tells_what_a_client_raises_and_goes_on(do: str) -> None:
    failed, worked = ask_program([], *({"do": do, "method": name, "args": [], "count": 1} for name in ("fail", "work")))
    assert failed == {"error": "KeyError: 'broken'"}
    assert "result" in worked


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    scenario = {"jobs": [{"queued": 0, "running": 0}]}
    with MockServer("2.6", scenario=scenario, workspace=tmp_path_factory.mktemp("mock")) as running:
        yield running


@pytest.mark.parametrize("resume", [False, True])
def test_the_bare_pair_exchanges_the_bytes_with_the_server_s_certificates(server: MockServer, resume: bool) -> None:
    kit = server.kit(processes.ADMIN)
    pem = kit.parents[1] / "pki" / "server.pem"
    listener = socket.create_server(("127.0.0.1", 0))
    context = server_context(pem, kit / "startup" / "rootCA.pem")
    threading.Thread(target=_serve_until_closed, args=(listener, context, b"y" * 2000), daemon=True).start()
    port = listener.getsockname()[1]
    client = BareClient("127.0.0.1", port, str(kit), "x" * 1000, reply_size=2000, resume=resume)
    assert [client.exchange() for _ in range(3)] == [b"y" * 2000] * 3
    short = BareClient("127.0.0.1", port, str(kit), "x" * 1000, reply_size=2001)
    with pytest.raises(OSError, match="expected 2001 bytes"):
        short.exchange()
    listener.close()


def _serve_until_closed(listener: socket.socket, context: Any, reply: bytes) -> None:
    try:
        serve(listener, context, 1000, reply)
    except OSError:
        return  # the test is over


def test_a_filled_store_answers_and_a_wrong_line_is_not_taken_for_an_answer(server: MockServer, tmp_path: Path) -> None:
    with new_secure_session(processes.ADMIN, str(server.kit(processes.ADMIN))) as session:
        job_id = store.fill(server, session, write_job(tmp_path), 30)
        assert session.get_job_meta(job_id)["status"] == "FINISHED:COMPLETED"
    assert all(seconds >= 0 for seconds in server.call(store.asking(server, f"get_job_meta {job_id}")))
    with pytest.raises(ValueError, match="expected jobs in the reply"):
        server.call(store.asking(server, "check_status server"))


# --- the report -----------------------------------------------------------------------------------------------------


def test_a_simulation_that_is_measured_gets_every_job_to_its_end() -> None:
    seconds = simulation.seconds_of(150)
    figure = simulation.life_figure(Samples([seconds, 0.5, 1.0]), 150)
    assert seconds > 0
    assert (figure.unit, figure.verdict) == ("s", Verdict.OK)
    assert simulation.life_figure(Samples([2.5]), 150).verdict is Verdict.MISSED


def test_the_page_names_each_figure_with_its_bound_and_verdict() -> None:
    figures = {
        "one": [Figure("fast", 0.5, "s", below(0.6), "3 runs"), Figure("beside", 7, "s")],
        "two": [Figure("a|b", 3, "×", at_most(2)), Figure("gone", None, "×", above(1), "port\ntaken")],
    }
    text = page(figures, circumstances("make bench", "2.6.3", NOW), {"one": "Note 1.", "two": "Note 2."})
    assert "| fast | 0.5 s | < 0.6 s | ok | 3 runs |" in text
    assert "| beside | 7 s | – | – |  |" in text
    assert "| a\\|b | 3 × | ≤ 2 × | **missed** |  |" in text
    assert "| gone | – | > 1 × | **not measured** | port taken |" in text
    assert "Not kept, or not measured: 2." in text
    assert "## two\n\nNote 2.\n" in text
    assert "| command | `make bench` |" in text
    assert "| date | 2025-01-02 03:04 UTC |" in text
    assert "nvflare 2.6.3" in text
    assert f"{os.cpu_count()} CPUs" in text
    assert text.endswith("\n")


def test_a_line_for_the_terminal_has_verdict_bound_and_runs() -> None:
    assert terminal_line(Figure("f", 3, "s", at_most(2), "5 runs")) == "  missed: f: 3 s  (bound ≤ 2 s)\n      5 runs"
    assert terminal_line(Figure("f", 3, "s")) == "  f: 3 s"


@pytest.fixture
def stubbed(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Replace every benchmark by one with a figure of a given value and a bound of 2."""

    def stub(value: float) -> None:
        for name in list(BENCHMARKS):
            monkeypatch.setitem(
                BENCHMARKS, name, Benchmark(lambda _progress: [Figure("f", value, "s", below(2))], "note")
            )

    return stub


@pytest.mark.parametrize(("value", "code"), [(1, 0), (2, 1)])
def test_the_command_writes_the_page_and_its_code_tells_whether_all_is_kept(
    stubbed: Callable[[float], None], tmp_path: Path, value: float, code: int
) -> None:
    stubbed(value)
    answer = CliRunner().invoke(run.main, ["--docs", str(tmp_path)])
    assert answer.exit_code == code, answer.output
    text = (tmp_path / "performance.md").read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [f"## {name}" for name in BENCHMARKS]


def test_a_part_of_the_benchmarks_writes_no_page(stubbed: Callable[[float], None], tmp_path: Path) -> None:
    stubbed(1)
    answer = CliRunner().invoke(run.main, ["store", "--docs", str(tmp_path)])
    assert answer.exit_code == 0, answer.output
    assert list(tmp_path.iterdir()) == []


def test_a_part_is_written_to_a_page_of_its_own(stubbed: Callable[[float], None], tmp_path: Path) -> None:
    stubbed(1)
    page = tmp_path / "cellnet.md"
    answer = CliRunner().invoke(run.main, ["cellnet", "cellnet-sessions", "--docs", str(tmp_path), "--page", str(page)])
    assert answer.exit_code == 0, answer.output
    text = page.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("## ")] == ["## cellnet", "## cellnet-sessions"]
    assert "`python -m tests.benchmarks.run cellnet cellnet-sessions`" in text
    assert "official: nvflare 2.9.0" in text
    assert list(tmp_path.iterdir()) == [page]


def test_the_command_explains_itself_with_an_example() -> None:
    answer = CliRunner().invoke(run.main, ["--help"])
    assert answer.exit_code == 0
    assert "Example: python -m tests.benchmarks.run" in answer.output


# --- idle -----------------------------------------------------------------------------------------------------------


def test_an_idle_server_is_held_against_a_share_of_a_cpu() -> None:
    kept, missed = (idle.idle_figure(used, 20.0, 100, durable=True) for used in (0.099, 0.1))
    assert (kept.verdict, missed.verdict) == (Verdict.OK, Verdict.MISSED)
    assert kept.value == pytest.approx(0.495)


def test_an_idle_server_is_filled_with_jobs_that_are_over_and_jobs_that_wait() -> None:
    with MockServer(scenario=idle.scenario(20)) as server:
        idle.wait_for(server, 20)
        wait_until(lambda: [meta["status"] for meta in server.job_metas()].count("FINISHED:COMPLETED") == 10)
        statuses = [meta["status"] for meta in server.job_metas()]
    assert sorted(statuses) == ["FINISHED:COMPLETED"] * 10 + ["SUBMITTED"] * 10


# --- CellNet --------------------------------------------------------------------------------------------------------


def verdicts(figures: list[Figure]) -> list[Verdict]:
    return [figure.verdict for figure in figures]


def test_opening_a_session_is_held_against_a_time_and_a_handshake() -> None:
    kept = cellnet.open_figures({"own": samples(0.05), "floor": samples(0.0125)})
    missed = cellnet.open_figures({"own": samples(0.0501), "floor": samples(0.0125)})
    assert verdicts(kept) == [Verdict.OK, Verdict.OK]
    assert verdicts(missed) == [Verdict.MISSED, Verdict.MISSED]


def test_the_echo_is_as_large_as_what_the_command_sends_and_gets() -> None:
    asked, answered = cellnet.exchange_sizes()
    # The token, the proofs and the names of the cells are in the one, a table and an acknowledgement in the other.
    assert 1500 < asked < 2500
    assert 2000 < answered < 4000


def test_a_command_is_held_against_an_echo_and_the_official_pair() -> None:
    times = {"own": samples(0.003), "floor": samples(0.001), "official": samples(0.0183), "guest": samples(0.0183)}
    assert verdicts(cellnet.ask_figures(times, "")) == [Verdict.NO_BOUND, Verdict.OK, Verdict.OK, Verdict.OK]
    times |= {"own": samples(0.0031), "guest": samples(0.019)}
    assert verdicts(cellnet.ask_figures(times, ""))[1:] == [Verdict.MISSED] * 3
    without = cellnet.ask_figures({"own": samples(0.003), "floor": samples(0.001)}, "no peer")
    assert verdicts(without)[2:] == [Verdict.NOT_MEASURED] * 2
    assert without[3].detail == "no peer"


def test_a_rate_is_held_against_the_official_pair() -> None:
    found = cellnet.rate_figures("up", {"own": samples(2.0), "official": samples(4.0)}, "")
    assert found[0].value == 256
    assert verdicts(found) == [Verdict.NO_BOUND, Verdict.OK]
    assert (
        verdicts(cellnet.rate_figures("up", {"own": samples(2.1), "official": samples(4.0)}, ""))[1] is Verdict.MISSED
    )
    assert verdicts(cellnet.rate_figures("up", {"own": samples(2.0)}, "none"))[1] is Verdict.NOT_MEASURED


def test_the_program_times_openings_results_and_rounds() -> None:
    class Fake:
        calls = 0

        def ask(self, word: str) -> str:
            Fake.calls += 1
            return word * 2

        def set_timeout(self, seconds: float) -> None:
            self.timeout = seconds

        def close(self) -> None:
            Fake.calls += 100

    program = Program(lambda **_: Fake(), io.StringIO(), io.StringIO())
    assert len(program.do_time_open(3, {})) == 3
    assert Fake.calls == 300
    program.do_open(2, {})
    program.do_set_timeout(1.5)
    assert program.sessions[0].timeout == 1.5
    seconds, result = program.do_time_with_result("ask", ["ab"])
    assert (seconds >= 0, result) == (True, "abab")
    assert program.do_every_second("ask", ["x"], 1) >= 0
    assert Fake.calls == 303
